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
	s, err := p.resume(old, keys, 0)
	if err != nil {
		return nil, err
	}
	magnitude := float32(deviation)
	if keys != 0 {
		magnitude = keyedDeviation
	}
	values := old.SharedValues()
	factors := normalize(values, old.Size, magnitude)
	for i := range s.Networks {
		m := &s.Networks[i]
		if old.Index(m.Name) < 0 {
			continue
		}
		exclusive := s.ExclusiveValues(i)
		all := slices.Concat(factors, normalize(exclusive, old.Size, magnitude))
		m.Exclusive = page.PackFloats(exclusive)
		for b, e := range m.Table.Entries {
			m.Scales[b] *= all[e]
			if int(e) < old.Shared {
				page.PutFloats(s.Pages[4*int(e)*s.Size:], values[int(e)*s.Size:(int(e)+1)*s.Size])
			}
		}
	}
	return s, nil
}

// Extend is [Plan.StartSet] for networks that join optimized ones which are held, bit for
// bit, while the others are trained: those that old holds have pages and scales as they are
// stored there, code values as float32. The plan's first shared pages are those of old; others
// may follow.
//
// It is an error if the plan has fewer shared pages, or of another size, if old has no scales,
// or a network of old is missing or lies on other pages in the plan.
func (p *Plan) Extend(old *page.Set, keys page.Precision) (*page.Set, error) {
	s, err := p.resume(old, keys, p.Shared-old.Shared)
	if err != nil {
		return nil, err
	}
	held := old.SharedValues()
	page.PutFloats(s.Pages, held)
	for _, n := range old.Networks {
		if s.Index(n.Name) < 0 {
			return nil, fmt.Errorf("overlapping: network %s is held, but not in the plan", n.Name)
		}
	}
	// The values on held pages have another magnitude than those that training starts from.
	for i := range s.Networks {
		m := &s.Networks[i]
		if old.Index(m.Name) >= 0 {
			continue
		}
		for b, e := range m.Table.Entries {
			if int(e) < old.Shared {
				if r := rms(held[int(e)*s.Size : (int(e)+1)*s.Size]); r > 0 {
					m.Scales[b] = rms(cut(p.Members[i].Weights, b, p.PageSize)) / r
				}
			}
		}
	}
	return s, nil
}

// resume is [Plan.StartSet] with exclusive pages, in float32, scales, keys and states of networks
// that old holds. The plan has so many more shared pages than old, after those of old.
func (p *Plan) resume(old *page.Set, keys page.Precision, more int) (*page.Set, error) {
	s, err := p.StartSet(keys)
	if err != nil {
		return nil, err
	}
	if old.Size != p.PageSize || old.Shared+more != p.Shared || more < 0 {
		return nil, fmt.Errorf("overlapping: optimized pages are %d of %d, the plan has %d of %d",
			old.Shared, old.Size, p.Shared, p.PageSize)
	}
	s.KeyPrecision = cmp.Or(s.KeyPrecision, old.KeyPrecision)
	for i := range s.Networks {
		m := &s.Networks[i]
		k := old.Index(m.Name)
		if k < 0 {
			continue
		}
		n := old.Networks[k]
		same := func(now, then int32) bool {
			if int(then) >= old.Shared {
				then += int32(more)
			}
			return now == then
		}
		if n.Scales == nil || n.Weights != m.Weights ||
			!slices.EqualFunc(m.Table.Entries, n.Table.Entries, same) {
			return nil, fmt.Errorf("overlapping: network %s is optimized without scales or on "+
				"other pages", m.Name)
		}
		m.Exclusive = page.PackFloats(old.ExclusiveValues(k))
		m.Scales, m.Keys, m.State = slices.Clone(n.Scales), slices.Clone(n.Keys), slices.Clone(n.State)
	}
	return s, nil
}

// normalize divides pages by what brings them to the root mean square that training
// starts from, and returns these factors; pages of zeros stay.
func normalize(pages []float32, size int, magnitude float32) []float32 {
	var factors []float32
	for p := range slices.Chunk(pages, size) {
		factor := float32(1)
		if r := rms(p); r > 0 {
			factor = r / magnitude
		}
		for i := range p {
			p[i] /= factor
		}
		factors = append(factors, factor)
	}
	return factors
}
