package overlapping

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// maxPairs bounds the costs of pairs that TotalCost holds at a time, to 8 MiB
// (more where the pairs on one shared page alone are more).
const maxPairs = 1 << 20

// tenant is page b of a member, on some shared page.
type tenant struct{ member, b int32 }

// TotalCost is the pairwise cost summed over all pairs of pages that meet on a
// shared page, on their networks' original weights and Fisher information. With
// doubling, pages of one network meet as those of two do.
func (p *Plan) TotalCost() float64 {
	tenants := make([][]tenant, p.Shared)
	for i := range p.Members {
		for b, e := range p.Members[i].Table.Entries {
			if int(e) < p.Shared {
				tenants[e] = append(tenants[e], tenant{int32(i), int32(b)})
			}
		}
	}
	total := 0.0
	for from := 0; from < p.Shared; {
		to, pairs := from, 0
		for to < p.Shared && (to == from || pairs+pairsOf(tenants[to]) <= maxPairs) {
			pairs += pairsOf(tenants[to])
			to++
		}
		// Added up in one order, whoever computes them: pages rising, then tenants.
		for _, costs := range p.pairCosts(tenants[from:to]) {
			for _, c := range costs {
				total += c
			}
		}
		from = to
	}
	return total
}

func pairsOf(on []tenant) int { return len(on) * (len(on) - 1) / 2 }

// pairCosts are, for each shared page, the costs of the pairs (i, j), i < j, of its
// tenants: i rising, then j.
func (p *Plan) pairCosts(tenants [][]tenant) [][]float64 {
	costs := make([][]float64, len(tenants))
	fours := newFours()
	inParallel(len(tenants), func(k int) {
		q := fours.Get().(*four)
		defer fours.Put(q)
		on := tenants[k]
		costs[k] = make([]float64, pairsOf(on))
		for first := 1; first < len(on); first += 4 { // tenants first to first + 3, as j
			later := on[first:min(first+4, len(on))]
			q.set(p.PageSize, len(later), func(i int) ([]float32, []float32) { return p.at(later[i]) })
			for i, a := range on[:first+len(later)-1] {
				row := i*(2*len(on)-i-1)/2 - i - 1 // place of pair (i, j), less j
				c := q.meet(p.at(a))
				for j := max(first, i+1); j < first+len(later); j++ {
					costs[k][row+j] = c[j-first]
				}
			}
		}
	})
	return costs
}

func (p *Plan) at(t tenant) (weights, fisher []float32) {
	m := &p.Members[t.member]
	return cut(m.Weights, int(t.b), p.PageSize), cut(m.Fisher, int(t.b), p.PageSize)
}

// inParallel shares out jobs 0 to n-1 over the cores.
func inParallel(n int, do func(job int)) {
	var next atomic.Int64
	work := func() {
		for job := int(next.Add(1)) - 1; job < n; job = int(next.Add(1)) - 1 {
			do(job)
		}
	}
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
}
