package figures

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"weightsep/datasets"
)

// Curve is one network's panel of [Curves].
type Curve struct {
	Name       string
	Data       string    // datasets.Real, StandIn or OwnData
	Steps      []int     // rising
	Validation []float64 // accuracy after each of the steps, 0 to 1
	Best       int       // the one of the steps whose weights were kept
}

// Curves shows the course of trainings of their own, such as the baselines': validation accuracy,
// on one axis for all, over steps, on an axis each; a panel a network. A dot marks the best step.
func Curves(title string, curves []Curve) (*Figure, error) {
	if len(curves) == 0 {
		return nil, errors.New("figures: curves of no networks")
	}
	lo := 100.0
	for _, v := range curves {
		if err := v.check(); err != nil {
			return nil, fmt.Errorf("figures: curves: %s: %w", v.Name, err)
		}
		lo = min(lo, 100*slices.Min(v.Validation))
	}
	var panels []panel
	for _, v := range curves {
		panels = append(panels, v.panel(percent(lo, 5)))
	}
	below := "The dot is the best step, whose weights were kept. Each panel has its own number of steps."
	return smalls(chart{title: title, below: below}, "training step", "validation accuracy (%)", 112,
		panels), nil
}

// percent is an axis of about n steps, from the tens below lo to 100.
func percent(lo float64, n int) axis {
	lo = 10 * math.Floor(min(9, lo/10))
	return axis{min: lo, max: 100, ticks: ticks(lo, 100, n)}
}

func (v Curve) check() error {
	if !slices.Contains(v.Steps, v.Best) {
		return fmt.Errorf("the best step %d is none of the steps", v.Best)
	}
	return cmp.Or(checkKind(v.Data), checkRising(v.Steps, len(v.Validation)),
		checkUnit("accuracy", v.Validation...))
}

func (v Curve) panel(y axis) panel {
	last := float64(max(1, v.Steps[len(v.Steps)-1]))
	labels := 4 // as many as fit
	if last >= 1000 {
		labels = 2
	}
	best, most := float64(v.Best), 100*v.Validation[slices.Index(v.Steps, v.Best)]
	clr := blue
	if v.Data == datasets.StandIn {
		clr = vermillion
	}
	return panel{
		name: v.Name, kind: v.Data, caption: fmt.Sprintf("best: %.1f %% at %s", most, grouped(best, 0)),
		plot: newPlot(axis{max: last, ticks: ticks(0, last, labels)}, y, func(c scaled) {
			var course []vg.Point
			for i, step := range v.Steps {
				course = append(course, c.at(float64(step), 100*v.Validation[i]))
			}
			kept := c.at(best, most)
			c.StrokeLine2(line(black, 0.5, 2, 2), kept.X, c.Min.Y, kept.X, kept.Y)
			c.StrokeLines(line(clr, 1.5), course)
			dot(c.Canvas, white, 3.5, kept)
			dot(c.Canvas, black, 2.5, kept)
		}),
	}
}

// History shows the course of an optimization: validation accuracy over steps, a thin line a
// network and a thick black one for the mean of all. The legend has each line's
// last value. validation holds, for each of the steps, an accuracy from 0 to 1 a network.
func History(title string, names []string, steps []int, validation [][]float64) (*Figure, error) {
	if len(names) == 0 {
		return nil, errors.New("figures: history of no networks")
	}
	if err := checkRising(steps, len(validation)); err != nil {
		return nil, fmt.Errorf("figures: history: %w", err)
	}
	lines := make([][]float64, len(names)+1) // in percent; the mean is the last
	data := [][]string{append(append([]string{"step"}, names...), "mean")}
	lo := 100.0
	for k, accuracies := range validation {
		if len(accuracies) != len(names) {
			return nil, fmt.Errorf("figures: history: step %d has %d accuracies: want %d",
				steps[k], len(accuracies), len(names))
		}
		if err := checkUnit("accuracy", accuracies...); err != nil {
			return nil, fmt.Errorf("figures: history: step %d: %w", steps[k], err)
		}
		mean := 0.0
		for i, a := range accuracies {
			lines[i] = append(lines[i], 100*a)
			mean += 100 * a / float64(len(names))
			lo = min(lo, 100*a)
		}
		lines[len(names)] = append(lines[len(names)], mean)
		values := []any{steps[k]}
		for _, l := range lines {
			values = append(values, l[k])
		}
		data = append(data, row(values...))
	}
	var styles []draw.LineStyle
	var legend []legendEntry
	for i, name := range append(slices.Clip(names), "mean") {
		styles = append(styles, line(hue(i), 1.2, dashes(i)...))
		if i == len(names) {
			styles[i] = line(black, 3)
		}
		label := fmt.Sprintf("%.1f %%  %s", lines[i][len(steps)-1], name)
		legend = append(legend, stroked(label, styles[i]))
	}
	legend = slices.Concat(legend[len(names):], legend[:len(names)]) // the mean first
	first, last := float64(steps[0]), float64(steps[len(steps)-1])
	if first == last {
		first, last = first-1, last+1
	}
	y := percent(lo, 10)
	y.name = "validation accuracy (%)"
	p := newPlot(axis{"optimization step", first, last, ticks(first, last, 8)}, y, func(c scaled) {
		for i, line := range lines {
			var pts []vg.Point
			for k, v := range line {
				pts = append(pts, c.at(float64(steps[k]), v))
			}
			c.StrokeLines(styles[i], pts)
			if len(pts) == 1 { // no line to see
				dot(c.Canvas, styles[i].Color, 1+styles[i].Width, pts[0])
			}
		}
	})
	return chart{title: title, below: "Beside each name is its last value.", height: 270,
		legend: legend, data: data, draw: p.Draw}.figure(), nil
}

// ConvergenceLine is the course of one method in [Convergence].
type ConvergenceLine struct {
	Name    string
	At      []float64 // wall seconds, above 0 and rising
	Change  []float64 // mean change of accuracy then, in points
	StandIn bool      // on stand-in data, at least in part
}

// ConvergenceOptions of [Convergence].
type ConvergenceOptions struct {
	Title  string
	Target float64 // the change to reach, in points
	Floor  float64 // below 0 and the target: the chart is cut off there; 0: it shows all
}

// Convergence shows how fast methods get to a target: the mean change of accuracy over
// wall time, on a logarithmic axis, a line a method. A dashed line is the target;
// a large mark is where a line first is at it or above, and the legend says when that is.
// A small mark is at a line's end. Marks are open where data is stand-in.
func Convergence(lines []ConvergenceLine, o ConvergenceOptions) (*Figure, error) {
	if len(lines) == 0 {
		return nil, errors.New("figures: convergence of no methods")
	}
	if err := checkPoints(o.Target, o.Floor); err != nil || o.Floor != 0 && o.Floor >= min(0, o.Target) {
		return nil, fmt.Errorf("figures: convergence: target %v, floor %v: want a floor below both, or 0",
			o.Target, o.Floor)
	}
	first, last := math.Inf(1), math.Inf(-1) // logarithms
	y := axis{name: "mean change of accuracy (points)", min: min(0, o.Target), max: max(0, o.Target)}
	standIn := false
	target := line(black, 1.2, 5, 3)
	legend := []legendEntry{stroked(fmt.Sprintf("target %+.2f; reached after", o.Target), target)}
	for i, l := range lines {
		if err := l.check(); err != nil {
			return nil, fmt.Errorf("figures: convergence: %s: %w", l.Name, err)
		}
		first, last = min(first, math.Log10(l.At[0])), max(last, math.Log10(l.At[len(l.At)-1]))
		y.min, y.max = min(y.min, slices.Min(l.Change)), max(y.max, slices.Max(l.Change))
		standIn = standIn || l.StandIn
		when := "never"
		if k := l.reach(o.Target); k >= 0 {
			when = seconds(l.At[k])
		}
		e := stroked(when+"  "+l.Name, courseLine(i))
		legend = append(legend, legendEntry{e.label, func(c draw.Canvas, at vg.Point) {
			e.swatch(c, at)
			mark(c, i, at, 2.8, l.StandIn)
		}})
	}
	below := "Large marks: first at the target or above."
	spread := max(y.max-y.min, 0.1)
	if o.Floor < 0 && y.min < o.Floor {
		y.min = o.Floor
		below += fmt.Sprintf(" Changes below %+.4g are cut off.", o.Floor)
	} else {
		y.min -= 0.05 * spread
	}
	y.max += 0.05 * min(spread, y.max-y.min+0.1)
	if standIn {
		below += " Open marks: stand-in data (generated)."
	}
	y.ticks = ticks(y.min, y.max, 8)
	p := newPlot(logAxis("wall time (s, log)", first, last, 0.02), y, func(c scaled) {
		c.StrokeLine2(line(darkGrey, 0.75), c.Min.X, c.y(0), c.Max.X, c.y(0))
		c.StrokeLine2(target, c.Min.X, c.y(o.Target), c.Max.X, c.y(o.Target))
		for i, l := range lines {
			c.course(i, l, o.Target)
		}
	})
	return chart{title: o.Title, below: below, height: 270, legend: legend,
		draw: p.Draw}.figure(), nil
}

func (l ConvergenceLine) check() error {
	if l.Name == "" {
		return errors.New("a line without a name")
	}
	if err := checkRising(l.At, len(l.Change)); err != nil {
		return err
	}
	if l.At[0] == 0 || math.IsInf(l.At[len(l.At)-1], 1) {
		return fmt.Errorf("times from %v to %v: want some above 0", l.At[0], l.At[len(l.At)-1])
	}
	return checkPoints(l.Change...)
}

// reach is the first index whose change is at a target or above, -1 if none is.
func (l ConvergenceLine) reach(target float64) int {
	return slices.IndexFunc(l.Change, func(c float64) bool { return c >= target })
}

func courseLine(i int) draw.LineStyle { return line(hue(i), 1.5, dashes(i)...) }

func (c scaled) course(i int, l ConvergenceLine, target float64) {
	var pts []vg.Point
	for k, at := range l.At {
		pts = append(pts, c.at(math.Log10(at), l.Change[k]))
	}
	c.StrokeLines(courseLine(i), c.ClipLinesXY(pts)...)
	if end := pts[len(pts)-1]; end.Y >= c.Min.Y {
		mark(c.Canvas, i, end, 2.4, l.StandIn)
	}
	if k := l.reach(target); k >= 0 {
		c.StrokeLine2(line(hue(i), 0.75, 1.5, 2), pts[k].X, pts[k].Y, pts[k].X, c.Min.Y)
		mark(c.Canvas, i, pts[k], 4, l.StandIn)
	}
}

func seconds(v float64) string { return short(v, 100) + " s" }

// checkRising refuses steps or times that are not of the values, or do not rise from 0 on.
func checkRising[T int | float64](at []T, values int) error {
	if len(at) == 0 || len(at) != values {
		return fmt.Errorf("%d steps or times for %d values", len(at), values)
	}
	for i, v := range at {
		if !(v >= 0) || i > 0 && !(v > at[i-1]) {
			return fmt.Errorf("%v at place %d: want steps or times from 0 on that rise", v, i)
		}
	}
	return nil
}

func checkUnit(what string, values ...float64) error { return checkRange(what, 0, 1, values) }

// checkPoints refuses what is no change of accuracy, in points.
func checkPoints(values ...float64) error { return checkRange("change in points", -100, 100, values) }

func checkRange[T float32 | float64](what string, lo, hi T, values []T) error {
	for _, v := range values {
		if !(v >= lo && v <= hi) {
			return fmt.Errorf("%s %v: want %v to %v", what, v, lo, hi)
		}
	}
	return nil
}
