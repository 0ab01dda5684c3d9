package overlapping

import (
	"cmp"
	"fmt"
	"slices"

	"weightsep/wslib/page"
)

// Extend is [Plan.StartSet] for networks that join optimized ones which are held, bit for
// bit, while the others are trained: those that old holds have pages and scales as they are
// stored there, code values as float32. The plan's first shared pages are those of old; others
// may follow.
//
// It is an error if the plan has fewer shared pages, or of another size, if old has no scales,
// or a network of old is missing or lies on other pages in the plan.
func (p *Plan) Extend(old *page.Set, keys page.Precision) (*page.Set, error) {
	s, err := p.StartSet(keys)
	if err != nil {
		return nil, err
	}
	if old.Size != p.PageSize || old.Shared > p.Shared {
		return nil, fmt.Errorf("overlapping: held pages are %d of %d, the plan has %d of %d",
			old.Shared, old.Size, p.Shared, p.PageSize)
	}
	s.KeyPrecision = cmp.Or(s.KeyPrecision, old.KeyPrecision)
	held := old.SharedValues()
	page.PutFloats(s.Pages, held)
	for k, n := range old.Networks {
		i := s.Index(n.Name)
		if i < 0 || n.Scales == nil || n.Weights != s.Networks[i].Weights || !slices.Equal(shifted(n.Table, p.Shared-old.Shared), s.Networks[i].Table.Entries) {
			return nil, fmt.Errorf("overlapping: network %s is held, but has no scales, or is not in the plan or there with other weights or on other pages", n.Name)
		}
		m := &s.Networks[i]
		m.Exclusive, m.Scales = page.PackFloats(old.ExclusiveValues(k)), slices.Clone(n.Scales)
		m.Keys, m.State = slices.Clone(n.Keys), slices.Clone(n.State)
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

// shifted are the entries of a table with so many more shared pages.
func shifted(t page.Table, more int) []int32 {
	entries := slices.Clone(t.Entries)
	for b, e := range entries {
		if int(e) >= t.Shared {
			entries[b] += int32(more)
		}
	}
	return entries
}
