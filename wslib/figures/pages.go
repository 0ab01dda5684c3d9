package figures

import (
	"errors"
	"fmt"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"weightsep/wslib/page"
	"weightsep/wslib/separation"
)

// DensityOf is one network's panel of [Density].
type DensityOf struct {
	Name      string
	Density   []float64 // contribution density of each page
	Exclusive []int     // its exclusive pages
}

// Density shows how few pages carry most of each network's Fisher information. In a network's
// panel its pages stand in order of falling contribution density, the exclusive ones first,
// left of the dashed line; the curve is the share that the pages up to there carry together.
// The panel's title says how many pages are exclusive and what share is theirs.
func Density(networks []DensityOf) (*Figure, error) {
	if len(networks) == 0 {
		return nil, errors.New("figures: density of no networks")
	}
	var panels []panel
	for _, n := range networks {
		shares, err := n.shares()
		if err != nil {
			return nil, fmt.Errorf("figures: density of %q: %w", n.Name, err)
		}
		panels = append(panels, densityPanel(n, shares))
	}
	return fives("Share of each network's Fisher information that its densest pages carry",
		"Pages by falling contribution density. Left of the dashed line are the exclusive pages; "+
			"above a panel is how many they are, and their share.",
		"number of pages, densest first", "cumulative share (%)", 140, panels), nil
}

// shares are the percentages that the first pages carry together, from none to all of them.
func (n DensityOf) shares() ([]float64, error) {
	if len(n.Density) == 0 {
		return nil, errors.New("no pages")
	}
	own := map[int]bool{}
	for _, i := range n.Exclusive {
		if i < 0 || i >= len(n.Density) || own[i] {
			return nil, fmt.Errorf("exclusive page %d of %d: not there, or twice", i, len(n.Density))
		}
		own[i] = true
	}
	if err := checkUnit("density", n.Density...); err != nil {
		return nil, err
	}
	shares := make([]float64, 1, len(n.Density)+1)
	sum := 0.0
	order := separation.ByDensity(n.Density)
	for _, exclusive := range []bool{true, false} {
		for _, i := range order {
			if own[i] == exclusive {
				sum += 100 * n.Density[i]
				shares = append(shares, sum)
			}
		}
	}
	return shares, nil
}

func densityPanel(n DensityOf, shares []float64) panel {
	own, end := len(n.Exclusive), float64(len(n.Density))
	return panel{
		name:    n.Name,
		caption: fmt.Sprintf("%d of %d pages: %.1f %%", own, len(n.Density), shares[own]),
		plot: newPlot(axis{max: end, ticks: ticks(0, end, 3)}, percent(0, 4), func(c scaled) {
			var curve []vg.Point
			for k, s := range shares {
				curve = append(curve, c.at(float64(k), s))
			}
			cut := c.x(float64(own))
			c.FillPolygon(tint(vermillion, 0.35),
				append(slices.Clone(curve[:own+1]), pt(cut, c.Min.Y), c.Min))
			c.StrokeLine2(line(vermillion, 1, 3, 2), cut, c.Min.Y, cut, c.Max.Y)
			c.StrokeLines(line(blue, 1.5), curve)
		}),
	}
}

// Occupancy shows which network uses which shared page. Above is a row a network
// and a column a shared page, coloured where the network uses the page. Below, in
// the same columns, is a bar a shared page: how many networks use it.
func Occupancy(names []string, tables []page.Table, shared int) (*Figure, error) {
	if len(names) == 0 || len(names) != len(tables) || shared <= 0 {
		return nil, fmt.Errorf("figures: occupancy of %d shared pages by %d names and %d tables",
			shared, len(names), len(tables))
	}
	uses := make([][]bool, len(tables))
	for i, t := range tables {
		if err := t.Validate(); err != nil || t.Shared != shared || len(t.Entries) == 0 {
			return nil, fmt.Errorf("figures: occupancy: %q: %d pages over %d shared ones, want some "+
				"over %d (%v)", names[i], len(t.Entries), t.Shared, shared, err)
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
	const barsHeight = 125
	matrix, bars := matrixPlot(names, uses, shared), barsPlot(occupancy, len(names))
	return chart{
		title: fmt.Sprintf("Which network uses which of the %d shared pages", shared),
		below: fmt.Sprintf("A shared page serves %d to %d of the %d networks, %.1f on average.",
			slices.Min(occupancy), slices.Max(occupancy), len(names), float64(sum)/float64(shared)),
		height: vg.Length(barsHeight + 17*len(names) + 8),
		draw: func(c draw.Canvas) {
			sides := plot.Align([][]*plot.Plot{{matrix}, {bars}}, draw.Tiles{Rows: 2, Cols: 1}, c)
			upper, lower := sides[0][0], sides[1][0]
			// Align makes both equally high; only its left and right edges are wanted.
			cut := c.Min.Y + barsHeight
			upper.Min.Y, upper.Max.Y = cut+8, c.Max.Y
			lower.Min.Y, lower.Max.Y = c.Min.Y, cut
			matrix.Draw(upper)
			bars.Draw(lower)
		},
	}.figure(), nil
}

func matrixPlot(names []string, uses [][]bool, shared int) *plot.Plot {
	n := float64(len(names))
	var rows []plot.Tick
	for i, name := range names {
		label := shorten(name, style(textSize, black), 80)
		rows = append(rows, plot.Tick{Value: n - float64(i) - 0.5, Label: label})
	}
	p := newPlot(axis{max: float64(shared)}, axis{max: n, ticks: rows}, func(c scaled) {
		for i, row := range uses {
			y0, y1 := c.y(n-float64(i)-1)+1, c.y(n-float64(i))-1
			fillRect(c.Canvas, tint(grey, 0.15), c.Min.X, y0, c.Max.X, y1)
			// A run of pages in one piece, and the gaps over it, keep the SVG small.
			for k := 0; k < shared; k++ {
				start := k
				for k < shared && row[k] {
					k++
				}
				if k > start {
					fillRect(c.Canvas, hue(i), c.x(float64(start)), y0, c.x(float64(k)), y1)
				}
			}
		}
		var gaps vg.Path
		for k := 1; k < shared; k++ {
			gaps.Move(pt(c.x(float64(k)), c.Min.Y))
			gaps.Line(pt(c.x(float64(k)), c.Max.Y))
		}
		c.SetLineStyle(line(white, min(1, (c.x(1)-c.x(0))/5)))
		c.Stroke(gaps)
	})
	p.Y.Tick.Label.Font = style(textSize, black).Font
	p.Y.Tick.Length = 0
	p.X.LineStyle.Width, p.Y.LineStyle.Width = 0, 0
	return p
}

func barsPlot(occupancy []int, networks int) *plot.Plot {
	end := float64(len(occupancy))
	y := axis{"occupancy (networks)", 0, float64(networks), wholeTicks(float64(networks), 5)}
	return newPlot(axis{"shared page", 0, end, middleTicks(len(occupancy), 10)}, y, func(c scaled) {
		gap := min(1, (c.x(1)-c.x(0))/5)
		for k, n := range occupancy {
			c.bar(darkGrey, float64(k), float64(k+1), 0, float64(n), gap)
		}
	})
}
