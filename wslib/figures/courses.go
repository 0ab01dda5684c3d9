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
