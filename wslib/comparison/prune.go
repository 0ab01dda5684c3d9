package comparison

import (
	"cmp"
	"math"
	"slices"
)

// largest marks the given number of weights of largest layer-adaptive magnitude (Lee
// et al., ICLR 2021): of equals the first.
//
// That is a weight's square over the sum of squares of its layer's weights that are
// no smaller than it. One threshold on it for all layers leaves each layer what it
// cannot do without; one on the magnitude itself empties layers of small weights.
func largest(weights []float32, layers groups, keep int) []bool {
	scores := make([]float64, len(weights))
	falling := func(order []int, of func(i int) float64) {
		slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(of(b), of(a)), cmp.Compare(a, b)) })
	}
	square := func(i int) float64 { return float64(weights[i]) * float64(weights[i]) }
	order := make([]int, len(weights))
	for i := range order {
		order[i] = i
	}
	for l := range layers.len() {
		layer := order[layers.bounds[l]:layers.bounds[l+1]]
		falling(layer, square)
		sum := 0.0
		for _, i := range layer {
			sum += square(i)
			if sum > 0 {
				scores[i] = square(i) / sum
			}
		}
	}
	falling(order, func(i int) float64 { return scores[i] })
	mask := make([]bool, len(weights))
	for _, i := range order[:min(keep, len(order))] {
		mask[i] = true
	}
	return mask
}

// pruning is when how many of n weights are kept: the number falls from n to keep
// over the first half of the steps, fast at first (cubic, Zhu and Gupta 2017): with a
// few per cent kept at once nothing would be left to train on from. The other half
// is for the weights that stay.
type pruning struct {
	n, keep, steps int
}

// updates is how many times the mask changes.
const updates = 100

// at is the number kept from step k on, and whether it may differ from that of the
// step before.
func (p pruning) at(k int) (kept int, changed bool) {
	half := p.steps / 2
	every := max(1, half/updates)
	if k >= half {
		return p.keep, k == half
	}
	left := 1 - float64(k+1)/float64(half+1)
	return p.keep + int(math.Round(float64(p.n-p.keep)*left*left*left)), k%every == 0
}

// float32s is a mask for the graph.
func float32s(mask []bool) []float32 {
	v := make([]float32, len(mask))
	for i, kept := range mask {
		if kept {
			v[i] = 1
		}
	}
	return v
}
