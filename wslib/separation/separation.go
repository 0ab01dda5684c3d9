// Package separation chooses each network's exclusive pages: the few that carry
// most of its Fisher information.
package separation

import (
	"cmp"
	"fmt"
	"slices"

	"weightsep/wslib/page"
)

// Options of [Separate]. The zero value is not the default; use [Defaults].
type Options struct {
	TPR    float64 // target performance rate: share of the density that the exclusive pages must carry
	Margin float64 // pages are taken while TPR minus the density taken is at least this
	Shared int     // number of shared pages: at most as many pages may remain sharable
	Max    int     // at most so many pages, unless Shared forces more; 0: no bound
}

// Defaults are the values of the paper: TPR 1, margin 0.1, 128 shared pages.
func Defaults() Options { return Options{TPR: 1, Margin: 0.1, Shared: 128} }

func (o Options) check() error {
	if !(o.Margin > 0 && o.Margin <= 1) {
		return fmt.Errorf("separation: margin %v, want more than 0 and at most 1", o.Margin)
	}
	if !(o.TPR >= 0 && o.TPR <= 2) {
		return fmt.Errorf("separation: target performance rate %v, want 0 to 2", o.TPR)
	}
	if o.Shared < 1 {
		return fmt.Errorf("separation: %d shared pages, want 1 at least", o.Shared)
	}
	return nil
}

// Density is the contribution density of each page: its share of the network's
// Fisher information, summed in float64. A network whose Fisher information is
// all 0 has density 0 everywhere.
func Density(fisher []float32, pageSize int) []float64 {
	density := page.Sums(fisher, pageSize)
	total := 0.0
	for _, d := range density {
		total += d
	}
	if total > 0 {
		for i := range density {
			density[i] /= total
		}
	}
	return density
}

// Separate returns the exclusive pages, in rising order.
//
// Pages are taken by falling density (equal: lower index first) while
// TPR - taken >= margin. If more pages than Shared remain, the next densest are
// taken too until Shared remain. A network whose density is 0 everywhere gets
// only these forced pages. Max is ours: it bounds what a network with widely spread
// Fisher information may take.
func Separate(density []float64, o Options) ([]int, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	order := ByDensity(density)
	n, taken := 0, 0.0
	for n < len(order) && (o.Max <= 0 || n < o.Max) && density[order[n]] > 0 && o.TPR-taken >= o.Margin {
		taken += density[order[n]]
		n++
	}
	n = max(n, len(order)-o.Shared)
	exclusive := order[:n:n]
	slices.Sort(exclusive)
	return exclusive, nil
}

// ByDensity orders page indices by falling density, equal ones by index.
func ByDensity(density []float64) []int {
	order := make([]int, len(density))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(density[b], density[a]) })
	return order
}
