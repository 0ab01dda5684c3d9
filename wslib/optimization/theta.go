package optimization

import (
	"slices"

	. "github.com/gomlx/gomlx/core/graph"

	"weightsep/wslib/page"
)

// regions divide a vector of what is trained: shared pages, exclusive pages, scales, and
// the latent values of keys, a row for each page of a network with keys that lies on a shared
// one. One vector means one Adam and one buffer.
type regions struct {
	width  int // weights of a page
	shared int // shared pages
	pages  int // shared and exclusive
	latent int // place of the first row of keys
	rows   int // of keys
}

func (r regions) size() int { return r.latent + r.rows*r.width }

// scaled is the number of scales.
func (r regions) scaled() int { return r.latent - r.pages*r.width }

// graphPages are shared and exclusive pages [P, width] of a vector.
func (r regions) graphPages(vector *Node) *Node {
	return Reshape(Slice(vector, AxisRange(0, r.pages*r.width)), r.pages, r.width)
}

// graphLatent are the latent values of keys [rows, width].
func (r regions) graphLatent(vector *Node) *Node {
	return Reshape(Slice(vector, AxisRange(r.latent)), r.rows, r.width)
}

// layout says where everything of a set lies in one such vector, theta: what is a
// network's own in order of formation.
type layout struct {
	regions
	set       *page.Set
	exclusive []int  // first exclusive page of each network, counted over all
	scales    []int  // place of each network's first scale in theta; -1: none
	keys      []int  // first row of keys of each network, counted over all; -1: none
	fixed     []bool // of all pages, those that a held network uses: they are not trained
}

// newLayout is the layout of a set of which some networks are held; nil: none.
func newLayout(s *page.Set, held []bool) layout {
	l := layout{set: s, regions: regions{width: s.Size, shared: s.Shared, pages: s.Shared}}
	for _, m := range s.Networks {
		l.exclusive = append(l.exclusive, l.pages-s.Shared)
		l.pages += len(m.Table.Exclusive())
	}
	l.fixed = make([]bool, l.pages)
	l.latent = l.pages * s.Size
	for i, m := range s.Networks {
		if held != nil && held[i] {
			for _, e := range l.table(i) {
				l.fixed[e] = true
			}
		}
		if m.Scales == nil {
			l.scales = append(l.scales, -1)
			continue
		}
		l.scales = append(l.scales, l.latent)
		l.latent += len(m.Scales)
	}
	for i, m := range s.Networks {
		if m.Keys == nil {
			l.keys = append(l.keys, -1)
			continue
		}
		l.keys = append(l.keys, l.rows)
		l.rows += l.keyed(i)
	}
	return l
}

// pack writes a set of this layout into one vector; unpack is its inverse, but that what no
// network reads of a page that is trained, its padding, is 0.
func (l layout) pack(s *page.Set) []float32 {
	theta := append(make([]float32, 0, l.size()), s.SharedValues()...)
	for i := range s.Networks {
		theta = append(theta, s.ExclusiveValues(i)...)
	}
	for p, read := range l.read() {
		if !l.fixed[p] {
			clear(theta[p*l.width+read : (p+1)*l.width])
		}
	}
	for _, m := range s.Networks {
		theta = append(theta, m.Scales...)
	}
	for _, m := range s.Networks {
		if m.Keys == nil {
			continue
		}
		codes := s.KeyPrecision.Unpack(m.Keys, s.Size)
		keyer{s.KeyPrecision}.latent(codes)
		theta = append(theta, codes...)
	}
	return theta
}

func (l layout) unpack(theta []float32) *page.Set {
	s := l.set.Clone()
	page.PutFloats(s.Pages, theta[:l.shared*l.width])
	theta = theta[l.shared*l.width:]
	for i := range s.Networks {
		own := len(s.Networks[i].Exclusive) / 4
		page.PutFloats(s.Networks[i].Exclusive, theta[:own])
		theta = theta[own:]
	}
	for i := range s.Networks {
		theta = theta[copy(s.Networks[i].Scales, theta):]
	}
	for i := range s.Networks {
		m := &s.Networks[i]
		if l.keys[i] < 0 {
			continue
		}
		latent := make([]float32, len(m.Table.Entries)*s.Size)
		for b, e := range m.Table.Entries {
			if int(e) < s.Shared {
				theta = theta[copy(latent[b*s.Size:(b+1)*s.Size], theta):]
			}
		}
		keyer{s.KeyPrecision}.codes(latent)
		m.Keys = m.Table.PackKeys(latent[:m.Weights], s.Size)
	}
	return s
}

// table is network i's page table over shared and all exclusive pages.
func (l layout) table(i int) []int32 {
	entries := slices.Clone(l.set.Networks[i].Table.Entries)
	for j, e := range entries {
		if int(e) >= l.shared {
			entries[j] += int32(l.exclusive[i])
		}
	}
	return entries
}

// read is how many values of each page some network reads: all but where each page of a
// network there is its last one, and short.
func (l layout) read() []int {
	read := make([]int, l.pages)
	for i, m := range l.set.Networks {
		for b, e := range l.table(i) {
			read[e] = max(read[e], min(l.width, m.Weights-b*l.width))
		}
	}
	return read
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
