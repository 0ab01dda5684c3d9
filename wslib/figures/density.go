package figures

import (
	"errors"
	"fmt"
	"slices"

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

// Density shows how few pages carry most of each network's Fisher information. In a
// network's panel its pages stand in order of falling contribution density, the
// exclusive ones first; the curve is the share that the pages up to there carry
// together. The coloured part to the left of the dashed line is the exclusive
// pages, and the panel's title says how many they are and what share is theirs.
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
	return chart{
		title: "Share of each network's Fisher information that its densest pages carry",
		below: "Pages by falling contribution density. Left of the dashed line are the exclusive pages; " +
			"above a panel is how many they are, and their share.",
		height: 20 + 140*vg.Length((len(panels)+4)/5),
		draw: func(c draw.Canvas) {
			drawPanels(c, "number of pages, densest first", "cumulative share (%)", 5, 1, panels)
		},
	}.figure(), nil
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
	pages, own := len(n.Density), len(n.Exclusive)
	end := float64(pages)
	return panel{
		name:    n.Name,
		caption: fmt.Sprintf("%d of %d pages: %.1f %%", own, pages, shares[own]),
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
