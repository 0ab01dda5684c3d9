package overlapping

import (
	"cmp"
	"fmt"
	"slices"

	"weightsep/wslib/page"
)

// Continue is [Plan.StartSet] for networks of which some are optimized already: those
// that old holds keep the weights they have there, on the same pages, and the shared pages
// that they use keep their values, in float32. Networks that old does not hold start on these
// pages, and on others as in StartSet.
//
// It is an error if old has pages of another number or size, no scales, or another page table
// for one of the plan's networks. That old holds more networks is none: they are left out.
func (p *Plan) Continue(old *page.Set, keys page.Precision) (*page.Set, error) {
	s, err := p.StartSet(keys)
	if err != nil {
		return nil, err
	}
	if old.Size != p.PageSize || old.Shared != p.Shared {
		return nil, fmt.Errorf("overlapping: optimized pages are %d of %d, the plan has %d of %d",
			old.Shared, old.Size, p.Shared, p.PageSize)
	}
	s.KeyPrecision = cmp.Or(s.KeyPrecision, old.KeyPrecision)
	magnitude := float32(deviation)
	if keys != 0 {
		magnitude = keyedDeviation
	}
	values := old.SharedValues()
	factors := normalize(values, old.Size, magnitude)
	for i := range s.Networks {
		m := &s.Networks[i]
		k := old.Index(m.Name)
		if k < 0 {
			continue
		}
		n := old.Networks[k]
		if n.Scales == nil || n.Weights != m.Weights || !slices.Equal(n.Table.Entries, m.Table.Entries) {
			return nil, fmt.Errorf("overlapping: network %s is optimized without scales, or on other pages than the plan's", m.Name)
		}
		exclusive := old.ExclusiveValues(k)
		own := normalize(exclusive, old.Size, magnitude)
		m.Exclusive, m.Keys, m.State = page.PackFloats(exclusive), slices.Clone(n.Keys), slices.Clone(n.State)
		for b, e := range n.Table.Entries {
			factor := float32(1)
			if int(e) < old.Shared {
				factor = factors[e]
				page.PutFloats(s.Pages[4*int(e)*s.Size:], values[int(e)*s.Size:(int(e)+1)*s.Size])
			} else {
				factor = own[int(e)-old.Shared]
			}
			m.Scales[b] = n.Scales[b] * factor
		}
	}
	return s, nil
}

// normalize divides pages by what brings them to the root mean square that training
// starts from, and returns these factors; pages of zeros stay.
func normalize(pages []float32, size int, magnitude float32) []float32 {
	factors := make([]float32, len(pages)/size)
	for k := range factors {
		p := pages[k*size : (k+1)*size]
		factors[k] = 1
		if r := rms(p); r > 0 {
			factors[k] = r / magnitude
		}
		for i := range p {
			p[i] /= factors[k]
		}
	}
	return factors
}
