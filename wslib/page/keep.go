package page

import (
	"fmt"
	"slices"
)

// Keep is the set of the named networks only, in the order of names: shared pages that
// none of them uses are left out, the others keep their order. Every network's weights
// stay what they are. s is not changed. A name that the set does not have, or one given
// twice, is an error.
func (s *Set) Keep(names ...string) (*Set, error) {
	k := s.Clone()
	k.Networks = nil
	to := make([]int32, s.Shared) // new number of a shared page; used: 1 before numbering
	for _, name := range names {
		i := s.Index(name)
		if i < 0 {
			return nil, fmt.Errorf("pages: no network %q to keep", name)
		}
		if k.Index(name) >= 0 {
			return nil, fmt.Errorf("pages: network %q to keep is there twice", name)
		}
		m := s.Networks[i]
		k.Networks = append(k.Networks, m.clone())
		for _, e := range m.Table.Entries {
			if int(e) < s.Shared {
				to[e] = 1
			}
		}
	}
	k.Pages, k.Shared = k.Pages[:0], 0
	width := s.Precision.Bytes(s.Size)
	for e, used := range to {
		if used == 1 {
			k.Pages = append(k.Pages, s.Pages[e*width:(e+1)*width]...)
			to[e] = int32(k.Shared)
			k.Shared++
		}
	}
	for i := range k.Networks {
		t := &k.Networks[i].Table
		t.Shared, t.Entries = k.Shared, slices.Clone(t.Entries)
		for b, e := range t.Entries {
			if int(e) < s.Shared {
				t.Entries[b] = to[e]
			} else {
				t.Entries[b] = e - int32(s.Shared-k.Shared)
			}
		}
	}
	return k, nil
}
