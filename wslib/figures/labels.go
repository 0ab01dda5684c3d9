package figures

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// label is a text to be placed beside a point.
type label struct {
	text  string
	of    vg.Point
	clear vg.Length // how far it stays from its point
	first bool      // chooses its place before others
	sty   text.Style

	placed bool
	box    vg.Rectangle
	leader []vg.Point // to its point, if it is farther away
}

// labelSides are directions to try, in eighths of half a turn: to the right, to the left,
// then turning away from both.
var labelSides = [...]float64{0, 8, 1, 15, 7, 9, 2, 14, 6, 10, 3, 13, 5, 11, 4, 12}

// placeLabels finds a place in an area for each label, near its point, where it covers
// neither a mark, nor a bar, nor another label. A line to a label that is farther away may
// cross bars and such lines, but neither marks nor labels. What finds no place stays
// unplaced. Those that are first choose first, and cover bars if they must; then those
// with the fewest places.
func placeLabels(labels []*label, area vg.Rectangle, marks, bars []vg.Rectangle) {
	marks, bars = slices.Clone(marks), slices.Clone(bars)
	places := map[*label]int{}
	for _, l := range labels {
		if !l.first {
			places[l] = l.try(area, marks, bars, func() bool { return false })
		}
	}
	order := slices.SortedStableFunc(slices.Values(labels), func(a, b *label) int { return cmp.Compare(places[a], places[b]) })
	for _, l := range order {
		l.try(area, marks, bars, func() bool { return true })
		if l.first && !l.placed {
			l.try(area, marks, nil, func() bool { return true })
		}
		if l.placed {
			marks = append(marks, grow(l.box, 1))
			bars = append(bars, dots(l.leader)...)
		}
	}
}

// try visits the free places of a label, the nearest first, until one is accepted, and
// returns how many it visited.
func (l *label) try(area vg.Rectangle, marks, bars []vg.Rectangle, accept func() bool) int {
	free := 0
	// A line cannot keep clear of marks that lie on its own.
	own := grow(vg.Rectangle{Min: l.of, Max: l.of}, 0.8*l.clear)
	others := slices.DeleteFunc(slices.Clone(marks), func(r vg.Rectangle) bool { return hits(r, []vg.Rectangle{own}) })
	half := vg.Point{X: l.sty.Width(l.text) / 2, Y: l.sty.Font.Size * 0.55}
	for ring, gap := range []vg.Length{0, 4, 10, 18, 28, 40, 54, 70, 90, 110} {
		gap += l.clear
		for _, eighth := range labelSides {
			to := polar(math.Pi/8*eighth, 1)
			middle := l.of.Add(vg.Point{X: to.X * (gap + half.X), Y: to.Y * (gap + half.Y)})
			l.box = vg.Rectangle{Min: middle.Sub(half), Max: middle.Add(half)}
			if !inside(l.box, area) || hits(l.box, marks) || hits(l.box, bars) {
				continue
			}
			l.leader = nil
			if ring > 1 {
				l.leader = l.lead()
			}
			if slices.ContainsFunc(dots(l.leader), func(r vg.Rectangle) bool { return hits(r, others) }) {
				continue
			}
			free++
			if accept() {
				l.placed = true
				return free
			}
		}
	}
	return free
}

// lead is a line from the point's mark to the nearest of the label's edge.
func (l *label) lead() []vg.Point {
	end := vg.Point{X: max(l.box.Min.X, min(l.box.Max.X, l.of.X)), Y: max(l.box.Min.Y, min(l.box.Max.Y, l.of.Y))}
	by := end.Sub(l.of)
	length := vg.Length(math.Hypot(float64(by.X), float64(by.Y)))
	return []vg.Point{l.of.Add(by.Scale(min(1, 1.2*l.clear/length))), end}
}

// dots are small squares along a line, 2 apart, not counting its end.
func dots(line []vg.Point) []vg.Rectangle {
	if line == nil {
		return nil
	}
	by := line[1].Sub(line[0])
	length := vg.Length(math.Hypot(float64(by.X), float64(by.Y)))
	var all []vg.Rectangle
	for at := vg.Length(0); at < length-1; at += 2 {
		p := line[0].Add(by.Scale(at / length))
		all = append(all, vg.Rectangle{Min: p.Sub(vg.Point{X: 0.5, Y: 0.5}), Max: p.Add(vg.Point{X: 0.5, Y: 0.5})})
	}
	return all
}

func grow(r vg.Rectangle, by vg.Length) vg.Rectangle {
	return vg.Rectangle{Min: r.Min.Sub(vg.Point{X: by, Y: by}), Max: r.Max.Add(vg.Point{X: by, Y: by})}
}

func inside(r, area vg.Rectangle) bool {
	return r.Min.X >= area.Min.X && r.Max.X <= area.Max.X && r.Min.Y >= area.Min.Y && r.Max.Y <= area.Max.Y
}

// hits tells whether a rectangle has common area with any of others.
func hits(a vg.Rectangle, others []vg.Rectangle) bool {
	return slices.ContainsFunc(others, func(b vg.Rectangle) bool {
		return a.Min.X < b.Max.X && b.Min.X < a.Max.X && a.Min.Y < b.Max.Y && b.Min.Y < a.Max.Y
	})
}

// draw writes the label, if it has a place.
func (l *label) draw(c draw.Canvas) {
	if !l.placed {
		return
	}
	fillRect(c, white, l.box.Min.X, l.box.Min.Y, l.box.Max.X, l.box.Max.Y) // no grid behind it
	if l.leader != nil {
		c.StrokeLine2(draw.LineStyle{Color: grey, Width: 0.5}, l.leader[0].X, l.leader[0].Y, l.leader[1].X, l.leader[1].Y)
	}
	beside(c, l.sty, l.box.Min.X, (l.box.Min.Y+l.box.Max.Y)/2, l.text)
}
