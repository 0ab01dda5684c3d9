package figures

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// ParetoPoint is one way of packing in [Pareto].
type ParetoPoint struct {
	Series    string  // the method, which points of one colour and mark share
	Label     string  // beside the point; may be empty
	Ratio     float64 // packing ratio in bytes
	Change    float64 // of test accuracy, in points
	Low, High float64 // interval of the change; both 0: not known
}

// What the paper states: 5.9x, counted in weights, and -0.22 points on average.
const (
	paperRatio  = 5.9
	paperChange = -0.22
)

// Pareto shows what packing costs: the change of test accuracy of each point over its
// packing ratio, on a logarithmic axis. A method has a colour and a mark of its own; vertical
// bars are intervals. A line is at no change, a star at what the paper states. A label
// stands beside its point, at the first place that covers nothing. Changes below a floor,
// which is below 0, stand at the lower edge, with their value; a floor of 0 is none.
func Pareto(title string, floor float64, points []ParetoPoint) (*Figure, error) {
	if len(points) == 0 {
		return nil, errors.New("figures: Pareto chart of no points")
	}
	if !(floor <= 0) || math.IsInf(floor, 0) || floor < 0 && floor >= paperChange {
		return nil, fmt.Errorf("figures: Pareto chart: floor %v: want 0 for none, or below %.2f",
			floor, paperChange)
	}
	for _, p := range points {
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("figures: Pareto chart: %s %s: %w", p.Series, p.Label, err)
		}
	}
	l := newParetoChart(floor, points)
	return chart{title: title, below: l.explanation(), height: 346, legend: l.legend(),
		draw: newPlot(l.x, l.y, l.draw).Draw}.figure(), nil
}

func (p ParetoPoint) check() error {
	if p.Series == "" {
		return errors.New("a point of no series")
	}
	if !(p.Ratio > 0) || math.IsInf(p.Ratio, 1) {
		return fmt.Errorf("packing ratio %v: want a number above 0", p.Ratio)
	}
	if p.Low > p.High {
		return fmt.Errorf("interval from %v to %v", p.Low, p.High)
	}
	return checkPoints(p.Change, p.Low, p.High)
}

type paretoChart struct {
	points []ParetoPoint
	floor  float64
	series []string // in order of their first points
	x, y   axis     // x is the logarithm of the ratio
}

const paretoRadius = 3.6

func newParetoChart(floor float64, points []ParetoPoint) *paretoChart {
	l := &paretoChart{points: points, floor: floor}
	l.y.name = "mean change of test accuracy (points)"
	lo, hi := math.Log10(paperRatio), math.Log10(paperRatio)
	worst, best := min(0, paperChange), max(0, paperChange)
	for _, p := range points {
		lo, hi = min(lo, math.Log10(p.Ratio)), max(hi, math.Log10(p.Ratio))
		worst, best = min(worst, p.Change, p.Low), max(best, p.Change, p.High)
		if !slices.Contains(l.series, p.Series) {
			l.series = append(l.series, p.Series)
		}
	}
	l.x = logAxis("packing ratio in bytes (times, log)", lo, hi, 0.06)
	l.y.min = worst - 0.06*(best-worst)
	if floor < 0 && worst < floor {
		worst, l.y.min = floor, floor
	}
	l.y.max = best + 0.06*(best-worst)
	l.y.ticks = ticks(l.y.min, l.y.max, 8)
	return l
}

// low tells whether a point is at the floor instead of lower.
func (l *paretoChart) low(p ParetoPoint) bool { return p.Change < l.y.min }

// bar tells whether a point has an interval that is on the chart.
func (l *paretoChart) bar(p ParetoPoint) bool {
	return (p.Low != 0 || p.High != 0) && !l.low(p)
}

func (l *paretoChart) explanation() string {
	s := "Higher and farther right is better. The paper's point is its ratio in weights and its mean, as it " +
		"states them."
	if slices.ContainsFunc(l.points, l.low) {
		s += fmt.Sprintf(" With an arrow: changes below %+.4g, written in brackets.", l.floor)
	}
	return s
}

func (l *paretoChart) legend() []legendEntry {
	var all []legendEntry
	for i, name := range l.series {
		all = append(all, legendEntry{name, func(c draw.Canvas, at vg.Point) { mark(c, i, at, paretoRadius) }})
	}
	all = append(all, legendEntry{"stated by the paper", star})
	if slices.ContainsFunc(l.points, l.bar) {
		all = append(all, interval("95 % interval"))
	}
	return all
}

// draw draws the chart between its axes: intervals, then labels, then marks.
func (l *paretoChart) draw(c scaled) {
	c.StrokeLine2(line(darkGrey, 1), c.Min.X, c.y(0), c.Max.X, c.y(0))
	labels := []label{{
		text: fmt.Sprintf("paper: %.1fx, %+.2f", paperRatio, paperChange),
		of:   c.at(math.Log10(paperRatio), paperChange),
	}}
	// What labels must not cover: the line, bars, marks and other labels.
	taken := []vg.Rectangle{rect(c.Min.X, c.y(0)-1, c.Max.X, c.y(0)+1)}
	for _, p := range l.points {
		at := c.at(math.Log10(p.Ratio), p.Change)
		text := shorten(p.Label, style(smallSize, black), 150)
		switch {
		case l.low(p):
			at.Y = c.Min.Y + 3*paretoRadius
			tip := pt(at.X, c.Min.Y+1)
			c.StrokeLines(line(darkGrey, 1), []vg.Point{at, tip},
				[]vg.Point{{X: tip.X - 2.5, Y: tip.Y + 3}, tip, {X: tip.X + 2.5, Y: tip.Y + 3}})
			text = strings.TrimSpace(fmt.Sprintf("%s (%+.1f)", text, p.Change))
		case l.bar(p):
			y0, y1 := c.y(max(p.Low, l.y.min)), c.y(p.High)
			intervalBar(c.Canvas, hue(slices.Index(l.series, p.Series)), at.X, y0, y1)
			taken = append(taken, rect(at.X-2, y0, at.X+2, y1))
		}
		labels = append(labels, label{text, at})
	}
	for _, t := range labels {
		const r = paretoRadius + 1
		taken = append(taken, rect(t.of.X-r, t.of.Y-r, t.of.X+r, t.of.Y+r))
	}
	for _, t := range labels {
		box := t.place(c.Rectangle, taken)
		taken = append(taken, box)
		beside(c.Canvas, style(smallSize, black), box.Min.X, (box.Min.Y+box.Max.Y)/2, t.text)
	}
	star(c.Canvas, labels[0].of)
	for i, p := range l.points {
		mark(c.Canvas, slices.Index(l.series, p.Series), labels[i+1].of, paretoRadius)
	}
}

// interval explains bars of intervals.
func interval(label string) legendEntry {
	return legendEntry{label, func(c draw.Canvas, at vg.Point) {
		intervalBar(c, darkGrey, at.X, at.Y-5, at.Y+5)
	}}
}

func intervalBar(c draw.Canvas, clr color.Color, x, y0, y1 vg.Length) {
	line := line(clr, 1)
	c.StrokeLine2(line, x, y0, x, y1)
	c.StrokeLine2(line, x-2.5, y0, x+2.5, y0)
	c.StrokeLine2(line, x-2.5, y1, x+2.5, y1)
}

// star is the mark of what is not ours.
func star(c draw.Canvas, at vg.Point) {
	var p []vg.Point
	for i := range 16 {
		r := paretoRadius * (1.6 - 0.85*float64(i%2))
		sin, cos := math.Sincos(math.Pi / 8 * float64(i))
		p = append(p, at.Add(pt(vg.Length(r*cos), vg.Length(r*sin))))
	}
	c.FillPolygon(black, p)
}

// A label is a text beside a point.
type label struct {
	text string
	of   vg.Point
}

// place returns a box for the label, near its point, inside an area, where it covers
// nothing that is taken: at the right, at the left, or higher or lower than that. If there
// is none, it is at the right, or at the left where that is outside.
func (l label) place(area vg.Rectangle, taken []vg.Rectangle) vg.Rectangle {
	sty := style(smallSize, black)
	w, h := sty.Width(l.text), sty.Font.Size
	at := func(left bool, up vg.Length) vg.Rectangle {
		x := l.of.X + 2*paretoRadius
		if left {
			x = l.of.X - 2*paretoRadius - w
		}
		return rect(x, l.of.Y+up-h/2, x+w, l.of.Y+up+h/2)
	}
	for _, lines := range []vg.Length{0, 1, -1, 2, -2} {
		for _, left := range []bool{false, true} {
			box := at(left, lines*h)
			covers := func(r vg.Rectangle) bool {
				return box.Min.X < r.Max.X && r.Min.X < box.Max.X &&
					box.Min.Y < r.Max.Y && r.Min.Y < box.Max.Y
			}
			inside := box.Min.X >= area.Min.X && box.Max.X <= area.Max.X &&
				box.Min.Y >= area.Min.Y && box.Max.Y <= area.Max.Y
			if inside && !slices.ContainsFunc(taken, covers) {
				return box
			}
		}
	}
	return at(at(false, 0).Max.X > area.Max.X, 0)
}
