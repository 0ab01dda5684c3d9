package overlapping

import (
	"runtime"

	"golang.org/x/sync/errgroup"

	"weightsep/wslib/page"
)

// coster computes costs of a network's pages on the shared pages of a plan.
type coster struct {
	p          *Plan
	n          Network
	networkSum []float64 // Fisher information of each page of the network: where it is 0, so is the cost
	own        [][]int   // pages of the network on each shared page, from the rounds so far
	sum        []float64 // Fisher information on each shared page, own included
}

func newCoster(p *Plan, n Network) *coster {
	c := &coster{p: p, n: n, networkSum: page.Sums(n.Fisher, p.PageSize),
		own: make([][]int, p.Shared), sum: make([]float64, p.Shared)}
	for i, f := range p.FisherSum {
		c.sum[i/p.PageSize] += f
	}
	return c
}

// put places page b on shared page a.
func (c *coster) put(b, a int) {
	c.own[a] = append(c.own[a], b)
	c.sum[a] += c.networkSum[b]
}

// placed are the shared pages that the network's pages were put on.
func (c *coster) placed(sharable []int) []int {
	on := make([]int, len(c.networkSum))
	for a, pages := range c.own {
		for _, b := range pages {
			on[b] = a
		}
	}
	placed := make([]int, len(sharable))
	for i, b := range sharable {
		placed[i] = on[b]
	}
	return placed
}

// cost of putting page b on shared page a: with what the plan has there, and with each of the network's own
// pages there.
func (c *coster) cost(a, b int) float64 {
	if c.networkSum[b] == 0 || c.sum[a] == 0 {
		return 0
	}
	size := c.p.PageSize
	weights, fisher := cut(c.n.Weights, b, size), cut(c.n.Fisher, b, size)
	cost := pageCost(c.p.FisherSum[a*size:][:size], c.p.Values[a*size:][:size], fisher, weights)
	for _, o := range c.own[a] {
		cost += pageCost(cut(c.n.Fisher, o, size), cut(c.n.Weights, o, size), fisher, weights)
	}
	return cost
}

// cheapest is the place of the page of least cost among those not used, of equals that of the least page.
// Costs are computed in parallel, and held in scratch.
func (c *coster) cheapest(pages []int, used []bool, scratch []float64, cost func(page int) float64) int {
	const block = 64 // pages to a job
	inParallel(page.Count(len(pages), block), func(job int) {
		for i := job * block; i < min((job+1)*block, len(pages)); i++ {
			if !used[i] {
				scratch[i] = cost(pages[i])
			}
		}
	})
	best := -1
	for i, p := range pages {
		if !used[i] && (best < 0 || scratch[i] < scratch[best] || scratch[i] == scratch[best] && p < pages[best]) {
			best = i
		}
	}
	return best
}

// pageCost is the cost of putting page b on page a: over the weights where both
// Fisher values are above 0, the sum of (Fa + Fb) (wa - wb)^2, in float64 and in
// order of the weights. Either page may be short, as the last of a network is.
func pageCost[T float32 | float64](fa, wa []T, fb, wb []float32) float64 {
	n := min(len(fa), len(fb))
	fa, wa, fb, wb = fa[:n], wa[:n], fb[:n], wb[:n]
	cost := 0.0
	for j, b := range fb {
		if a := float64(fa[j]); a > 0 && b > 0 {
			d := float64(wa[j]) - float64(wb[j])
			cost += float64((a + float64(b)) * d * d)
		}
	}
	return cost
}

// inParallel shares out jobs 0 to n-1 over the cores.
func inParallel(n int, do func(job int)) {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for job := range n {
		group.Go(func() error {
			do(job)
			return nil
		})
	}
	group.Wait()
}
