package optimization

import (
	"math"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/wslib/page"
)

// layout says where everything that is trained lies in one flat vector, theta:
// shared pages, exclusive pages in order of formation, scales in order of
// formation, and the latent values of which signs are those, a row for each page of a
// network with signs that lies on a shared one. One vector means one Adam and one buffer.
type layout struct {
	set       *page.Set
	exclusive []int // first exclusive page of each network, counted over all
	scales    []int // place of each network's first scale in theta; -1: none
	signs     []int // first row of signs of each network, counted over all; -1: none
	rows      int   // of signs
	pages     int   // shared and exclusive
	latent    int   // place of the first row of signs in theta
	size      int   // of theta
	slots     int   // pages of the largest network that is trained
	tenants   int   // pages of these on the fullest shared page that is

	fixed []bool // of all pages, those that a held network uses: they are not trained
}

// newLayout is the layout of a set of which some networks are held; nil: none.
func newLayout(s *page.Set, held []bool) layout {
	l := layout{set: s, pages: s.Shared, slots: 1, tenants: 1}
	for _, m := range s.Networks {
		l.exclusive = append(l.exclusive, l.pages-s.Shared)
		l.pages += len(m.Exclusive) / s.Size
	}
	l.fixed = make([]bool, l.pages)
	trained := func(i int) bool { return held == nil || !held[i] }
	for i, m := range s.Networks {
		if trained(i) {
			l.slots = max(l.slots, len(m.Table.Entries))
			continue
		}
		for _, e := range m.Table.Entries {
			if int(e) >= s.Shared {
				e += int32(l.exclusive[i])
			}
			l.fixed[e] = true
		}
	}
	on := make([]int, s.Shared)
	for i, m := range s.Networks {
		for _, e := range m.Table.Entries {
			if trained(i) && int(e) < s.Shared && !l.fixed[e] {
				on[e]++
				l.tenants = max(l.tenants, on[e])
			}
		}
	}
	l.size = l.pages * s.Size
	for _, m := range s.Networks {
		if m.Scales == nil {
			l.scales = append(l.scales, -1)
			continue
		}
		l.scales = append(l.scales, l.size)
		l.size += len(m.Scales)
	}
	l.latent = l.size
	for _, m := range s.Networks {
		if m.Signs == nil {
			l.signs = append(l.signs, -1)
			continue
		}
		l.signs = append(l.signs, l.rows)
		l.rows += len(m.Table.Entries) - len(m.Table.Exclusive())
	}
	l.size += l.rows * s.Size
	return l
}

// pack writes a set of this layout into one vector; unpack is its inverse.
func (l layout) pack(s *page.Set) []float32 {
	theta := append(make([]float32, 0, l.size), s.Pages...)
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
func (l layout) table(i int) *tensors.Tensor {
	entries := append([]int32(nil), l.set.Networks[i].Table.Entries...)
	for j, e := range entries {
		if int(e) >= l.set.Shared {
			entries[j] += int32(l.exclusive[i])
		}
	}
	return tensors.FromFlatDataAndDimensions(entries, len(entries))
}

// signed is the number of network i's rows of signs.
func (l layout) signed(i int) int {
	if l.signs[i] < 0 {
		return 0
	}
	m := l.set.Networks[i]
	return len(m.Table.Entries) - len(m.Table.Exclusive())
}

// held says that some network is.
func (l layout) held() bool { return slices.Contains(l.fixed, true) }

// graphPages are shared and exclusive pages [P, size] of theta.
func (l layout) graphPages(theta *Node) *Node {
	return Reshape(Slice(theta, AxisRange(0, l.pages*l.set.Size)), l.pages, l.set.Size)
}
