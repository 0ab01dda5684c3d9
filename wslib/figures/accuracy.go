package figures

import (
	"cmp"
	"errors"
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"

	"weightsep/datasets"
	"weightsep/wslib/bootstrap"
)

// AccuracyRow is one network's pair of bars of [BeforeAfter].
type AccuracyRow struct {
	Name          string
	Data          string  // datasets.Real, StandIn or OwnData
	Before, After float64 // test accuracy, 0 to 1

	Change *bootstrap.Interval // in points; nil: not known how sure it is
}

// BeforeAfter shows each network's test accuracy before and after weight separation
// as two bars, with the values in them and the change in points above; a line across the end of the second
// bar is the interval of the change. Networks on stand-in data have pale bars with dashed edges, and
// "stand-in" under their name. The title has the mean change of the first kind of data there is, the line
// below it that of each.
func BeforeAfter(rows []AccuracyRow) (*Figure, error) {
	if len(rows) == 0 {
		return nil, errors.New("figures: accuracy of no networks")
	}
	name := style(smallSize, black)
	slot := (fullWidth - 2*margin - 40) / vg.Length(len(rows))
	var names []plot.Tick
	intervals := false
	data := [][]string{row("network", "data", "test accuracy before (%)", "after (%)", "change (points)",
		"change: low (95 %)", "high (95 %)")}
	for i, r := range rows {
		if err := cmp.Or(checkKind(r.Data), checkUnit("accuracy", r.Before, r.After)); err != nil {
			return nil, fmt.Errorf("figures: accuracy of %s: %w", r.Name, err)
		}
		label := shorten(r.Name, name, slot-2) + "\n"
		if r.Data == datasets.StandIn {
			label += shorten(datasets.StandIn, name, slot-2)
		} else {
			label += " " // as high as the others
		}
		var low, high any = "", ""
		if r.Change != nil {
			low, high = r.Change.Low, r.Change.High
			intervals = true
		}
		data = append(data, row(r.Name, r.Data, 100*r.Before, 100*r.After, 100*(r.After-r.Before), low, high))
		names = append(names, plot.Tick{Value: float64(i) + 0.5, Label: label})
	}
	title, below := "Test accuracy before and after weight separation", ""
	for _, of := range []struct{ data, format string }{
		{datasets.Real, "%s on real data: %+.2f points. "},
		{datasets.OwnData, "%s on their user's own data: %+.2f. "},
		{datasets.StandIn, "%s on stand-in data (generated, pale), no accuracies on the datasets: %+.2f."},
	} {
		n, mean := meanChange(rows, of.data)
		if n > 0 && below == "" {
			title = fmt.Sprintf("%s: %+.2f points on %s data", title, mean, of.data)
		}
		if n > 0 {
			networks := "1 network"
			if n > 1 {
				networks = fmt.Sprintf("%d networks", n)
			}
			below += fmt.Sprintf(of.format, networks, mean)
		}
	}
	p := newPlot(axis{max: float64(len(rows)), ticks: names},
		axis{name: "test accuracy (%)", max: 110, ticks: ticks(0, 100, 10)}, // room for changes above 100 %
		func(c scaled) { accuracyBars(c, rows) })
	p.X.Tick.Label.Font = name.Font
	p.X.Tick.Length = 0
	legend := []legendEntry{filled("before (separate networks)", grey), filled("after (weight-separated)", blue)}
	if intervals {
		legend = append(legend, interval("95 % interval of the change"))
	}
	return chart{title: title, below: below, data: data, height: 230, draw: p.Draw, legend: legend}.figure(), nil
}

// meanChange counts the rows of a kind of data and gives their mean change in points.
func meanChange(rows []AccuracyRow, data string) (n int, mean float64) {
	for _, r := range rows {
		if r.Data == data {
			n++
			mean += 100 * (r.After - r.Before)
		}
	}
	return n, mean / float64(max(1, n))
}

func accuracyBars(c scaled, rows []AccuracyRow) {
	slot := c.x(1) - c.x(0)
	bar := min(slot*0.42, 40)
	for i, r := range rows {
		mid := c.x(float64(i) + 0.5)
		accuracyBar(c, grey, r.Data, mid-bar, mid-0.5, r.Before, 0)
		low := 0.0
		if r.Change != nil {
			low = max(0, 100*(r.After-r.Before)-r.Change.Low)
		}
		accuracyBar(c, blue, r.Data, mid+0.5, mid+bar, r.After, low)
		top := c.y(100 * max(r.Before, r.After))
		if r.Change != nil {
			y1 := c.y(100*r.Before + r.Change.High)
			intervalBar(c.Canvas, black, mid+bar-3.5, c.y(100*r.Before+r.Change.Low), y1)
			top = max(top, y1)
		}
		change := aligned(bold(style(smallSize, black)), text.XCenter, text.YBottom)
		label := fmt.Sprintf("%+.1f", 100*(r.After-r.Before))
		if change.Width(label) <= slot {
			c.FillText(change, pt(mid, top+2), label)
		}
	}
}

// accuracyBar draws a bar, and the number in it so many points below its end.
func accuracyBar(c scaled, clr color.NRGBA, data string, x0, x1 vg.Length, v, below float64) {
	y0, y1 := c.y(0), c.y(100*v)
	fill := clr
	if data == datasets.StandIn {
		fill = tint(clr, 0.3)
	}
	fillRect(c.Canvas, fill, x0, y0, x1, y1)
	if fill != clr {
		c.StrokeLines(line(clr, 0.75, 2, 2), []vg.Point{pt(x0, y0), pt(x0, y1), pt(x1, y1), pt(x1, y0)})
	}
	label := fmt.Sprintf("%.1f", 100*v)
	upright := style(smallSize-0.5, ink(fill))
	y1 = c.y(100*v - below)
	switch w := upright.Width(label); {
	case w+1 <= x1-x0 && y1-y0 >= 14:
		c.FillText(aligned(upright, text.XCenter, text.YTop), pt((x0+x1)/2, y1-2), label)
	case upright.Font.Size <= x1-x0 && y1-y0 >= w+6:
		upright.Rotation = math.Pi / 2
		c.FillText(aligned(upright, text.XRight, text.YCenter), pt((x0+x1)/2, y1-3), label)
	}
}
