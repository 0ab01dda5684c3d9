package optimization

import (
	"math"

	"weightsep/wslib/overlapping"
	"weightsep/wslib/page"
)

// Untrained stores a plan's pages in a format as they are, without training: each page in the steps of
// least squared error. What shares a page suffers; pages of one network's own lose the rounding
// only. Shared pages that no network uses are left out.
func Untrained(plan *overlapping.Plan, as page.Format) (*page.Set, error) {
	set := plan.Set(false)
	if shared, own := as.Precisions(); shared.Quantized() || own.Quantized() || as.KeyPrecision != 0 {
		var err error
		if set, err = plan.StartSet(as.KeyPrecision); err != nil {
			return nil, err
		}
	}
	encode(set, as, func(int) bool { return false }, quantizer.leastCodes)
	var names []string
	for _, m := range set.Networks {
		for b, s := range m.Scales {
			m.Scales[b] = as.ScaleFormat.Round(s)
		}
		names = append(names, m.Name)
	}
	if err := set.Validate(); err != nil {
		return nil, err
	}
	return set.Keep(names...)
}

// leastCodes replaces a page's values by code values and returns the step: the one of least squared
// error of those between the one that reaches the largest value and a tenth of it.
func (q quantizer) leastCodes(values []float32) float32 {
	largest := 0.0
	for _, v := range values {
		largest = max(largest, math.Abs(float64(v)))
	}
	best, least := float32(tiny), math.Inf(1) // of a page of zeros
	for k := range 91 {
		step := float32(largest / float64(q.Limit()) * (1 - 0.01*float64(k)))
		sum := 0.0
		for _, v := range values {
			d := float64(v) - float64(q.Round(v/step)*step)
			sum += d * d
		}
		if sum < least {
			best, least = step, sum
		}
	}
	for k, v := range values {
		values[k] = q.Round(v / best)
	}
	return best
}
