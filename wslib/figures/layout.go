package figures

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"weightsep/datasets"
)

const (
	fullWidth = 390 * vg.Length(1) // 520 pixels: text is 9 pixels high where it is shrunk to 390
	margin    = 10 * vg.Length(1)  // free on every side
)

// A chart is a title, an explanation, a legend, and a drawing below them.
type chart struct {
	title, below string
	shows        string // what a reader of the figure sees, beside title and explanation; may be empty
	kind         string // of the data, for a badge in the corner; may be empty
	height       vg.Length
	legend       []legendEntry // above the drawing
	data         [][]string
	draw         func(c draw.Canvas)
}

func (ch chart) figure() *Figure {
	const inner = fullWidth - 2*margin
	titles := aligned(bold(style(titleSize, black)), text.XLeft, text.YTop)
	belows := aligned(style(textSize, darkGrey), text.XLeft, text.YTop)
	title := wrap(ch.title, titles, inner-vg.Length(min(1, len(ch.kind)))*80, 3)
	below := wrap(ch.below, belows, inner, 4)
	rows := legendRows(ch.legend, inner)
	tall := vg.Length(len(rows) * legendRow)
	height := ch.height + tall
	head := vg.Length(len(title)*(titleSize+3)+len(below)*(textSize+3)) + 6
	height += 2*margin + head
	return &Figure{Title: ch.title, Shows: strings.TrimSpace(ch.below + " " + ch.shows), Data: ch.data,
		Width: fullWidth, Height: height, draw: func(c draw.Canvas) {
			if ch.kind != "" {
				badge(c, ch.kind, c.Max.X-margin, c.Max.Y-margin+3, titleSize)
			}
			c = draw.Crop(c, margin, -margin, margin, -margin)
			y := c.Max.Y
			for _, l := range title {
				c.FillText(titles, pt(c.Min.X, y), l)
				y -= titleSize + 3
			}
			for _, l := range below {
				c.FillText(belows, pt(c.Min.X, y), l)
				y -= textSize + 3
			}
			c.Max.Y -= head
			drawLegend(c, rows)
			c.Max.Y -= tall
			ch.draw(c)
		}}
}

// A legendEntry is a swatch and what it means.
type legendEntry struct {
	label  string
	swatch func(c draw.Canvas, at vg.Point) // about the middle of 22 points
}

const (
	legendSwatch = 22
	legendRow    = 15
	legendGap    = 14
)

func filled(label string, clr color.Color) legendEntry {
	return legendEntry{label, func(c draw.Canvas, at vg.Point) {
		fillRect(c, clr, at.X-7, at.Y-5, at.X+7, at.Y+5)
	}}
}

func stroked(label string, sty draw.LineStyle) legendEntry {
	return legendEntry{label, func(c draw.Canvas, at vg.Point) {
		c.StrokeLine2(sty, at.X-9, at.Y, at.X+9, at.Y)
	}}
}

// legendRows puts entries into as few rows of a width as their order permits.
func legendRows(entries []legendEntry, width vg.Length) [][]legendEntry {
	sty := style(textSize, black)
	var rows [][]legendEntry
	x := width
	for _, e := range entries {
		e.label = shorten(e.label, sty, min(width, 220)-legendSwatch)
		w := legendSwatch + sty.Width(e.label) + legendGap
		if x += w; x-legendGap > width || rows == nil {
			rows = append(rows, nil)
			x = w
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], e)
	}
	return rows
}

func drawLegend(c draw.Canvas, rows [][]legendEntry) {
	sty := style(textSize, black)
	y := c.Max.Y - legendRow/2
	for _, row := range rows {
		x := c.Min.X
		for _, e := range row {
			e.swatch(c, pt(x+9, y))
			beside(c, sty, x+legendSwatch, y, e.label)
			x += legendSwatch + sty.Width(e.label) + legendGap
		}
		y -= legendRow
	}
}

// An axis of a plot; without a name or ticks there is none.
type axis struct {
	name     string
	min, max float64
	ticks    []plot.Tick
}

// logAxis is an axis of logarithms from lo to hi, with a share more at both ends for marks there,
// and of a factor of four at least.
func logAxis(name string, lo, hi, share float64) axis {
	spare := max(share*(hi-lo), (0.6-(hi-lo))/2)
	lo, hi = lo-spare, hi+spare
	return axis{name, lo, hi, logTicks(math.Pow(10, lo), math.Pow(10, hi))}
}

// scaled is the canvas inside a plot's axes, with their scales.
type scaled struct {
	draw.Canvas
	x, y func(float64) vg.Length
}

type onData func(c scaled)

func (f onData) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	f(scaled{c, x, y})
}

func (c scaled) at(x, y float64) vg.Point { return pt(c.x(x), c.y(y)) }

// bar fills a rectangle from the axis below, gap apart from its neighbours.
func (c scaled) bar(clr color.Color, x0, x1, y0, y1 float64, gap vg.Length) {
	fillRect(c.Canvas, clr, c.x(x0)+gap/2, c.y(y0), c.x(x1)-gap/2, c.y(y1))
}

// newPlot is a plot in our style: horizontal lines at the ticks, and data drawn by f.
func newPlot(x, y axis, f onData) *plot.Plot {
	p := plot.New()
	from := [2]axis{x, y}
	for i, to := range []*plot.Axis{&p.X, &p.Y} {
		from := from[i]
		to.Min, to.Max = from.min, from.max
		to.Padding = 0
		to.Color = grey
		to.Label.Text = from.name
		to.Label.Padding = 3
		to.Label.TextStyle.Font = style(textSize, black).Font
		to.Tick.Label.Font = style(smallSize, black).Font
		to.Tick.Color = grey
		to.Tick.Length = 3
		to.Tick.Marker = plot.ConstantTicks(from.ticks)
	}
	p.Title.TextStyle.Font = style(textSize, black).Font
	g := plotter.NewGrid()
	g.Vertical.Width = 0
	g.Horizontal.Color = lightGrey
	g.Horizontal.Width = 0.5
	p.Add(g, f)
	return p
}

// A panel is one of several small plots.
type panel struct {
	name, kind string // the kind of its data, for a badge; may be empty
	caption    string // lines below the name
	plot       *plot.Plot
}

// smalls makes a chart of panels in rows of three of a height, with names of their axes.
func smalls(ch chart, x, y string, height vg.Length, all []panel) *Figure {
	ch.height = 20 + height*vg.Length((len(all)+2)/3)
	ch.draw = func(c draw.Canvas) { drawPanels(c, x, y, 3, 1, all) }
	return ch.figure()
}

// drawPanels draws panels of captions of some lines in rows. The names of their axes stand
// once, below and at the left.
func drawPanels(c draw.Canvas, x, y string, cols, lines int, all []panel) {
	above := vg.Length(19 + 11*lines) // the data
	name := aligned(bold(style(textSize, black)), text.XLeft, text.YTop)
	small := aligned(style(smallSize, black), text.XLeft, text.YTop)
	sty := aligned(style(textSize, black), text.XCenter, text.YBottom)
	if x != "" {
		c.FillText(sty, pt(c.Center().X, c.Min.Y), x)
		c.Min.Y += 16
	}
	if y != "" {
		sty = aligned(sty, text.XCenter, text.YTop)
		sty.Rotation = math.Pi / 2
		c.FillText(sty, pt(c.Min.X, c.Center().Y), y)
		c.Min.X += 16
	}
	cols = min(cols, len(all))
	tiles := draw.Tiles{Rows: (len(all) + cols - 1) / cols, Cols: cols, PadX: 12, PadY: above, PadTop: above}
	plots := make([]*plot.Plot, tiles.Rows*cols)
	for i, p := range all {
		plots[i] = p.plot
	}
	aligned := plot.Align(slices.Collect(slices.Chunk(plots, cols)), tiles, c)
	for i, p := range all {
		to := aligned[i/cols][i%cols]
		p.plot.Draw(to)
		inside := p.plot.DataCanvas(to)
		at, right := pt(inside.Min.X, inside.Max.Y+above-6), inside.Max.X
		if p.kind != "" {
			right = badge(c, p.kind, right, at.Y, smallSize-1) - 3
		}
		c.FillText(name, at, shorten(p.name, name, right-at.X))
		for _, l := range wrap(p.caption, small, inside.Max.X-at.X, lines) {
			at.Y -= 11
			c.FillText(small, at, l)
		}
	}
}

// mark draws that of the i-th series. The first 21 are all different.
func mark(c draw.Canvas, i int, at vg.Point, radius vg.Length) {
	shape := [...]draw.GlyphDrawer{draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}}[i%3]
	c.DrawGlyph(draw.GlyphStyle{Color: white, Radius: radius + 0.8, Shape: shape}, at) // keeps marks apart
	c.DrawGlyph(draw.GlyphStyle{Color: hue(i), Radius: radius, Shape: shape}, at)
}

func checkKind(kind string) error {
	if kind != datasets.Real && kind != datasets.StandIn && kind != datasets.OwnData {
		return fmt.Errorf("%q data: want %s, %s or %s",
			kind, datasets.Real, datasets.StandIn, datasets.OwnData)
	}
	return nil
}

// badge writes a kind of data on its colour, left of x and below y, and returns where
// it begins.
func badge(c draw.Canvas, kind string, x, y, size vg.Length) vg.Length {
	clr := blue
	if kind == datasets.StandIn {
		clr = vermillion
	}
	sty := aligned(bold(style(size, white)), text.XCenter, text.YCenter)
	left := x - sty.Width(kind) - size*4/3
	fillRect(c, clr, left, y-size*3/2, x, y)
	c.FillText(sty, pt((left+x)/2, y-size*3/4), kind)
	return left
}
