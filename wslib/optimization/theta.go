package optimization

import (
	"math"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"

	"weightsep/wslib/page"
)

// regions divide a vector of what is trained: shared pages, exclusive pages, scales, and
// the latent values of which signs are those, a row for each page of a network with signs
// that lies on a shared one. One vector means one Adam and one buffer.
type regions struct {
	width  int // weights of a page
	shared int // shared pages
	pages  int // shared and exclusive
	latent int // place of the first row of signs
	rows   int // of signs
}

func (r regions) size() int { return r.latent + r.rows*r.width }

// scaled is the number of scales.
func (r regions) scaled() int { return r.latent - r.pages*r.width }

// graphPages are shared and exclusive pages [P, width] of a vector.
func (r regions) graphPages(vector *Node) *Node {
	return Reshape(Slice(vector, AxisRange(0, r.pages*r.width)), r.pages, r.width)
}

// graphLatent are the rows [rows, width] of which signs are those.
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
	signs     []int  // first row of signs of each network, counted over all; -1: none
	fixed     []bool // of all pages, those that a held network uses: they are not trained
}

// newLayout is the layout of a set of which some networks are held; nil: none.
func newLayout(s *page.Set, held []bool) layout {
	l := layout{set: s, regions: regions{width: s.Size, shared: s.Shared, pages: s.Shared}}
	for _, m := range s.Networks {
		l.exclusive = append(l.exclusive, l.pages-s.Shared)
		l.pages += len(m.Exclusive) / s.Size
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
		if m.Signs == nil {
			l.signs = append(l.signs, -1)
			continue
		}
		l.signs = append(l.signs, l.rows)
		l.rows += l.signed(i)
	}
	return l
}

// pack writes a set of this layout into one vector; unpack is its inverse.
func (l layout) pack(s *page.Set) []float32 {
	theta := append(make([]float32, 0, l.size()), s.Pages...)
	for _, m := range s.Networks {
		theta = append(theta, m.Exclusive...)
	}
	for _, m := range s.Networks {
		theta = append(theta, m.Scales...)
	}
	// The latent value of a sign is as large as the value that it is for: the small ones turn first.
	for _, m := range s.Networks {
		if m.Signs == nil {
			continue
		}
		var values []float32
		for _, e := range m.Table.Entries {
			if int(e) < s.Shared {
				for _, v := range s.Pages[int(e)*s.Size : (int(e)+1)*s.Size] {
					values = append(values, max(float32(math.Abs(float64(v))), tiny)) // 0 has no sign
				}
			}
		}
		every := page.Table{Shared: s.Shared, Entries: make([]int32, len(values)/s.Size)}
		every.ApplySigns(values, m.Signs, s.Size)
		theta = append(theta, values...)
	}
	return theta
}

func (l layout) unpack(theta []float32) *page.Set {
	s := l.set.Clone()
	theta = theta[copy(s.Pages, theta):]
	for i := range s.Networks {
		theta = theta[copy(s.Networks[i].Exclusive, theta):]
	}
	for i := range s.Networks {
		theta = theta[copy(s.Networks[i].Scales, theta):]
	}
	for i := range s.Networks {
		m := &s.Networks[i]
		if l.signs[i] < 0 {
			continue
		}
		latent := make([]float32, len(m.Table.Entries)*s.Size)
		for b, e := range m.Table.Entries {
			if int(e) < s.Shared {
				theta = theta[copy(latent[b*s.Size:(b+1)*s.Size], theta):]
			}
		}
		m.Signs = m.Table.PackSigns(latent[:m.Weights], s.Size)
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

// signed is the number of network i's rows of signs.
func (l layout) signed(i int) int {
	m := l.set.Networks[i]
	if m.Signs == nil {
		return 0
	}
	return len(m.Table.Entries) - len(m.Table.Exclusive())
}

// held says that some network is.
func (l layout) held() bool { return slices.Contains(l.fixed, true) }
