package figures

import (
	"errors"
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"weightsep/datasets"
)

// AccuracyRow is one network's pair of bars of [BeforeAfter].
type AccuracyRow struct {
	Name          string
	Data          string  // datasets.Real or datasets.StandIn
	Before, After float64 // test accuracy, 0 to 1
}

// BeforeAfter shows each network's test accuracy before and after weight separation
// as two bars, with the values in them and the change in points above. Networks on
// stand-in data have pale, hatched bars, and "stand-in" under their name. The
// title has the mean change, the line below it the mean of each kind of data.
func BeforeAfter(rows []AccuracyRow) (*Figure, error) {
	if len(rows) == 0 {
		return nil, errors.New("figures: accuracy of no networks")
	}
	for _, r := range rows {
		if !unitInterval(r.Before) || !unitInterval(r.After) {
			return nil, fmt.Errorf("figures: %s has accuracy %v before and %v after: want 0 to 1", r.Name, r.Before, r.After)
		}
		if r.Data != datasets.Real && r.Data != datasets.StandIn {
			return nil, fmt.Errorf("figures: %s has %q data: want %s or %s", r.Name, r.Data, datasets.Real, datasets.StandIn)
		}
	}
	n, mean := meanChange(rows, "")
	f := &Figure{
		Title: fmt.Sprintf("Test accuracy before and after weight separation: %+.2f points on average", mean),
		Width: fullWidth,
	}
	below := ""
	reals, realMean := meanChange(rows, datasets.Real)
	standIns, standInMean := meanChange(rows, datasets.StandIn)
	switch {
	case standIns == 0:
		below = fmt.Sprintf("All %d networks on real data.", n)
	case reals == 0:
		below = fmt.Sprintf("All %d networks on stand-in data (generated, hatched): these are not accuracies on the datasets.", n)
	default:
		below = fmt.Sprintf("%d networks on real data: %+.2f points on average. %d on stand-in data (generated, hatched): %+.2f.",
			reals, realMean, standIns, standInMean)
	}
	h := newHeading(f.Title, below, f.Width)
	f.Height = h.height() + 275
	f.draw = func(c draw.Canvas) {
		c = h.draw(c)
		c.Max.Y -= accuracyLegend(c, reals, standIns)
		p := newPlot(0, float64(n), 0, 110) // room for changes above 100 %
		p.Y.Tick.Marker = plot.ConstantTicks(ticks(0, 100, 10))
		p.Y.Label.Text = "test accuracy (%)"
		var at []plot.Tick
		name := style(textSize, black)
		slot := (c.Max.X - c.Min.X - 40) / vg.Length(n)
		for i, r := range rows {
			label := shorten(r.Name, name, slot-2)
			if r.Data == datasets.StandIn {
				label += "\n" + shorten(datasets.StandIn, name, slot-2)
			} else if standIns > 0 {
				label += "\n "
			}
			at = append(at, plot.Tick{Value: float64(i) + 0.5, Label: label})
		}
		p.X.Tick.Marker = plot.ConstantTicks(at)
		p.X.Tick.Label.Font = name.Font
		p.X.Tick.Length = 0
		addGrid(p)
		p.Add(plotFunc(func(c draw.Canvas, p *plot.Plot) { accuracyBars(c, p, rows) }))
		p.Draw(c)
	}
	return f, nil
}

// meanChange counts the rows of a kind of data, "" for all, and their mean change
// in points.
func meanChange(rows []AccuracyRow, data string) (n int, mean float64) {
	for _, r := range rows {
		if data == "" || r.Data == data {
			n++
			mean += 100 * (r.After - r.Before)
		}
	}
	return n, mean / float64(max(1, n))
}

func accuracyBars(c draw.Canvas, p *plot.Plot, rows []AccuracyRow) {
	x, y := p.Transforms(&c)
	slot := x(1) - x(0)
	bar := min(slot*0.42, 40)
	for i, r := range rows {
		mid := x(float64(i) + 0.5)
		standIn := r.Data == datasets.StandIn
		accuracyBar(c, grey, standIn, mid-bar, mid-0.5, y(0), y(100*r.Before), r.Before)
		accuracyBar(c, blue, standIn, mid+0.5, mid+bar, y(0), y(100*r.After), r.After)
		top := max(y(100*r.Before), y(100*r.After))
		change := aligned(bold(style(smallSize, black)), text.XCenter, text.YBottom)
		label := fmt.Sprintf("%+.1f", 100*(r.After-r.Before))
		if change.Width(label) <= slot {
			c.FillText(change, vg.Point{X: mid, Y: top + 2}, label)
		}
	}
}

// accuracyBar draws a bar and writes its value in it where there is room.
func accuracyBar(c draw.Canvas, clr color.NRGBA, standIn bool, x0, x1, y0, y1 vg.Length, v float64) {
	under := clr // the digits
	if standIn {
		hatchedRect(c, clr, x0, y0, x1, y1)
		under = tint(clr, 0.3)
	} else {
		fillRect(c, clr, x0, y0, x1, y1)
	}
	sty := aligned(style(smallSize-0.5, ink(under)), text.XCenter, text.YTop)
	label := fmt.Sprintf("%.1f", 100*v)
	w := sty.Width(label)
	if w > x1-x0-1 || y1-y0 < 14 {
		return
	}
	mid := (x0 + x1) / 2
	if standIn { // hatching would cross the digits
		fillRect(c, under, mid-w/2-1, y1-11.5, mid+w/2+1, y1-1)
	}
	c.FillText(sty, vg.Point{X: mid, Y: y1 - 2}, label)
}

// hatchedRect fills a rectangle with a pale colour and lines of the full one.
func hatchedRect(c draw.Canvas, clr color.NRGBA, x0, y0, x1, y1 vg.Length) {
	fillRect(c, tint(clr, 0.3), x0, y0, x1, y1)
	r := draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{Min: vg.Point{X: x0, Y: y0}, Max: vg.Point{X: x1, Y: y1}}}
	const step = 5
	h := y1 - y0
	var lines [][]vg.Point
	for x := x0 - h; x < x1; x += step {
		lines = append(lines, r.ClipLinesXY([]vg.Point{{X: x, Y: y0}, {X: x + h, Y: y1}})...)
	}
	sty := draw.LineStyle{Color: clr, Width: 0.75}
	c.StrokeLines(sty, lines...)
	c.StrokeLines(sty, []vg.Point{{X: x0, Y: y0}, {X: x0, Y: y1}, {X: x1, Y: y1}, {X: x1, Y: y0}, {X: x0, Y: y0}})
}

// accuracyLegend writes the legend at the top and returns its height.
func accuracyLegend(c draw.Canvas, reals, standIns int) vg.Length {
	sty := style(textSize, black)
	x, y := c.Min.X, c.Max.Y-5
	for _, e := range []struct {
		clr   color.NRGBA
		label string
	}{{grey, "before (separate networks)"}, {blue, "after (weight-separated)"}} {
		if reals > 0 {
			fillRect(c, e.clr, x, y-5, x+14, y+5)
			x += 16
		}
		if standIns > 0 {
			hatchedRect(c, e.clr, x, y-5, x+14, y+5)
			x += 16
		}
		beside(c, sty, x+3, y, e.label)
		x += sty.Width(e.label) + 20
	}
	return 16
}
