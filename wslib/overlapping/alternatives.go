package overlapping

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"weightsep/wslib/page"
)

// Random returns a placement on distinct shared pages drawn at random, occupancy
// kept even: it draws among the least occupied first. With doubling, occupancy is
// the number of pages, and pages are placed in rounds, in their order. It is a
// comparison, and what a placement without Fisher information can do.
func Random(seed uint64) Placement {
	return func(p *Plan, n Network, sharable []int) []int {
		rng := rand.New(rand.NewPCG(seed, uint64(len(p.Members))))
		placed := make([]int, 0, len(sharable))
		for len(placed) < len(sharable) {
			order := rng.Perm(p.Shared)
			// A round before the last adds one to every occupancy.
			slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p.pages[a], p.pages[b]) })
			now := order[:min(p.Shared, len(sharable)-len(placed))]
			rng.Shuffle(len(now), func(i, j int) { now[i], now[j] = now[j], now[i] })
			placed = append(placed, now...)
		}
		return placed
	}
}

// Optimal is the placement of least total cost on distinct shared pages (linear
// assignment by shortest augmenting paths, cubic in the number of pages; all costs
// are held in memory). It looks at cost alone, not at occupancy. With more sharable
// pages than shared ones, those that matter most are placed first, and each round is
// optimal by itself. It is a comparison for [Greedy], on small plans.
func Optimal(p *Plan, n Network, sharable []int) []int {
	c := newCoster(p, n)
	order := sharable
	if len(sharable) > p.Shared {
		order = bySum(sharable, c.networkSum)
	}
	for now := range slices.Chunk(order, p.Shared) {
		costs := make([]float64, len(now)*p.Shared)
		inParallel(len(now), func(i int) {
			for a := range p.Shared {
				costs[i*p.Shared+a] = c.cost(a, now[i])
			}
		})
		for i, a := range assign(len(now), p.Shared, func(i, a int) float64 { return costs[i*p.Shared+a] }) {
			c.put(now[i], a)
		}
	}
	return c.placed(sharable)
}

// assign gives each of n rows a column of its own, n <= m, at least total cost.
// Invariant: u[i]+v[j] <= cost(i,j), with equality on assigned pairs.
func assign(n, m int, cost func(i, j int) float64) []int {
	u, v := make([]float64, n), make([]float64, m+1) // column m stands for "none"
	row := make([]int, m+1)                          // row assigned to each column, -1 none
	for j := range row {
		row[j] = -1
	}
	for i := range n {
		slack, from, seen := make([]float64, m), make([]int, m), make([]bool, m+1)
		for j := range slack {
			slack[j] = math.Inf(1)
		}
		row[m] = i
		j := m
		for row[j] >= 0 {
			seen[j] = true
			r, delta, next := row[j], math.Inf(1), -1
			for k := range m {
				if seen[k] {
					continue
				}
				if c := cost(r, k) - u[r] - v[k]; c < slack[k] {
					slack[k], from[k] = c, j
				}
				if slack[k] < delta {
					delta, next = slack[k], k
				}
			}
			for k := range m + 1 {
				if seen[k] {
					u[row[k]] += delta
					v[k] -= delta
				} else if k < m {
					slack[k] -= delta
				}
			}
			j = next
		}
		for j != m {
			row[j], j = row[from[j]], from[j]
		}
	}
	result := make([]int, n)
	for j, r := range row[:m] {
		if r >= 0 {
			result[r] = j
		}
	}
	return result
}

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
