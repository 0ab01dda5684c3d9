package comparison

import (
	"fmt"

	"weightsep/wslib/network"
)

// KeepFor is the largest share of weights, the same for all networks, with which
// [Pruned] stores them in at most budget bytes, wherever the kept weights lie.
func KeepFor(networks []*network.Network, bits, budget int) (float64, error) {
	return largestWithin(budget, func(keep float64) int {
		return Pruned{Bits: bits, Keep: keep}.Stored(networks).Total
	})
}

// FactorFor is the largest factor of widths, 1 at most, with which [WidthScaled]
// stores the networks in at most budget bytes; page is the number of weights with one
// scale, 0 for 512.
func FactorFor(networks []*network.Network, bits, page, budget int) (float64, error) {
	return largestWithin(budget, func(factor float64) int {
		return WidthScaled{Factor: factor, Bits: bits, Page: page}.Stored(networks).Total
	})
}

// largestWithin bisects for the largest x in (0, 1] with bytes(x) <= budget; bytes
// never falls.
func largestWithin(budget int, bytes func(x float64) int) (float64, error) {
	if bytes(1) <= budget {
		return 1, nil
	}
	low, high := 1e-6, 1.0
	if least := bytes(low); least > budget {
		return 0, fmt.Errorf("comparison: %d bytes at least, the budget is %d", least, budget)
	}
	for range 40 {
		if middle := (low + high) / 2; bytes(middle) <= budget {
			low = middle
		} else {
			high = middle
		}
	}
	return low, nil
}
