package figures

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"weightsep/wslib/separation"
)

// DensityOf is one network's panel of [Fisher] and of [Density].
type DensityOf struct {
	Name      string
	Density   []float64 // contribution density of each page
	Exclusive []int     // its exclusive pages
}

// Fisher shows how a network's Fisher information lies on its pages: a panel a network, a bar a page,
// in the order of its weights, as high as the page's share of the network's Fisher information, on a
// logarithmic axis. Exclusive pages are of another colour, with a dot on top.
func Fisher(networks []DensityOf) (*Figure, error) {
	var panels []panel
	data := [][]string{row("network", "page", "share of its network's Fisher information", "exclusive")}
	for _, n := range networks {
		if _, err := n.shares(); err != nil {
			return nil, fmt.Errorf("figures: Fisher information of %q: %w", n.Name, err)
		}
		top := 0
		for p, d := range n.Density {
			data = append(data, row(n.Name, p, d, slices.Contains(n.Exclusive, p)))
			if d > n.Density[top] {
				top = p
			}
		}
		panels = append(panels, fisherPanel(n, top))
	}
	if len(networks) == 0 {
		return nil, errors.New("figures: Fisher information of no networks")
	}
	return smalls(chart{
		title: "How the Fisher information of each network lies on its pages",
		below: "A bar is a page, as high as its share of its network's information. Orange, with a dot: " +
			"the network's exclusive pages. Above a panel is the page that has most.",
		shows: "Few pages have most of it; the axis is logarithmic.", data: data,
	}, "page", "share (%, log)", 112, panels), nil
}

const leastShare = 1e-5 // that a chart shows

func fisherPanel(n DensityOf, top int) panel {
	end := float64(len(n.Density))
	var shares []plot.Tick
	for _, v := range []float64{1e-5, 1e-3, 0.1} {
		shares = append(shares, plot.Tick{Value: math.Log10(v), Label: fmt.Sprintf("%g", 100*v)})
	}
	return panel{
		name: n.Name, caption: fmt.Sprintf("page %d: %.1f %%", top, 100*n.Density[top]),
		plot: newPlot(axis{max: end, ticks: middleTicks(len(n.Density), 3)},
			axis{min: math.Log10(leastShare), max: 0.3, ticks: shares}, func(c scaled) {
				for p, d := range n.Density {
					if d <= leastShare {
						continue
					}
					clr, x, y := blue, float64(p), math.Log10(d)
					if slices.Contains(n.Exclusive, p) {
						clr = vermillion
						dot(c.Canvas, clr, 2, c.at(x+0.5, y))
					}
					c.bar(clr, x, x+1, math.Log10(leastShare), y, 0)
				}
			}),
	}
}

// Density shows how few pages carry most of each network's Fisher information. In a network's
// panel its pages stand in order of falling contribution density, the exclusive ones first,
// left of the dashed line; the curve is the share that the pages up to there carry together.
// The panel's title says how many pages are exclusive and what share is theirs. A dotted line is
// at the share where separation stops, 0 for none.
func Density(networks []DensityOf, stop float64) (*Figure, error) {
	if len(networks) == 0 {
		return nil, errors.New("figures: density of no networks")
	}
	if err := checkUnit("share", stop); err != nil {
		return nil, fmt.Errorf("figures: density: %w", err)
	}
	var panels []panel
	data := [][]string{row("network", "pages, densest first", "share that they carry (%)",
		"last is exclusive")}
	for _, n := range networks {
		shares, err := n.shares()
		if err != nil {
			return nil, fmt.Errorf("figures: density of %q: %w", n.Name, err)
		}
		panels = append(panels, densityPanel(n, shares, stop))
		for k, s := range shares[1:] {
			data = append(data, row(n.Name, k+1, s, k < len(n.Exclusive)))
		}
	}
	below := "Pages by falling contribution density. Left of the dashed line are the exclusive pages, all " +
		"others are shared; above a panel is how many are exclusive, and their share."
	if stop > 0 {
		below += fmt.Sprintf(" Dotted: %.4g %%, where separation stops if no bound does.", 100*stop)
	}
	return smalls(chart{
		title: "Share of each network's Fisher information that its densest pages carry", below: below,
		shows: "The curves rise steeply at first: few pages carry most.", data: data,
	}, "number of pages, densest first", "cumulative share (%)", 112, panels), nil
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

func densityPanel(n DensityOf, shares []float64, stop float64) panel {
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
			if y := c.y(100 * stop); stop > 0 {
				c.StrokeLine2(line(darkGrey, 0.75, 1, 1.5), c.Min.X, y, c.Max.X, y)
			}
			c.StrokeLine2(line(vermillion, 1, 3, 2), cut, c.Min.Y, cut, c.Max.Y)
			c.StrokeLines(line(blue, 1.5), curve)
		}),
	}
}
