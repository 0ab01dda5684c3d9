package figures

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// History shows the course of an optimization: validation accuracy over steps, a
// thin line a network, in the order of names, and a thick black one for the mean
// of all. The legend beside the plot has each line's last value.
//
// validation holds, for each of the steps, an accuracy from 0 to 1 a network.
func History(title string, names []string, steps []int, validation [][]float64) (*Figure, error) {
	if len(names) == 0 || len(steps) == 0 || len(steps) != len(validation) {
		return nil, fmt.Errorf("figures: history of %d networks: %d steps and %d validations", len(names), len(steps), len(validation))
	}
	lines := make([][]float64, len(names)+1) // in percent; the mean is the last
	lo := 100.0
	for k, accuracies := range validation {
		if k > 0 && steps[k] <= steps[k-1] {
			return nil, fmt.Errorf("figures: history: step %d comes after step %d", steps[k], steps[k-1])
		}
		if len(accuracies) != len(names) {
			return nil, fmt.Errorf("figures: history: step %d has %d accuracies: want %d", steps[k], len(accuracies), len(names))
		}
		mean := 0.0
		for i, a := range accuracies {
			if !unitInterval(a) {
				return nil, fmt.Errorf("figures: history: %s at step %d has accuracy %v: want 0 to 1", names[i], steps[k], a)
			}
			lines[i] = append(lines[i], 100*a)
			mean += 100 * a / float64(len(names))
			lo = min(lo, 100*a)
		}
		lines[len(names)] = append(lines[len(names)], mean)
	}
	const legendWidth = 130
	f := &Figure{Title: title, Width: fullWidth}
	h := newHeading(title, "", f.Width)
	f.Height = h.height() + max(270, vg.Length(13*len(names)+30))
	f.draw = func(c draw.Canvas) {
		c = h.draw(c)
		last := float64(steps[len(steps)-1])
		first := float64(steps[0])
		if first == last {
			first, last = first-1, last+1
		}
		p := newPlot(first, last, 10*math.Floor(min(9, lo/10)), 100)
		p.X.Tick.Marker = plot.ConstantTicks(ticks(first, last, 8))
		p.X.Label.Text = "optimization step"
		p.Y.Label.Text = "validation accuracy (%)"
		p.Y.Tick.Marker = plot.ConstantTicks(ticks(p.Y.Min, 100, 10))
		addGrid(p)
		p.Add(plotFunc(func(c draw.Canvas, p *plot.Plot) {
			x, y := p.Transforms(&c)
			for i, line := range lines {
				pts := make([]vg.Point, len(line))
				for k, v := range line {
					pts[k] = vg.Point{X: x(float64(steps[k])), Y: y(v)}
				}
				sty := historyLine(i, len(names))
				c.StrokeLines(sty, pts)
				if len(pts) == 1 { // no line to see
					c.DrawGlyph(draw.GlyphStyle{Color: sty.Color, Radius: 1 + sty.Width, Shape: draw.CircleGlyph{}}, pts[0])
				}
			}
		}))
		p.Draw(draw.Crop(c, 0, -legendWidth, 0, 0))
		historyLegend(draw.Crop(c, c.Max.X-c.Min.X-legendWidth+14, 0, 0, 0), names, lines)
	}
	return f, nil
}

// historyLine is the line of network i, or of the mean, which comes after all.
func historyLine(i, networks int) draw.LineStyle {
	if i == networks {
		return draw.LineStyle{Color: black, Width: 3}
	}
	return draw.LineStyle{Color: hue(i), Width: 1.2, Dashes: dashes(i)}
}

func historyLegend(c draw.Canvas, names []string, lines [][]float64) {
	left, right := style(textSize, black), aligned(style(textSize, black), text.XRight, text.YCenter)
	y := c.Max.Y - 6
	c.FillText(aligned(style(smallSize, darkGrey), text.XRight, text.YCenter), vg.Point{X: c.Max.X, Y: y}, "last value")
	entry := func(i int, name string) {
		y -= 13
		c.StrokeLine2(historyLine(i, len(names)), c.Min.X, y, c.Min.X+22, y)
		beside(c, left, c.Min.X+27, y, shorten(name, left, 50))
		beside(c, right, c.Max.X, y, fmt.Sprintf("%.1f %%", lines[i][len(lines[i])-1]))
	}
	entry(len(names), "mean")
	y -= 4
	for i, name := range names {
		entry(i, name)
	}
}
