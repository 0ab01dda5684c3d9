package figures

import (
	"errors"
	"fmt"
	"math"

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
	StandIn   bool    // on stand-in data, at least in part
}

// ParetoOptions of [Pareto].
type ParetoOptions struct {
	Title    string  // "" says what the axes are
	Worst    bool    // changes are those of the worst network instead of the mean of all
	Floor    float64 // below 0: lower changes stand at the lower edge, with their value; 0: none
	Interval string  // what the intervals are; "" = "interval"
}

// What the paper states: 5.9x, counted in weights, and -0.22 points on average. The worst
// network in its table is cifar10, 71.05 % before and 69.90 % after.
const (
	paperRatio       = 5.9
	paperChange      = -0.22
	paperWorstChange = 69.90 - 71.05
)

// Pareto shows what packing costs: the change of test accuracy of each point over its
// packing ratio, on a logarithmic axis. A method has a colour and a mark of its own,
// open where data is stand-in; vertical bars are intervals. A line is at no change, a
// star at what the paper states. Labels are placed where they cover no point; where there
// is no such place they are left out, and the text above says how many.
func Pareto(points []ParetoPoint, o ParetoOptions) (*Figure, error) {
	if len(points) == 0 {
		return nil, errors.New("figures: Pareto chart of no points")
	}
	if !(o.Floor <= 0) || math.IsInf(o.Floor, 0) || o.Floor < 0 && o.Floor >= paperWorstChange {
		return nil, fmt.Errorf("figures: Pareto chart: floor %v: want 0 for none, or below %.2f", o.Floor, paperWorstChange)
	}
	for _, p := range points {
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("figures: Pareto chart: %s %s: %w", p.Series, p.Label, err)
		}
	}
	const left, bottom, height, top = 44, 28, 310, 8
	f := &Figure{Title: o.title(), Width: fullWidth}
	l := newParetoLayout(points, o, vg.Rectangle{
		Min: vg.Point{X: margin + left, Y: margin + bottom},
		Max: vg.Point{X: f.Width - margin - 4, Y: margin + bottom + height},
	})
	h := newHeading(f.Title, l.explanation(), f.Width)
	rows := legendRows(l.legend(), f.Width-2*margin)
	f.Height = h.height() + bottom + height + top + vg.Length(len(rows)*legendRow)
	f.draw = func(c draw.Canvas) {
		c = h.draw(c)
		drawLegend(c, rows)
		l.draw(c)
	}
	return f, nil
}

func (o ParetoOptions) title() string {
	switch {
	case o.Title != "":
		return o.Title
	case o.Worst:
		return "Change of the worst network's test accuracy against packing ratio"
	}
	return "Mean change of test accuracy against packing ratio"
}

// check refuses a point that cannot be drawn.
func (p ParetoPoint) check() error {
	if p.Series == "" {
		return errors.New("a point of no series")
	}
	if !(p.Ratio > 0) || math.IsInf(p.Ratio, 1) {
		return fmt.Errorf("packing ratio %v: want a number above 0", p.Ratio)
	}
	for _, v := range []float64{p.Change, p.Low, p.High} {
		if !(math.Abs(v) <= 100) {
			return fmt.Errorf("change %v, interval from %v to %v: want points from -100 to 100", p.Change, p.Low, p.High)
		}
	}
	if p.Low > p.High {
		return fmt.Errorf("interval from %v to %v", p.Low, p.High)
	}
	return nil
}

// explanation is the text below the title.
func (l *paretoLayout) explanation() string {
	s := "Higher and farther right is better."
	if l.options.Worst {
		s += " The paper's point is its ratio in weights, and cifar10 in its table."
	} else {
		s += " The paper's point is its ratio in weights and its mean, as it states them."
	}
	low, lost := 0, 0
	for _, p := range l.points {
		if p.Change < l.ymin {
			low++
		}
	}
	for _, label := range l.labels {
		if !label.placed {
			lost++
		}
	}
	if low > 0 {
		s += fmt.Sprintf(" With an arrow: changes below %+.4g, written in brackets.", l.options.Floor)
	}
	if lost > 0 {
		s += fmt.Sprintf(" %d of %d labels have no room.", lost, len(l.labels))
	}
	return s
}

// legend has the series, and what marks mean.
func (l *paretoLayout) legend() []legendEntry {
	var all []legendEntry
	real, standIn, bars := false, false, false
	for i, name := range l.series {
		filled := false
		for _, p := range l.points {
			if p.Series == name && !p.StandIn {
				filled = true
			}
		}
		all = append(all, legendEntry{name, func(c draw.Canvas, at vg.Point) {
			mark(c, shape(i), hue(i), at, paretoRadius, !filled)
		}})
	}
	for _, p := range l.points {
		real, standIn = real || !p.StandIn, standIn || p.StandIn
		_, _, bar := l.bar(p)
		bars = bars || bar
	}
	all = append(all, legendEntry{"stated by the paper", func(c draw.Canvas, at vg.Point) {
		mark(c, referenceShape, black, at, paretoRadius, false)
	}})
	if bars {
		name := l.options.Interval
		if name == "" {
			name = "interval"
		}
		all = append(all, legendEntry{name, func(c draw.Canvas, at vg.Point) {
			intervalBar(c, draw.LineStyle{Color: darkGrey, Width: 1}, at.X, at.Y-5, at.Y+5, true, true)
		}})
	}
	if standIn && real {
		all = append(all, legendEntry{"real data", func(c draw.Canvas, at vg.Point) {
			mark(c, shape(0), grey, at, paretoRadius, false)
		}})
	}
	if standIn {
		all = append(all, legendEntry{"stand-in data (generated)", func(c draw.Canvas, at vg.Point) {
			mark(c, shape(0), grey, at, paretoRadius, true)
		}})
	}
	return all
}
