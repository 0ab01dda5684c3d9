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
	shared, own := as.Precisions()
	var set *page.Set
	if shared.Quantized() || own.Quantized() || as.KeyPrecision != 0 {
		var err error
		if set, err = plan.StartSet(as.KeyPrecision); err != nil {
			return nil, err
		}
	} else {
		set = plan.Set(false)
	}
	values := set.SharedValues()
	steps := roundPages(shared, values, set.Size)
	set.Pages = shared.Pack(values, set.Size)
	names := make([]string, len(set.Networks))
	for i := range set.Networks {
		m := &set.Networks[i]
		exclusive := set.ExclusiveValues(i)
		ownSteps := roundPages(own, exclusive, set.Size)
		m.Exclusive = own.Pack(exclusive, set.Size)
		for b := range m.Scales {
			if e := int(m.Table.Entries[b]); e < set.Shared {
				m.Scales[b] *= steps[e]
			} else {
				m.Scales[b] *= ownSteps[e-set.Shared]
			}
			m.Scales[b] = as.ScaleFormat.Round(m.Scales[b])
		}
		names[i] = m.Name
	}
	as.Size, as.Shared = set.Size, set.Shared
	set.Format = as
	if err := set.Validate(); err != nil {
		return nil, err
	}
	return set.Keep(names...)
}

// roundPages replaces the values of pages by code values and returns each page's step.
func roundPages(p page.Precision, values []float32, size int) []float32 {
	steps := make([]float32, len(values)/size)
	for i := range steps {
		one := values[i*size : (i+1)*size]
		if steps[i] = 1; !p.Quantized() {
			continue
		}
		steps[i] = leastStep(p, one)
		for k, v := range one {
			one[k] = p.Round(v / steps[i])
		}
	}
	return steps
}

// leastStep is the step of least squared error of those between the one that reaches the largest
// value and a tenth of it.
func leastStep(p page.Precision, values []float32) float32 {
	largest := 0.0
	for _, v := range values {
		largest = max(largest, math.Abs(float64(v)))
	}
	if largest == 0 {
		return tiny
	}
	best, least := float32(0), math.Inf(1)
	for k := range 91 {
		step := float32(largest / float64(p.Limit()) * (1 - 0.01*float64(k)))
		sum := 0.0
		for _, v := range values {
			d := float64(v) - float64(p.Round(v/step)*step)
			sum += d * d
		}
		if sum < least {
			best, least = step, sum
		}
	}
	return best
}
