package overlapping

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// TotalCost is the pairwise cost summed over all pairs of pages that meet on a
// shared page, on their networks' original weights and Fisher information. With
// doubling, pages of one network meet as those of two do.
func (p *Plan) TotalCost() float64 {
	type tenant struct{ weights, fisher []float32 }
	tenants, costs := make([][]tenant, p.Shared), make([]float64, p.Shared)
	for i := range p.Members {
		p.Members[i].eachSharing(p.PageSize, func(_, shared int, weights, fisher []float32) {
			tenants[shared] = append(tenants[shared], tenant{weights, fisher})
		})
	}
	fours := newFours()
	inParallel(p.Shared, func(a int) {
		q := fours.Get().(*four)
		defer fours.Put(q)
		on := tenants[a]
		for first := 0; first < len(on); first += 4 {
			later := on[first:min(first+4, len(on))]
			q.set(p.PageSize, len(later), func(k int) ([]float32, []float32) { return later[k].weights, later[k].fisher })
			for i, t := range on[:first+len(later)-1] {
				for k, cost := range q.meet(t.weights, t.fisher) {
					if i < first+k { // each pair once; a page that is missing costs nothing
						costs[a] += cost
					}
				}
			}
		}
	})
	total := 0.0
	for _, c := range costs { // in one order, whoever computes them
		total += c
	}
	return total
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
