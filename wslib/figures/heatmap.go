package figures

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// Costs shows what it costs that networks share pages, as a heat map: in row i and column j the cost
// between the pages of networks i and j that lie on the same shared pages, the darker the more. costs is
// what [weightsep/wslib/overlapping.Plan.Between] returns; on the diagonal is what a network's own pages
// on the same shared page cost.
func Costs(names []string, costs [][]float64) (*Figure, error) {
	if len(names) == 0 || len(costs) != len(names) {
		return nil, errors.New("figures: costs of no networks, or of others than are named")
	}
	total, most := 0.0, 0.0
	data := [][]string{row("network", "with", "cost")}
	for i, of := range costs {
		if len(of) != len(names) {
			return nil, fmt.Errorf("figures: %d costs of %s with %d networks", len(of), names[i], len(names))
		}
		if err := checkRange("cost", 0, math.MaxFloat64, of); err != nil {
			return nil, fmt.Errorf("figures: costs of %s: %w", names[i], err)
		}
		for j, v := range of[:i+1] {
			data = append(data, row(names[i], names[j], v))
			total += v
		}
		most = max(most, slices.Max(of))
	}
	n := float64(len(names))
	wide := (fullWidth - 2*margin - 60) / vg.Length(n)
	var rows, columns []plot.Tick
	small := style(smallSize, black)
	level := true
	for i, name := range names {
		level = level && small.Width(name) < wide-1
		rows = append(rows, plot.Tick{Value: n - float64(i) - 0.5, Label: shorten(name, small, 52)})
		columns = append(columns, plot.Tick{Value: float64(i) + 0.5, Label: shorten(name, small, 52)})
	}
	p := newPlot(axis{max: n, ticks: columns}, axis{max: n, ticks: rows}, func(c scaled) {
		for i, of := range costs {
			for j, v := range of {
				// The square root tells small costs apart, too.
				clr := tint(blue, 0.04+0.96*math.Sqrt(v/max(most, math.SmallestNonzeroFloat64)))
				x, y := float64(j), n-1-float64(i)
				c.bar(clr, x, x+1, y, y+1, 1)
				label, sty := fmt.Sprintf("%.2g", v), style(smallSize, ink(clr))
				if sty = aligned(sty, text.XCenter, text.YCenter); sty.Width(label) < wide-2 {
					c.FillText(sty, c.at(x+0.5, y+0.5), label)
				}
			}
		}
	})
	if !level {
		turn(&p.X)
	}
	p.X.Tick.Length, p.Y.Tick.Length = 0, 0
	p.X.LineStyle.Width, p.Y.LineStyle.Width = 0, 0
	return chart{
		title: fmt.Sprintf("What it costs that networks share pages: %.3g in all", total),
		below: "Before any training: (Fa + Fb)(wa - wb)², w the weights and F the Fisher information of " +
			"two networks, summed over what they share where both F are above 0.",
		shows: "The darker a cell the higher the cost of its row with its column.", data: data,
		height: min(300, 40+26*vg.Length(n)), draw: p.Draw,
	}.figure(), nil
}
