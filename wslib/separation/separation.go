// Package separation chooses each network's exclusive pages: the few that carry
// most of its Fisher information.
package separation

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"weightsep/wslib/page"
)

// Options of [Separate]. The zero value of TPR and Margin is not the default;
// use [Defaults]. A plan with doubling may have any number of shared pages.
type Options struct {
	TPR    float64 // target performance rate: share of the density that the exclusive pages must carry
	Margin float64 // pages are taken while TPR minus the density taken is at least this
	Shared int     // number of shared pages: at most as many pages may remain sharable
	Max    int     // at most so many pages, unless Shared forces more; 0: no bound
}

// Defaults are the values of the paper: TPR 1, margin 0.1, 128 shared pages.
func Defaults() Options { return Options{TPR: 1, Margin: 0.1, Shared: 128} }

// Validate reports an option out of range.
func (o Options) Validate() error {
	if o.Margin <= 0 || o.Margin > 1 || math.IsNaN(o.Margin) {
		return fmt.Errorf("separation: margin %v, want more than 0 and at most 1", o.Margin)
	}
	if o.TPR < 0 || o.TPR > 2 || math.IsNaN(o.TPR) {
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
	if err := o.Validate(); err != nil {
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

// TPR is the target performance rate for a target accuracy a: max(0, 1+a-alphaAcc).
// alphaAcc is the share of training samples whose label's output probability,
// divided by the L2 norm of the sample's probabilities, exceeds alpha
// (the paper's default is 0.5); probabilities has one row per sample. It is an
// error if there are no samples or a label is outside its row.
func TPR(a, alpha float64, probabilities [][]float32, labels []int32) (float64, error) {
	if len(probabilities) == 0 || len(labels) != len(probabilities) {
		return 0, fmt.Errorf("separation: %d rows of probabilities and %d labels, want as many of each "+
			"and some",
			len(probabilities), len(labels))
	}
	over := 0
	for i, p := range probabilities {
		if labels[i] < 0 || int(labels[i]) >= len(p) {
			return 0, fmt.Errorf("separation: label %d of sample %d, want 0 to %d", labels[i], i, len(p)-1)
		}
		norm := 0.0
		for _, v := range p {
			norm += float64(v) * float64(v)
		}
		if float64(p[labels[i]]) > alpha*math.Sqrt(norm) {
			over++
		}
	}
	return max(0, 1+a-float64(over)/float64(len(probabilities))), nil
}
