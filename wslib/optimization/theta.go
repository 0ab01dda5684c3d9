package optimization

import (
	"slices"

	. "github.com/gomlx/gomlx/core/graph"

	"weightsep/wslib/page"
)

// layout says where everything of a set lies in one vector, theta: shared pages, exclusive pages,
// scales, and the latent values of keys, a row for each page of a network with keys that lies on a
// shared one; what is a network's own in order of formation. One vector means one Adam and one
// buffer.
type layout struct {
	set     *page.Set
	at      []place // of each network
	width   int     // weights of a page
	shared  int     // shared pages
	pages   int     // shared and exclusive
	scaled  int     // scales
	latent  int     // place of the first row of keys
	rows    int     // of keys
	fixed   []bool  // of all pages, those that a held network uses: they are not trained
	slots   int     // pages of the largest network that is trained
	tenants int     // as many pages of networks that are trained may lie on a shared page that is trained
}

// place is where a network's own begins: numbers of pages, scales and rows of keys of those before.
type place struct{ exclusive, scales, keys int }

// newLayout is the layout of a set of which some networks are trained, the others held.
func newLayout(s *page.Set, trained []int) layout {
	l := layout{set: s, width: s.Size, shared: s.Shared, pages: s.Shared, slots: 1, tenants: 1}
	for i, m := range s.Networks {
		l.at = append(l.at, place{l.pages - s.Shared, l.scaled, l.rows})
		l.pages += len(m.Table.Exclusive())
		l.scaled += len(m.Scales)
		l.rows += l.keyed(i)
	}
	l.latent = l.pages*l.width + l.scaled
	l.fixed = make([]bool, l.pages)
	for i := range s.Networks {
		if !slices.Contains(trained, i) {
			for _, e := range l.table(i) {
				l.fixed[e] = true
			}
		}
	}
	on := make([]int, l.shared)
	for _, i := range trained {
		entries := s.Networks[i].Table.Entries
		l.slots = max(l.slots, len(entries))
		for _, e := range entries {
			if int(e) < l.shared && !l.fixed[e] {
				on[e]++
				l.tenants = max(l.tenants, on[e])
			}
		}
	}
	return l
}

func (l layout) size() int { return l.latent + l.rows*l.width }

// graphPages are shared and exclusive pages [P, width] of a vector.
func (l layout) graphPages(vector *Node) *Node {
	return Reshape(Slice(vector, AxisRange(0, l.pages*l.width)), l.pages, l.width)
}

// pack writes a set of this layout into one vector; unpack is its inverse, but that what no
// network reads of a page that is trained, its padding, is 0.
func (l layout) pack(s *page.Set) []float32 {
	theta := append(make([]float32, 0, l.size()), s.SharedValues()...)
	for i := range s.Networks {
		theta = append(theta, s.ExclusiveValues(i)...)
	}
	read := make([]int, l.pages) // values of each page that some network reads: not those after a last one
	for i, m := range s.Networks {
		for b, e := range l.table(i) {
			read[e] = max(read[e], min(l.width, m.Weights-b*l.width))
		}
	}
	for p, fixed := range l.fixed {
		if !fixed {
			clear(theta[p*l.width+read[p] : (p+1)*l.width])
		}
	}
	for _, m := range s.Networks {
		theta = append(theta, m.Scales...)
	}
	for _, m := range s.Networks {
		if m.Keys != nil {
			for _, key := range s.KeyPrecision.Unpack(m.Keys, s.Size) {
				theta = append(theta, key*keyStep)
			}
		}
	}
	return theta
}

func (l layout) unpack(theta []float32) *page.Set {
	s := l.set.Clone()
	page.PutFloats(s.Pages, theta[:l.shared*l.width])
	theta = theta[l.shared*l.width:]
	for _, m := range s.Networks {
		own := len(m.Exclusive) / 4
		page.PutFloats(m.Exclusive, theta[:own])
		theta = theta[own:]
	}
	for _, m := range s.Networks {
		theta = theta[copy(m.Scales, theta):]
	}
	for i := range s.Networks {
		m := &s.Networks[i]
		if m.Keys == nil {
			continue
		}
		keys := make([]float32, len(m.Table.Entries)*s.Size)
		for b, e := range m.Table.Entries {
			if int(e) < s.Shared {
				theta = theta[copy(keys[b*s.Size:(b+1)*s.Size], theta):]
			}
		}
		roundKeys(s.KeyPrecision, keys)
		m.Keys = m.Table.PackKeys(keys[:m.Weights], s.Size)
	}
	return s
}

// table is network i's page table over shared and all exclusive pages.
func (l layout) table(i int) []int32 {
	entries := slices.Clone(l.set.Networks[i].Table.Entries)
	for j, e := range entries {
		if int(e) >= l.shared {
			entries[j] += int32(l.at[i].exclusive)
		}
	}
	return entries
}

// keyed is the number of network i's rows of keys.
func (l layout) keyed(i int) int {
	m := l.set.Networks[i]
	if m.Keys == nil {
		return 0
	}
	return len(m.Table.Entries) - len(m.Table.Exclusive())
}

// held says that some network is.
func (l layout) held() bool { return slices.Contains(l.fixed, true) }

// sources says where the update finds gradients of the networks, k-th
// network's page b in row k*slots+b: for each shared page the rows of all pages on it
// [S, tenants], for each exclusive page its row, for each scale its value, for each row of
// keys that of the page. What has none names the row after the last.
func (l layout) sources(networks []int) (shared, exclusive, scales, keys []int32) {
	none := []int32{int32(len(networks) * l.slots)}
	shared, exclusive = slices.Repeat(none, l.shared*l.tenants), slices.Repeat(none, l.pages-l.shared)
	scales, keys = slices.Repeat(none, l.scaled), slices.Repeat(none, l.rows)
	used := make([]int, l.shared)
	for k, i := range networks {
		m, key := l.set.Networks[i], l.at[i].keys
		for b, e := range l.table(i) {
			row := int32(k*l.slots + b)
			switch {
			case int(e) >= l.shared:
				exclusive[int(e)-l.shared] = row
			case !l.fixed[e]:
				shared[int(e)*l.tenants+used[e]] = row
				used[e]++
			}
			if m.Scales != nil {
				scales[l.at[i].scales+b] = row
			}
			if m.Keys != nil && int(e) < l.shared {
				keys[key] = row
				key++
			}
		}
	}
	return shared, exclusive, scales, keys
}
