package figures

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"weightsep/wslib/separation"
)

// DensityOf is one network's panel of [Density].
type DensityOf struct {
	Name      string
	Density   []float64 // contribution density of each page
	Exclusive []int     // its exclusive pages
}

// densityPanel is what is drawn of a network.
type densityPanel struct {
	name      string
	exclusive int
	shares    []float64 // shares[k]: percent that the first k pages carry
}

// Density shows how few pages carry most of each network's Fisher information. In a
// network's panel its pages stand in order of falling contribution density, the
// exclusive ones first; the curve is the share that the pages up to there carry
// together. The coloured part to the left of the dashed line is the exclusive
// pages, and the panel's title says how many they are and what share is theirs.
func Density(networks []DensityOf) (*Figure, error) {
	if len(networks) == 0 {
		return nil, errors.New("figures: density of no networks")
	}
	var panels []densityPanel
	for _, n := range networks {
		p, err := cumulate(n)
		if err != nil {
			return nil, fmt.Errorf("figures: density of %q: %w", n.Name, err)
		}
		panels = append(panels, p)
	}
	cols := min(5, len(panels))
	rows := (len(panels) + cols - 1) / cols
	const panelHeight, left, bottom = 135, 16, 16
	w := (fullWidth - 2*margin - left) / 5
	f := &Figure{
		Title: "Share of each network's Fisher information that its densest pages carry",
		// Fewer panels are as wide as in a full row; the heading needs three of them.
		Width: 2*margin + left + vg.Length(max(3, cols))*w,
	}
	h := newHeading(f.Title, "Pages by falling contribution density. Left of the dashed line are the exclusive pages; above a panel is how many they are, and their share.", f.Width)
	f.Height = h.height() + vg.Length(rows*panelHeight) + bottom
	f.draw = func(c draw.Canvas) {
		c = h.draw(c)
		axis := aligned(style(textSize, black), text.XCenter, text.YBottom)
		c.FillText(axis, vg.Point{X: (c.Min.X + c.Max.X) / 2, Y: c.Min.Y}, "number of pages, densest first")
		axis = aligned(axis, text.XCenter, text.YTop)
		axis.Rotation = math.Pi / 2
		c.FillText(axis, vg.Point{X: c.Min.X, Y: (c.Min.Y + c.Max.Y) / 2}, "cumulative share (%)")
		c = draw.Crop(c, left, 0, bottom, 0)
		for i, p := range panels {
			x, y := c.Min.X+vg.Length(i%cols)*w, c.Max.Y-vg.Length(i/cols)*panelHeight
			tile := draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
				Min: vg.Point{X: x, Y: y - panelHeight}, Max: vg.Point{X: x + w, Y: y}}}
			p.draw(draw.Crop(tile, 0, -8, 4, 0))
		}
	}
	return f, nil
}

// cumulate checks a network's densities and adds them up.
func cumulate(n DensityOf) (densityPanel, error) {
	if len(n.Density) == 0 {
		return densityPanel{}, errors.New("no pages")
	}
	own := make([]bool, len(n.Density))
	for _, i := range n.Exclusive {
		if i < 0 || i >= len(own) || own[i] {
			return densityPanel{}, fmt.Errorf("exclusive page %d of %d: not there, or twice", i, len(own))
		}
		own[i] = true
	}
	// Where exclusive pages are the densest, as in separation, nothing moves.
	order := separation.ByDensity(n.Density)
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case own[a] == own[b]:
			return 0
		case own[a]:
			return -1
		}
		return 1
	})
	p := densityPanel{name: n.Name, exclusive: len(n.Exclusive), shares: make([]float64, 1, len(order)+1)}
	sum := 0.0
	for _, i := range order {
		d := n.Density[i]
		if !unitInterval(d) {
			return densityPanel{}, fmt.Errorf("page %d has density %v: want 0 to 1", i, d)
		}
		sum += d
		p.shares = append(p.shares, 100*sum)
	}
	if sum > 1+1e-6 {
		return densityPanel{}, fmt.Errorf("densities add up to %v: want at most 1", sum)
	}
	return p, nil
}

// caption is the second line of the panel's title.
func (p densityPanel) caption() string {
	return fmt.Sprintf("%d of %d pages: %.1f %%", p.exclusive, len(p.shares)-1, p.shares[p.exclusive])
}

func (p densityPanel) draw(c draw.Canvas) {
	const left = 19 // where the axis is, given labels up to 100
	name := aligned(bold(style(textSize, black)), text.XLeft, text.YTop)
	c.FillText(name, vg.Point{X: c.Min.X + left, Y: c.Max.Y}, shorten(p.name, name, c.Max.X-c.Min.X-left))
	small := aligned(style(smallSize, black), text.XLeft, text.YTop)
	c.FillText(small, vg.Point{X: c.Min.X + left, Y: c.Max.Y - 11}, p.caption())

	n := len(p.shares) - 1
	q := newPlot(0, float64(n), 0, 100)
	q.X.Tick.Marker = plot.ConstantTicks(ticks(0, float64(n), 3))
	q.Y.Tick.Marker = plot.ConstantTicks(ticks(0, 100, 4))
	addGrid(q)
	q.Add(plotFunc(func(c draw.Canvas, q *plot.Plot) {
		x, y := q.Transforms(&c)
		var curve, below []vg.Point
		for k, s := range p.shares {
			pt := vg.Point{X: x(float64(k)), Y: y(s)}
			curve = append(curve, pt)
			if k <= p.exclusive {
				below = append(below, pt)
			}
		}
		cut := x(float64(p.exclusive))
		below = append(below, vg.Point{X: cut, Y: y(0)}, vg.Point{X: x(0), Y: y(0)})
		c.FillPolygon(tint(vermillion, 0.35), below)
		c.StrokeLine2(draw.LineStyle{Color: vermillion, Width: 1, Dashes: []vg.Length{3, 2}}, cut, y(0), cut, y(100))
		c.StrokeLines(draw.LineStyle{Color: blue, Width: 1.5}, curve)
	}))
	q.Draw(draw.Crop(c, 0, 0, 0, -24))
}
