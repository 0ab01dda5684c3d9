package figures

import (
	"cmp"
	"errors"
	"fmt"
	"image/color"
	"slices"
	"strings"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"weightsep/wslib/pack"
	"weightsep/wslib/page"
)

// PageMap shows where the pages of networks lie. A network is a row. A column is a shared page, those
// of most networks first, then those of the same networks side by side: what stands in one column is
// on one page. A mark's height in its row is the layer that most of the page is of, the first at the
// top. At the right are the network's exclusive pages, below the columns is how many
// networks are on a page. f is as package pack reads it, or would.
func PageMap(f *pack.File) (*Figure, error) {
	if len(f.Set.Networks) == 0 {
		return nil, errors.New("figures: page map of no networks")
	}
	m := &pageMap{shared: f.Set.Shared}
	var tables []page.Table
	for i, n := range f.Set.Networks {
		row := newMapRow(n, f.Networks[i].Layers, f.Set.Format)
		m.rows, m.own = append(m.rows, row), max(m.own, len(row.own))
		tables = append(tables, n.Table)
	}
	m.users = page.Occupancy(tables, m.shared)
	m.sort()
	shared, own := 0, 0
	for _, t := range tables {
		own += len(t.Exclusive())
		shared += len(t.Entries) - len(t.Exclusive())
	}
	bits, ownBits := f.Set.Precisions()
	network := fmt.Sprintf("%d networks", len(m.rows))
	if len(m.rows) == 1 {
		network = "a network"
	}
	return chart{
		title: fmt.Sprintf("%s pages of %s lie on %d shared pages (%s)", grouped(float64(shared), 0),
			network, m.shared, bits),
		below: fmt.Sprintf("A column is a shared page: networks with a mark there share it. The mark's "+
			"height is the layer, the first at the top. Exclusive pages (%s): %d.", ownBits, own),
		shows:  "Below the columns is how many networks are on a page: " + m.summary() + ".",
		data:   m.data(f.Set),
		height: m.rowHeight()*vg.Length(len(m.rows)) + mapHead + mapFoot,
		draw:   m.draw,
	}.figure(), nil
}

// pageMap is what [PageMap] draws.
type pageMap struct {
	rows   []mapRow
	shared int
	own    int   // most exclusive pages of a network
	users  []int // of each shared page: its number of networks
	order  []int // of the columns: shared pages
}

// mapRow is a network of a [pageMap].
type mapRow struct {
	name   string
	layers []string
	of     []int   // each page's layer
	on     [][]int // layers of the network's pages on each shared page, rising
	own    []int   // and of its exclusive pages
}

func newMapRow(m page.Member, layers []pack.Layer, f page.Format) mapRow {
	r := mapRow{name: m.Name, on: make([][]int, f.Shared)}
	r.nameLayers(layers, len(m.Table.Entries), f.Size)
	for p, e := range m.Table.Entries {
		if int(e) >= f.Shared {
			r.own = append(r.own, r.of[p])
		} else if k, there := slices.BinarySearch(r.on[e], r.of[p]); !there {
			r.on[e] = slices.Insert(r.on[e], k, r.of[p])
		}
	}
	return r
}

// nameLayers finds the layer of each page. The parts of a layer, as kernel and bias, have the name of
// their layer up to the last slash or dot.
func (r *mapRow) nameLayers(parts []pack.Layer, pages, size int) {
	r.of = make([]int, pages)
	most := make([]int, pages)      // weights of that layer on the page
	weights := make(map[[2]int]int) // of a layer on a page
	for _, part := range parts {
		name := part.Name
		if k := strings.LastIndexAny(name, "/."); k > 0 {
			name = name[:k]
		}
		i := slices.Index(r.layers, name)
		if i < 0 {
			i, r.layers = len(r.layers), append(r.layers, name)
		}
		end := 1
		for _, n := range part.Shape {
			end *= n
		}
		end += part.Offset
		for p := part.Offset / size; p*size < end; p++ {
			at := [2]int{i, p}
			weights[at] += min(end, (p+1)*size) - max(part.Offset, p*size)
			if weights[at] > most[p] {
				r.of[p], most[p] = i, weights[at]
			}
		}
	}
	if len(r.layers) == 0 {
		r.layers = []string{""}
	}
}

// sort orders the columns: by number of networks, then by which, then by their layers.
func (m *pageMap) sort() {
	for e := range m.shared {
		m.order = append(m.order, e)
	}
	slices.SortStableFunc(m.order, func(a, b int) int {
		by := cmp.Compare(m.users[b], m.users[a])
		for _, r := range m.rows {
			by = cmp.Or(by, cmp.Compare(min(1, len(r.on[b])), min(1, len(r.on[a]))))
		}
		for _, r := range m.rows {
			by = cmp.Or(by, slices.Compare(r.on[a], r.on[b]))
		}
		return by
	})
}

// plateaus are the runs of columns with as many networks each.
func (m *pageMap) plateaus(do func(from, to, networks int)) {
	for k := 0; k < m.shared; {
		from, n := k, m.users[m.order[k]]
		for k < m.shared && m.users[m.order[k]] == n {
			k++
		}
		do(from, k, n)
	}
}

func (m *pageMap) summary() string {
	var all []string
	m.plateaus(func(from, to, n int) {
		all = append(all, fmt.Sprintf("%d on %d of the shared pages", n, to-from))
	})
	return strings.Join(all, ", ")
}

func (m *pageMap) data(s *page.Set) [][]string {
	all := [][]string{row("network", "page", "layer", "on", "number", "networks there", "bits of a value")}
	bits, ownBits := s.Precisions()
	for i, r := range m.rows {
		for p, e := range s.Networks[i].Table.Entries {
			if k := int(e) - m.shared; k >= 0 {
				all = append(all, row(r.name, p, r.layers[r.of[p]], "exclusive page", k, 1, ownBits.Bits()))
			} else {
				all = append(all, row(r.name, p, r.layers[r.of[p]], "shared page", e, m.users[e],
					bits.Bits()))
			}
		}
	}
	return all
}

const (
	mapHead = 14 * vg.Length(1) // of the columns
	mapFoot = 72 * vg.Length(1) // how many networks are on a page, with the axis
	mapGap  = 4 * vg.Length(1)  // between rows
)

// named tells whether there is room for the names of layers.
func (m *pageMap) named() bool {
	lines := 0
	for _, r := range m.rows {
		lines += len(r.layers)
	}
	return lines <= 24 && lines > len(m.rows)
}

func (m *pageMap) rowHeight() vg.Length {
	most := 0
	for _, r := range m.rows {
		most = max(most, len(r.layers))
	}
	if m.named() {
		return max(24, vg.Length(9*most)) + mapGap
	}
	return max(10, min(24, 500/vg.Length(len(m.rows)))) + mapGap
}

func (m *pageMap) draw(c draw.Canvas) {
	const gap = 6
	name, small := style(textSize, black), style(smallSize, darkGrey)
	upper := aligned(small, text.XLeft, text.YTop)
	right, layers := vg.Length(0), vg.Length(0) // widths of the names of networks and layers
	for _, r := range m.rows {
		right = max(right, name.Width(shorten(r.name, name, 70)))
		for _, l := range r.layers {
			if m.named() {
				layers = max(layers, gap+small.Width(shorten(l, small, 60)))
			}
		}
	}
	right += c.Min.X
	x0 := right + layers + gap
	own := min(4, (c.Max.X-x0)/4/vg.Length(max(1, m.own))) // width of an exclusive page
	number := max(small.Width("exclusive")-own*vg.Length(m.own), small.Width(fmt.Sprint(m.own))+gap)
	x1 := c.Max.X - 2*gap - own*vg.Length(m.own) - number
	wide := (x1 - x0) / vg.Length(m.shared)
	c.FillText(upper, pt(x0, c.Max.Y), "shared pages, those of most networks first")
	c.FillText(upper, pt(x1+2*gap, c.Max.Y), "exclusive")
	h := m.rowHeight() - mapGap
	y := c.Max.Y - mapHead
	for i, r := range m.rows {
		y -= m.rowHeight()
		label := shorten(r.name, name, 70)
		beside(c, name, right-name.Width(label), y+h/2, label)
		for k, l := range r.layers {
			if l = shorten(l, small, 60); m.named() {
				down := h * (vg.Length(k) + 0.5) / vg.Length(len(r.layers))
				beside(c, small, x0-gap/2-small.Width(l), y+h-down, l)
			}
		}
		fillRect(c, tint(grey, 0.12), x0, y, x1, y+h)
		r.marks(c, hue(i), pt(x0, y), wide, h, m.shared, func(k int) []int { return r.on[m.order[k]] })
		r.marks(c, hue(i), pt(x1+2*gap, y), own, h, len(r.own), func(k int) []int { return r.own[k : k+1] })
	}
	m.foot(draw.Canvas{Canvas: c.Canvas, Rectangle: rect(x0, c.Min.Y, x1, y-gap)})
	columns := func(x, wide vg.Length, n int) {
		for k := 1; k < n && wide >= 3; k++ {
			c.StrokeLine2(line(white, 0.5), x+wide*vg.Length(k), y, x+wide*vg.Length(k), c.Max.Y-mapHead)
		}
	}
	columns(x0, wide, m.shared)
	columns(x1+2*gap, own, m.own)
	for i, r := range m.rows {
		up := m.rowHeight()*vg.Length(len(m.rows)-1-i) + h/2
		beside(c, small, x1+2*gap+own*vg.Length(len(r.own))+gap/2, y+up, fmt.Sprint(len(r.own)))
	}
}

// marks draws the layers on pages side by side, from a corner on. What is alike side by side is one piece.
func (r mapRow) marks(c draw.Canvas, clr color.NRGBA, at vg.Point, wide, h vg.Length, n int,
	on func(int) []int) {
	step := h / vg.Length(len(r.layers))
	pieces := func(clr color.NRGBA, y0, y1 vg.Length, is func(int) bool) {
		for k := 0; k < n; k++ {
			from := k
			for k < n && is(k) {
				k++
			}
			if k > from {
				fillRect(c, clr, at.X+wide*vg.Length(from), y0, at.X+wide*vg.Length(k), y1)
			}
		}
	}
	pieces(tint(clr, 0.3), at.Y, at.Y+h, func(k int) bool { return len(on(k)) > 0 })
	for l := range r.layers {
		y := at.Y + h - step*vg.Length(l)
		pieces(clr, y-step, y, func(k int) bool { return slices.Contains(on(k), l) })
	}
}

// foot draws how many networks are on the pages, and on how many pages so many are.
func (m *pageMap) foot(c draw.Canvas) {
	most := float64(len(m.rows))
	p := newPlot(axis{max: float64(m.shared)}, axis{max: most}, nil)
	below := aligned(style(smallSize, darkGrey), text.XCenter, text.YBottom)
	c.FillText(below, pt(c.Center().X, c.Min.Y),
		"how many networks are on a page, and how many such pages there are")
	c.Min.Y += 22
	x, y := p.Transforms(&c)
	for _, t := range wholeTicks(most, 4) {
		c.StrokeLine2(line(lightGrey, 0.5), c.Min.X, y(t.Value), c.Max.X, y(t.Value))
		c.FillText(aligned(style(smallSize, darkGrey), text.XRight, text.YCenter),
			pt(c.Min.X-3, y(t.Value)), fmt.Sprint(int(t.Value)))
	}
	free := c.Min.X // of numbers, from here on
	m.plateaus(func(from, to, n int) {
		x0, x1 := x(float64(from)), x(float64(to))
		fillRect(c, darkGrey, x0, c.Min.Y, x1, y(float64(n)))
		label := fmt.Sprint(to - from)
		if from == 0 {
			label += " pages"
		}
		if w := below.Width(label); (x0+x1)/2-w/2 >= free {
			c.FillText(below, pt((x0+x1)/2, c.Min.Y-11), label)
			free = (x0+x1)/2 + w/2 + 2
		}
	})
}
