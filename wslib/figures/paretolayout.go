package figures

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// paretoLayout is where everything of the chart is.
type paretoLayout struct {
	axes      // over the logarithm of the ratio
	points    []ParetoPoint
	options   ParetoOptions
	series    []string // in order of their first points
	reference vg.Point
	labels    []*label
}

const paretoRadius = 3.6

func newParetoLayout(points []ParetoPoint, o ParetoOptions, area vg.Rectangle) *paretoLayout {
	change := paperChange
	if o.Worst {
		change = paperWorstChange
	}
	lo, hi := math.Log10(paperRatio), math.Log10(paperRatio)
	worst, best := min(0, change), max(0, change)
	l := &paretoLayout{points: points, options: o}
	for _, p := range points {
		lo, hi = min(lo, math.Log10(p.Ratio)), max(hi, math.Log10(p.Ratio))
		worst, best = min(worst, p.Change, p.Low), max(best, p.Change, p.High)
		if !slices.Contains(l.series, p.Series) {
			l.series = append(l.series, p.Series)
		}
	}
	spare := max(0.06*(hi-lo), (0.6-(hi-lo))/2) // for marks at the ends; four times at least
	above := 0.06 * (best - worst)
	l.axes = axes{draw.Canvas{Rectangle: area}, lo - spare, hi + spare, worst - above, best + above}
	if o.Floor < 0 && worst < o.Floor {
		l.ymin, l.ymax = o.Floor, best+0.06*(best-o.Floor)
	}
	l.reference = vg.Point{X: l.x(math.Log10(paperRatio)), Y: l.y(change)}
	l.place(change)
	return l
}

// at is the middle of a point's mark, and whether that is at the floor instead of lower.
func (l *paretoLayout) at(p ParetoPoint) (at vg.Point, low bool) {
	at = vg.Point{X: l.x(math.Log10(p.Ratio)), Y: l.y(p.Change)}
	if p.Change < l.ymin {
		at.Y = l.Min.Y + 3*paretoRadius // with an arrow below
		return at, true
	}
	return at, false
}

// bar is a point's interval, as far as it is on the chart.
func (l *paretoLayout) bar(p ParetoPoint) (y0, y1 vg.Length, ok bool) {
	if p.Low == 0 && p.High == 0 || p.High <= l.ymin {
		return 0, 0, false
	}
	return l.y(max(p.Low, l.ymin)), l.y(p.High), true
}

// unchanged is the line at no change.
func (l *paretoLayout) unchanged() vg.Rectangle {
	return vg.Rectangle{Min: vg.Point{X: l.Min.X, Y: l.y(0) - 0.5}, Max: vg.Point{X: l.Max.X, Y: l.y(0) + 0.5}}
}

// place finds the places of the labels.
func (l *paretoLayout) place(change float64) {
	around := func(at vg.Point, radius vg.Length) vg.Rectangle {
		return grow(vg.Rectangle{Min: at, Max: at}, 1.4*radius)
	}
	small := style(smallSize, black)
	const large = paretoRadius + 0.8
	marks, bars := []vg.Rectangle{around(l.reference, large)}, []vg.Rectangle{l.unchanged()}
	l.labels = append(l.labels, &label{
		text: fmt.Sprintf("paper: %.1fx, %+.2f", paperRatio, change), of: l.reference, clear: 1.7 * large, first: true, sty: bold(small)})
	for _, p := range l.points {
		at, low := l.at(p)
		marks = append(marks, around(at, paretoRadius))
		if y0, y1, ok := l.bar(p); ok && !low {
			bars = append(bars, vg.Rectangle{Min: vg.Point{X: at.X - 2.5, Y: y0}, Max: vg.Point{X: at.X + 2.5, Y: y1}})
		}
		s := p.Label
		if low {
			marks = append(marks, around(at.Sub(vg.Point{Y: 2 * paretoRadius}), paretoRadius))
			s = strings.TrimSpace(fmt.Sprintf("%s (%+.1f)", s, p.Change))
		}
		if s != "" {
			l.labels = append(l.labels, &label{text: shorten(s, small, 150), of: at, clear: 1.7 * paretoRadius, first: low, sty: small})
		}
	}
	placeLabels(l.labels, l.Rectangle, marks, bars)
}

// intervalBar draws an interval, with caps at the ends that are on the chart.
func intervalBar(c draw.Canvas, line draw.LineStyle, x, y0, y1 vg.Length, low, high bool) {
	c.StrokeLine2(line, x, y0, x, y1)
	if low {
		c.StrokeLine2(line, x-2.5, y0, x+2.5, y0)
	}
	if high {
		c.StrokeLine2(line, x-2.5, y1, x+2.5, y1)
	}
}

func (l *paretoLayout) draw(c draw.Canvas) {
	a := l.axes
	a.Canvas.Canvas = c.Canvas
	nameBelow(draw.Crop(c, l.Min.X-c.Min.X, 0, 0, 0), "packing ratio in bytes (times, log)")
	of := "mean change of test accuracy (points)"
	if l.options.Worst {
		of = "change of the worst network's test accuracy (points)"
	}
	c.Max.Y = l.Max.Y
	nameLeft(draw.Crop(c, 0, 0, l.Min.Y-c.Min.Y, 0), of)
	a.lines(ticks(a.ymin, a.ymax, 8))
	at := closeTicks(math.Pow(10, a.xmin), math.Pow(10, a.xmax))
	a.base(at, true)
	for _, t := range at {
		a.StrokeLine2(draw.LineStyle{Color: lightGrey, Width: 0.5}, a.x(t.Value), a.Min.Y, a.x(t.Value), a.Max.Y)
	}
	line := l.unchanged()
	fillRect(a.Canvas, darkGrey, line.Min.X, line.Min.Y, line.Max.X, line.Max.Y)
	for _, label := range l.labels {
		label.draw(a.Canvas)
	}
	for _, p := range l.points {
		at, low := l.at(p)
		clr := hue(slices.Index(l.series, p.Series))
		if low {
			a.arrowDown(at)
		} else if y0, y1, ok := l.bar(p); ok {
			intervalBar(a.Canvas, draw.LineStyle{Color: clr, Width: 1}, at.X, y0, y1, p.Low >= a.ymin, true)
		}
	}
	mark(a.Canvas, referenceShape, black, l.reference, paretoRadius+0.8, false)
	for _, p := range l.points {
		at, _ := l.at(p)
		i := slices.Index(l.series, p.Series)
		mark(a.Canvas, shape(i), hue(i), at, paretoRadius, p.StandIn)
	}
}

// arrowDown points from a mark to the lower edge.
func (a axes) arrowDown(from vg.Point) {
	line := draw.LineStyle{Color: darkGrey, Width: 1}
	tip := vg.Point{X: from.X, Y: a.Min.Y + 1}
	a.StrokeLines(line, []vg.Point{from, tip}, []vg.Point{{X: tip.X - 2.5, Y: tip.Y + 3}, tip, {X: tip.X + 2.5, Y: tip.Y + 3}})
}

// closeTicks are those of logTicks, closer where the range is less than some powers of ten.
func closeTicks(lo, hi float64) []plot.Tick {
	var steps []float64
	switch r := hi / lo; {
	case r <= 20:
		steps = []float64{1, 2, 3, 4, 5, 6, 8}
	case r <= 100:
		steps = []float64{1, 2, 3, 5}
	case r <= 3000:
		steps = []float64{1, 2, 5}
	default:
		return logTicks(lo, hi)
	}
	var t []plot.Tick
	for e := math.Floor(math.Log10(lo)); math.Pow(10, e) <= hi; e++ {
		for _, m := range steps {
			if v := m * math.Pow(10, e); v >= lo && v <= hi {
				t = append(t, plot.Tick{Value: math.Log10(v), Label: grouped(v, max(0, -int(e)))})
			}
		}
	}
	return t
}
