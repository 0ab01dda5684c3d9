package figures

import (
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"weightsep/datasets"
)

// traceColumn is a pixel of a notebook: no more is drawn of a trace than its extremes
// in each.
const traceColumn = 0.75 * vg.Length(1)

// moment is a value of a trace.
type moment struct{ at, v float64 }

// extremes are the least and the greatest value of a part of a trace.
type extremes struct{ lo, hi moment }

// envelope divides the time from 0 to end into n parts, and returns what a trace has in
// each of those that it has values in.
func envelope(t datasets.Trace, end float64, n int) []extremes {
	var all []extremes
	last := -1
	for i, at := range t.Times {
		m := moment{at, t.Values[i]}
		if k := min(n-1, int(at/end*float64(n))); k != last {
			all = append(all, extremes{m, m})
			last = k
			continue
		}
		e := &all[len(all)-1]
		if m.v < e.lo.v {
			e.lo = m
		}
		if m.v > e.hi.v {
			e.hi = m
		}
	}
	return all
}

// extremes are those of a trace in the columns of the axes.
func (a axes) extremes(t datasets.Trace) []extremes {
	return envelope(t, a.xmax, max(1, int((a.Max.X-a.Min.X)/traceColumn)))
}

func (a axes) point(m moment) vg.Point { return vg.Point{X: a.x(m.at), Y: a.y(m.v)} }

// wave fills what a trace goes through; lines side by side would let light through.
func (a axes) wave(t datasets.Trace, clr color.Color) {
	const thin = 0.35 // half of the thickness of silence
	all := a.extremes(t)
	area := make([]vg.Point, 2*len(all))
	for i, e := range all {
		area[i] = a.point(e.hi).Add(vg.Point{Y: thin})
		area[len(area)-1-i] = a.point(e.lo).Sub(vg.Point{Y: thin})
	}
	if len(all) == 1 {
		a.dot(clr, area[0])
		return
	}
	a.FillPolygon(clr, area)
}

// line draws a trace through its extremes.
func (a axes) line(t datasets.Trace, clr color.Color) {
	var line []vg.Point
	for _, e := range a.extremes(t) {
		from, to := e.lo, e.hi
		if from.at > to.at {
			from, to = to, from
		}
		line = append(line, a.point(from))
		if to != from {
			line = append(line, a.point(to))
		}
	}
	if len(line) == 1 {
		a.dot(clr, line[0])
		return
	}
	a.StrokeLines(draw.LineStyle{Color: clr, Width: 0.75}, line)
}

// dot is all there is to see of a single value.
func (a axes) dot(clr color.Color, at vg.Point) {
	a.DrawGlyph(draw.GlyphStyle{Color: clr, Radius: 1.5, Shape: draw.CircleGlyph{}}, at)
}
