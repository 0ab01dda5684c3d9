package overlapping

import (
	"runtime"
	"sync"
)

// pageCost is the cost of putting page b on page a: over the weights where both
// Fisher values are above 0, the sum of (Fa + Fb) (wa - wb)^2, in float64 and in
// order of the weights.
func pageCost(fa, wa []float64, fb, wb []float32) float64 {
	cost := 0.0
	for j, f := range fb {
		if f > 0 && fa[j] > 0 {
			d := wa[j] - float64(wb[j])
			cost += (fa[j] + float64(f)) * d * d
		}
	}
	return cost
}

// cost of putting the network's page b on shared page a, as the plan is now.
func (p *Plan) cost(a int, weights, fisher []float32, b int) float64 {
	n := p.PageSize
	return pageCost(p.FisherSum[a*n:][:n], p.Values[a*n:][:n], fisher[b*n:][:n], weights[b*n:][:n])
}

// costMatrix is [len(shared)][len(network)], rows shared out over the cores.
// Expanding the square into matrix products would be faster still, but rounds
// equal costs apart, and ties must go to the lower page index.
func (p *Plan) costMatrix(shared, network []int, weights, fisher []float32) [][]float64 {
	costs := make([][]float64, len(shared))
	rows := make(chan int)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(shared)) {
		wg.Go(func() {
			for i := range rows {
				costs[i] = make([]float64, len(network))
				for j, b := range network {
					costs[i][j] = p.cost(shared[i], weights, fisher, b)
				}
			}
		})
	}
	for i := range shared {
		rows <- i
	}
	close(rows)
	wg.Wait()
	return costs
}

// TotalCost is the pairwise cost summed over all pairs of networks that meet on
// a shared page, on their original weights and Fisher information.
func (p *Plan) TotalCost() float64 {
	type tenant struct{ weights, fisher []float32 }
	tenants := make([][]tenant, p.Shared)
	p.eachSharing(func(_ *Member, _, shared int, weights, fisher []float32) {
		tenants[shared] = append(tenants[shared], tenant{weights, fisher})
	})
	total := 0.0
	for _, on := range tenants {
		for i, a := range on {
			fa, wa := widen(a.fisher), widen(a.weights)
			for _, b := range on[i+1:] {
				total += pageCost(fa, wa, b.fisher, b.weights)
			}
		}
	}
	return total
}

func widen(v []float32) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}

// SharedFisher is the Fisher information on each shared page, summed over its
// weights and networks.
func (p *Plan) SharedFisher() []float64 {
	sums := make([]float64, p.Shared)
	for i, f := range p.FisherSum {
		sums[i/p.PageSize] += f
	}
	return sums
}
