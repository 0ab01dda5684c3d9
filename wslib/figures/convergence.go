package figures

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// ConvergenceLine is the course of one method in [Convergence].
type ConvergenceLine struct {
	Name    string
	At      []float64 // wall seconds or optimization steps, above 0 and rising
	Change  []float64 // mean change of accuracy then, in points
	StandIn bool      // on stand-in data, at least in part
}

// ConvergenceOptions of [Convergence].
type ConvergenceOptions struct {
	Title      string  // "" says what the axes are
	Steps      bool    // lines are over optimization steps instead of wall seconds
	Target     float64 // the change to reach, in points
	TargetName string  // beside the target's value; may be empty
	Floor      float64 // below 0 and the target: the chart is cut off there; 0: it shows all
}

// Convergence shows how fast methods get to a target: the mean change of accuracy over
// wall time or steps, on a logarithmic axis, a line a method. A dashed line is the target;
// a large mark is where a line first is at it or above, and the legend says when that is.
// A small mark is at a line's end. Marks are open where data is stand-in.
func Convergence(lines []ConvergenceLine, o ConvergenceOptions) (*Figure, error) {
	if len(lines) == 0 {
		return nil, errors.New("figures: convergence of no methods")
	}
	if !(math.Abs(o.Target) <= 100) {
		return nil, fmt.Errorf("figures: convergence: target %v: want points from -100 to 100", o.Target)
	}
	if o.Floor != 0 && !(o.Floor >= -100 && o.Floor < min(0, o.Target)) {
		return nil, fmt.Errorf("figures: convergence: floor %v: want 0 for none, or -100 to below 0 and the target %v", o.Floor, o.Target)
	}
	a := axes{xmin: math.Inf(1), xmax: math.Inf(-1), ymin: min(0, o.Target), ymax: max(0, o.Target)}
	standIn := false
	for _, l := range lines {
		if err := l.check(); err != nil {
			return nil, fmt.Errorf("figures: convergence: %s: %w", l.Name, err)
		}
		a.xmin, a.xmax = min(a.xmin, l.At[0]), max(a.xmax, l.At[len(l.At)-1])
		a.ymin, a.ymax = min(a.ymin, slices.Min(l.Change)), max(a.ymax, slices.Max(l.Change))
		standIn = standIn || l.StandIn
	}
	below := "Large marks: first at the target or above."
	if o.Floor < 0 && a.ymin < o.Floor {
		a.ymin = o.Floor
		below += fmt.Sprintf(" Changes below %+.4g are cut off.", o.Floor)
	}
	if standIn {
		below += " Open marks: stand-in data (generated)."
	}
	a.xmin, a.xmax = math.Log10(a.xmin), math.Log10(a.xmax)
	spare := max(0.02*(a.xmax-a.xmin), (0.6-(a.xmax-a.xmin))/2)
	a.xmin, a.xmax = a.xmin-spare, a.xmax+spare
	spread := max(a.ymax-a.ymin, 0.1)
	a.ymax += 0.05 * spread
	if a.ymin != o.Floor || o.Floor == 0 {
		a.ymin -= 0.05 * spread
	}
	title := o.Title
	if title == "" {
		title = "Mean change of accuracy over wall time"
		if o.Steps {
			title = "Mean change of accuracy over optimization steps"
		}
	}
	const left, bottom, legendWidth = 44, 28, 200
	f := &Figure{Title: title, Width: fullWidth}
	h := newHeading(title, below, f.Width)
	f.Height = h.height() + bottom + max(270, vg.Length(13*len(lines)+48))
	f.draw = func(c draw.Canvas) {
		c = h.draw(c)
		convergenceLegend(draw.Crop(c, c.Max.X-c.Min.X-legendWidth+14, 0, 0, 0), lines, o)
		c.Max.X -= legendWidth
		over := "wall time (s, log)"
		if o.Steps {
			over = "optimization step (log)"
		}
		nameBelow(draw.Crop(c, left, 0, 0, 0), over)
		nameLeft(draw.Crop(c, 0, 0, bottom, 0), "mean change of accuracy (points)")
		a.Canvas = draw.Crop(c, left, 0, bottom, -4)
		a.convergence(lines, o)
	}
	return f, nil
}

// check refuses a line that cannot be drawn.
func (l ConvergenceLine) check() error {
	if l.Name == "" {
		return errors.New("a line without a name")
	}
	if len(l.At) == 0 || len(l.At) != len(l.Change) {
		return fmt.Errorf("%d times or steps, and %d changes", len(l.At), len(l.Change))
	}
	last := 0.0
	for i, at := range l.At {
		if !(at > last) || math.IsInf(at, 1) {
			return fmt.Errorf("%v comes after %v: want times or steps above 0 that rise", at, last)
		}
		last = at
		if !(math.Abs(l.Change[i]) <= 100) {
			return fmt.Errorf("change %v at %v: want points from -100 to 100", l.Change[i], at)
		}
	}
	return nil
}

// reach is the first index whose change is at a target or above, -1 if none is.
func (l ConvergenceLine) reach(target float64) int {
	return slices.IndexFunc(l.Change, func(c float64) bool { return c >= target })
}

// targetLine is that of the target, on the chart and in the legend.
var targetLine = draw.LineStyle{Color: black, Width: 1.2, Dashes: []vg.Length{5, 3}}

// convergence draws all but the legend.
func (a axes) convergence(lines []ConvergenceLine, o ConvergenceOptions) {
	a.lines(ticks(a.ymin, a.ymax, 8))
	a.base(closeTicks(math.Pow(10, a.xmin), math.Pow(10, a.xmax)), true)
	a.StrokeLine2(draw.LineStyle{Color: darkGrey, Width: 0.75}, a.Min.X, a.y(0), a.Max.X, a.y(0))
	a.StrokeLine2(targetLine, a.Min.X, a.y(o.Target), a.Max.X, a.y(o.Target))
	at := func(l ConvergenceLine, k int) vg.Point {
		return vg.Point{X: a.x(math.Log10(l.At[k])), Y: a.y(l.Change[k])}
	}
	for i, l := range lines {
		pts := make([]vg.Point, len(l.At))
		for k := range pts {
			pts[k] = at(l, k)
		}
		a.StrokeLines(convergenceLine(i), a.ClipLinesXY(pts)...)
	}
	for i, l := range lines {
		if end := at(l, len(l.At)-1); end.Y >= a.Min.Y {
			mark(a.Canvas, shape(i), hue(i), end, 2.4, l.StandIn)
		}
	}
	for i, l := range lines {
		if k := l.reach(o.Target); k >= 0 {
			p := at(l, k)
			a.StrokeLine2(draw.LineStyle{Color: hue(i), Width: 0.75, Dashes: []vg.Length{1.5, 2}}, p.X, p.Y, p.X, a.Min.Y)
			mark(a.Canvas, shape(i), hue(i), p, 4, l.StandIn)
		}
	}
}

func convergenceLine(i int) draw.LineStyle {
	return draw.LineStyle{Color: hue(i), Width: 1.5, Dashes: dashes(i)}
}

// convergenceLegend names the lines, and says when they are at the target.
func convergenceLegend(c draw.Canvas, lines []ConvergenceLine, o ConvergenceOptions) {
	sty := style(textSize, black)
	value := aligned(sty, text.XRight, text.YCenter)
	y := c.Max.Y - 6
	c.StrokeLine2(targetLine, c.Min.X, y, c.Min.X+22, y)
	target := fmt.Sprintf("target %+.2f", o.Target)
	if o.TargetName != "" {
		target += ", " + o.TargetName
	}
	beside(c, sty, c.Min.X+27, y, shorten(target, sty, c.Max.X-c.Min.X-27))
	y -= 16
	c.FillText(aligned(style(smallSize, darkGrey), text.XRight, text.YCenter), vg.Point{X: c.Max.X, Y: y}, "at the target after")
	for i, l := range lines {
		y -= 13
		c.StrokeLine2(convergenceLine(i), c.Min.X, y, c.Min.X+22, y)
		mark(c, shape(i), hue(i), vg.Point{X: c.Min.X + 11, Y: y}, 2.8, l.StandIn)
		when := "never"
		if k := l.reach(o.Target); k >= 0 {
			when = duration(l.At[k], o.Steps)
		}
		beside(c, value, c.Max.X, y, when)
		beside(c, sty, c.Min.X+27, y, shorten(l.Name, sty, c.Max.X-c.Min.X-33-sty.Width(when)))
	}
}

// duration writes wall seconds or steps.
func duration(v float64, steps bool) string {
	switch {
	case steps:
		return grouped(v, 0) + " steps"
	case v < 100:
		return grouped(v, 1) + " s"
	}
	return grouped(v, 0) + " s"
}
