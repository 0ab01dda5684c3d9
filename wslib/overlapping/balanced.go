package overlapping

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"weightsep/wslib/page"
)

// Balanced returns a placement that keeps the load of shared pages even: each page, those
// of the largest load first, goes to the shared page that carries least, and adds its own
// load to it (see [Network.Loads]). So pages that need more room come to lie alone or with
// few others, the rest close together. Costs are not looked at: once pages are
// trained jointly, placement by cost gains nothing (results/optimization.md). The seed
// decides between equals.
//
// It wants a plan with doubling, so that a network of small loads can lie on few shared
// pages; in others it names no shared page twice.
func Balanced(seed uint64) Placement {
	return func(p *Plan, n Network, sharable []int) []int {
		rng := rand.New(rand.NewPCG(seed, uint64(len(p.Members))))
		pages, loads := rng.Perm(p.Shared), make([]float64, p.Shared)
		for i := range p.Members {
			m := &p.Members[i]
			m.eachSharing(p.PageSize, func(b, shared int, _, _ []float32) { loads[shared] += m.load(b) })
		}
		order := rng.Perm(len(sharable))
		slices.SortStableFunc(order,
			func(i, j int) int { return cmp.Compare(n.load(sharable[j]), n.load(sharable[i])) })
		placed := make([]int, len(sharable))
		for _, i := range order {
			a := slices.MinFunc(pages, func(a, b int) int { return cmp.Compare(loads[a], loads[b]) })
			placed[i] = a
			if loads[a] += n.load(sharable[i]); !p.Doubling {
				loads[a] = math.Inf(1)
			}
		}
		return placed
	}
}

func (n Network) load(b int) float64 {
	if n.Loads == nil {
		return 1
	}
	return n.Loads[b]
}

// SpreadLoads are loads of a network's pages with the given mean, more for those on whose
// weights more depends: in proportion to a page's sum of Fisher information times weight
// squared, what the loss gains to second order when its weights are lost, to the power of
// spread. With a spread of 0 all are equal. The mean is over all pages, exclusive ones, which
// ask for no room, among them.
func SpreadLoads(weights, fisher []float32, pageSize int, mean, spread float64) []float64 {
	loads := make([]float64, page.Count(len(weights), pageSize))
	total := 0.0
	for b := range loads {
		matters := tiny
		w, f := cut(weights, b, pageSize), cut(fisher, b, pageSize)
		for i := range w {
			matters += float64(f[i]) * float64(w[i]) * float64(w[i])
		}
		loads[b] = math.Pow(matters, spread)
		total += loads[b]
	}
	for b := range loads {
		loads[b] *= mean * float64(len(loads)) / total
	}
	return loads
}

// tiny keeps the load of a page without Fisher information above 0.
const tiny = 1e-12
