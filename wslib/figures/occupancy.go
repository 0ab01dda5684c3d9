package figures

import (
	"errors"
	"fmt"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"weightsep/wslib/page"
)

// Occupancy shows which network uses which shared page. Above is a row a network
// and a column a shared page, coloured where the network uses the page. Below, in
// the same columns, is a bar a shared page: how many networks use it.
func Occupancy(names []string, tables []page.Table, shared int) (*Figure, error) {
	if len(names) == 0 || len(names) != len(tables) || shared <= 0 {
		return nil, fmt.Errorf("figures: occupancy of %d shared pages by %d names and %d tables", shared, len(names), len(tables))
	}
	uses := make([][]bool, len(tables))
	for i, t := range tables {
		err := t.Validate()
		if err == nil && t.Shared != shared {
			err = fmt.Errorf("a table over %d shared pages: want %d", t.Shared, shared)
		}
		if err == nil && len(t.Entries) == 0 {
			err = errors.New("an empty table")
		}
		if err != nil {
			return nil, fmt.Errorf("figures: occupancy: %q: %w", names[i], err)
		}
		uses[i] = make([]bool, shared)
		for _, e := range t.Entries {
			if int(e) < shared {
				uses[i][e] = true
			}
		}
	}
	occupancy := page.Occupancy(tables, shared)
	sum := 0
	for _, n := range occupancy {
		sum += n
	}
	const barsHeight, rowHeight = 125, 17
	f := &Figure{
		Title: fmt.Sprintf("Which network uses which of the %d shared pages", shared),
		Width: fullWidth,
	}
	below := fmt.Sprintf("A shared page serves %d to %d of the %d networks, %.1f on average.",
		slices.Min(occupancy), slices.Max(occupancy), len(names), float64(sum)/float64(shared))
	h := newHeading(f.Title, below, f.Width)
	f.Height = h.height() + vg.Length(barsHeight+rowHeight*len(names)+8)
	f.draw = func(c draw.Canvas) {
		c = h.draw(c)
		matrix, bars := matrixPlot(names, uses, shared), barsPlot(occupancy, len(names))
		cut := c.Min.Y + barsHeight
		sides := plot.Align([][]*plot.Plot{{matrix}, {bars}}, draw.Tiles{Rows: 2, Cols: 1}, c)
		upper, lower := sides[0][0], sides[1][0]
		// Align makes both equally high; only its left and right edges are wanted.
		upper.Min.Y, upper.Max.Y = cut+8, c.Max.Y
		lower.Min.Y, lower.Max.Y = c.Min.Y, cut
		matrix.Draw(upper)
		bars.Draw(lower)
	}
	return f, nil
}

func matrixPlot(names []string, uses [][]bool, shared int) *plot.Plot {
	n := len(names)
	p := newPlot(0, float64(shared), 0, float64(n))
	p.X.Tick.Marker = noTicks()
	p.X.LineStyle.Width = 0
	var rows []plot.Tick
	for i, name := range names {
		rows = append(rows, plot.Tick{Value: float64(n-i) - 0.5, Label: shorten(name, style(textSize, black), 80)})
	}
	p.Y.Tick.Marker = plot.ConstantTicks(rows)
	p.Y.Tick.Label.Font = style(textSize, black).Font
	p.Y.Tick.Length = 0
	p.Y.LineStyle.Width = 0
	p.Add(plotFunc(func(c draw.Canvas, p *plot.Plot) {
		x, y := p.Transforms(&c)
		for i, row := range uses {
			y0, y1 := y(float64(n-i-1))+1, y(float64(n-i))-1
			fillRect(c, tint(grey, 0.15), x(0), y0, x(float64(shared)), y1)
			// A run of pages in one piece, and the gaps over it, keep the SVG small.
			for k := 0; k < shared; k++ {
				start := k
				for k < shared && row[k] {
					k++
				}
				if k > start {
					fillRect(c, hue(i), x(float64(start)), y0, x(float64(k)), y1)
				}
			}
		}
		var gaps vg.Path
		for k := 1; k < shared; k++ {
			gaps.Move(vg.Point{X: x(float64(k)), Y: c.Min.Y})
			gaps.Line(vg.Point{X: x(float64(k)), Y: c.Max.Y})
		}
		c.SetLineStyle(draw.LineStyle{Color: white, Width: min(1, (x(1)-x(0))/5)})
		c.Stroke(gaps)
	}))
	return p
}

func barsPlot(occupancy []int, networks int) *plot.Plot {
	shared := len(occupancy)
	p := newPlot(0, float64(shared), 0, float64(networks))
	p.X.Label.Text = "shared page"
	p.Y.Label.Text = "occupancy (networks)"
	var at []plot.Tick
	for _, t := range ticks(0, float64(shared-1), 10) {
		if t.Value == float64(int(t.Value)) {
			at = append(at, plot.Tick{Value: t.Value + 0.5, Label: t.Label})
		}
	}
	p.X.Tick.Marker = plot.ConstantTicks(at)
	whole := slices.DeleteFunc(ticks(0, float64(networks), 5), func(t plot.Tick) bool {
		return t.Value != float64(int(t.Value))
	})
	p.Y.Tick.Marker = plot.ConstantTicks(whole)
	addGrid(p)
	p.Add(plotFunc(func(c draw.Canvas, p *plot.Plot) {
		x, y := p.Transforms(&c)
		gap := min(1, (x(1)-x(0))/5) / 2
		for k, n := range occupancy {
			if n > 0 {
				fillRect(c, darkGrey, x(float64(k))+gap, y(0), x(float64(k+1))-gap, y(float64(n)))
			}
		}
	}))
	return p
}
