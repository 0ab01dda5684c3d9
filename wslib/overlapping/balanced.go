package overlapping

import (
	"cmp"
	"container/heap"
	"math/rand/v2"
)

// Balanced returns a placement that keeps the load of shared pages even: each page goes
// to the shared page that carries least, and adds its network's [Network.Load] to it.
// Networks that need more room have a larger load: their pages come to lie alone or with
// few others, those of the rest close together. Costs are not looked at: once pages are
// trained jointly, placement by cost gains nothing (results/optimization.md). The seed
// decides between equals.
//
// It wants a plan with doubling, so that a network of small load can lie on few shared
// pages; in others it names no shared page twice.
func Balanced(seed uint64) Placement {
	return func(p *Plan, n Network, sharable []int) []int {
		rng := rand.New(rand.NewPCG(seed, uint64(len(p.Members))))
		pages := make(byLoad, p.Shared)
		for i, a := range rng.Perm(p.Shared) {
			pages[i] = loaded{page: a, rank: i}
		}
		loads := p.loads()
		for i := range pages {
			pages[i].load = loads[pages[i].page]
		}
		heap.Init(&pages)
		placed := make([]int, len(sharable))
		for _, i := range rng.Perm(len(sharable)) {
			placed[i] = pages[0].page
			if !p.Doubling {
				heap.Pop(&pages)
				continue
			}
			pages[0].load += n.load()
			heap.Fix(&pages, 0)
		}
		return placed
	}
}

// load of each of the network's pages.
func (n Network) load() float64 { return cmp.Or(n.Load, 1) }

// loads are those of the shared pages, [Shared].
func (p *Plan) loads() []float64 {
	loads := make([]float64, p.Shared)
	for i := range p.Members {
		m := &p.Members[i]
		m.eachSharing(p.PageSize, func(_, shared int, _, _ []float32) { loads[shared] += m.load() })
	}
	return loads
}

type loaded struct {
	load       float64
	page, rank int
}

// byLoad is a heap of shared pages, the least loaded first.
type byLoad []loaded

func (h byLoad) Len() int { return len(h) }
func (h byLoad) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(h[i].load, h[j].load), cmp.Compare(h[i].rank, h[j].rank)) < 0
}
func (h byLoad) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *byLoad) Push(x any)   { *h = append(*h, x.(loaded)) }
func (h *byLoad) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}
