package figures

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"weightsep/datasets"
)

// countsOf is one dataset's panel of [ClassCounts].
type countsOf struct {
	name, kind string
	caption    [2]string
	classes    []string
	counts     [3][]int // of each class, as in countsSplits
}

// countsSplits are the parts of a bar, from below.
var countsSplits = []struct {
	label string
	clr   color.NRGBA
}{{"training", blue}, {"validation", orange}, {"test", green}}

// ClassCounts shows how many samples each class of each dataset has: a panel a dataset,
// in it a bar a class, stacked of training, validation and test samples. Above a panel
// are the dataset's name, whether it is real or a stand-in, the sizes of its splits and
// what they are part of; below it are the names of the classes where they fit.
func ClassCounts(all []*datasets.Dataset) (*Figure, error) {
	if len(all) == 0 {
		return nil, errors.New("figures: class counts of no datasets")
	}
	var each []countsOf
	for _, d := range all {
		if d == nil {
			return nil, errors.New("figures: class counts of no dataset")
		}
		p, err := count(d)
		if err != nil {
			return nil, fmt.Errorf("figures: class counts of %s: %w", d.Name, err)
		}
		each = append(each, p)
	}
	const gap, barsHeight, legend = 16, 132, 20
	cols := min(2, len(each))
	width := (fullWidth-2*margin+gap)/vg.Length(cols) - gap
	f := &Figure{
		Title: "Number of samples of each class, in the three splits of each dataset",
		Width: fullWidth,
	}
	below := ""
	height := vg.Length(legend - gap)
	rows := slices.Collect(slices.Chunk(each, cols))
	names := make([]vg.Length, len(rows))
	for i, row := range rows {
		for _, p := range row {
			how, h := p.namesFor(width)
			names[i] = max(names[i], h)
			if how == namesNumbered {
				below = "Classes whose names do not fit are numbered from 0."
			}
		}
		height += barsHeight + names[i] + gap
	}
	h := newHeading(f.Title, below, f.Width)
	f.Height = h.height() + height
	f.draw = func(c draw.Canvas) {
		c = h.draw(c)
		countsLegend(c)
		c.Max.Y -= legend
		for i, row := range rows {
			c.Min.Y = c.Max.Y - barsHeight - names[i]
			for k, p := range row {
				at := c
				at.Min.X += vg.Length(k) * (width + gap)
				at.Max.X = at.Min.X + width
				p.draw(at, names[i])
			}
			c.Max.Y = c.Min.Y - gap
		}
	}
	return f, nil
}

// count checks a dataset and counts its classes.
func count(d *datasets.Dataset) (countsOf, error) {
	p := countsOf{name: d.Name, kind: d.Provenance.Kind, classes: slices.Clone(d.ClassNames)}
	if err := checkKind(p.kind); err != nil {
		return p, err
	}
	if d.Classes < 1 || len(d.ClassNames) != d.Classes {
		return p, fmt.Errorf("%d names of %d classes", len(d.ClassNames), d.Classes)
	}
	for i, name := range p.classes {
		p.classes[i] = strings.ReplaceAll(name, "_", " ")
	}
	var sizes [3]int
	for i, s := range []*datasets.Split{d.Train, d.Validation, d.Test} {
		if s == nil {
			return p, fmt.Errorf("no %s split", countsSplits[i].label)
		}
		sizes[i] = s.Len()
		p.counts[i] = make([]int, d.Classes)
		for _, label := range s.Labels {
			if label < 0 || int(label) >= d.Classes {
				return p, fmt.Errorf("a %s sample has label %d of %d classes", countsSplits[i].label, label, d.Classes)
			}
			p.counts[i][label]++
		}
	}
	p.caption[0] = fmt.Sprintf("%d classes; samples: %s training, %s validation, %s test", d.Classes,
		grouped(float64(sizes[0]), 0), grouped(float64(sizes[1]), 0), grouped(float64(sizes[2]), 0))
	p.caption[1] = ofHow(d, sizes[0]+sizes[1], sizes[2])
	empty := 0
	for i := range d.Classes {
		if p.total(i) == 0 {
			empty++
		}
	}
	if empty == d.Classes {
		return p, errors.New("none of the classes has a sample")
	}
	if empty > 0 {
		p.caption[0] += fmt.Sprintf("; none in %d classes", empty)
	}
	return p, nil
}

// ofHow says what a dataset of so many training and test samples is a part of, "" if it
// is the whole.
func ofHow(d *datasets.Dataset, train, test int) string {
	p := d.Provenance
	if p.Kind == datasets.Real && p.TrainOf == 0 && p.TestOf == 0 {
		return p.Source // says what the samples are of
	}
	var parts []string
	if p.TrainOf > train {
		parts = append(parts, grouped(float64(p.TrainOf), 0)+" training and validation")
	}
	if p.TestOf > test {
		parts = append(parts, grouped(float64(p.TestOf), 0)+" test")
	}
	switch {
	case parts == nil:
		return ""
	case p.Kind == datasets.Real:
		return "of the original's " + strings.Join(parts, ", ")
	}
	return "of " + strings.Join(parts, ", ") + " generated"
}

// total is how many samples of class i there are.
func (p countsOf) total(i int) int { return p.counts[0][i] + p.counts[1][i] + p.counts[2][i] }

// countsLegend says what the colours are.
func countsLegend(c draw.Canvas) {
	sty := style(textSize, black)
	x, y := c.Min.X, c.Max.Y-5
	for _, s := range countsSplits {
		fillRect(c, s.clr, x, y-5, x+14, y+5)
		beside(c, sty, x+19, y, s.label)
		x += sty.Width(s.label) + 36
	}
}

// countsAxis is the room for the labels at the left of a panel.
const countsAxis = 28

// draw draws the panel, with room for names below the bars.
func (p countsOf) draw(c draw.Canvas, names vg.Length) {
	c.Min.X += countsAxis
	right := badge(c, p.kind, c.Max.X, c.Max.Y, smallSize)
	name := aligned(bold(style(textSize+1, black)), text.XLeft, text.YTop)
	c.FillText(name, vg.Point{X: c.Min.X, Y: c.Max.Y}, shorten(p.name, name, right-c.Min.X-4))
	small := aligned(style(smallSize, black), text.XLeft, text.YTop)
	for i, s := range p.caption {
		c.FillText(small, vg.Point{X: c.Min.X, Y: c.Max.Y - 14 - vg.Length(i)*10}, shorten(s, small, c.Max.X-c.Min.X))
		small.Color = darkGrey
	}
	top := 4 // whole numbers at the ticks
	for i := range p.classes {
		top = max(top, p.total(i))
	}
	a := axes{draw.Crop(c, 0, 0, names, -40), 0, float64(len(p.classes)), 0, float64(top)}
	a.lines(ticks(0, float64(top), 4))
	gap := min(2, 0.2*(a.x(1)-a.x(0)))
	for i := range p.classes {
		sum := 0
		for k, s := range countsSplits {
			if n := p.counts[k][i]; n > 0 {
				fillRect(c, s.clr, a.x(float64(i))+gap/2, a.y(float64(sum)), a.x(float64(i+1))-gap/2, a.y(float64(sum+n)))
				sum += n
			}
		}
	}
	a.base(nil, false)
	p.labels(a)
}

// How classes are named below their bars.
const (
	namesNumbered = iota // some by their number only
	namesTurned          // upright, a line each
	namesLevel           // in up to two lines
)

// namesFor tells how the classes are named in a panel of a width, and the room for it.
func (p countsOf) namesFor(width vg.Length) (how int, height vg.Length) {
	slot := (width - countsAxis) / vg.Length(len(p.classes))
	sty := style(smallSize, black)
	how = namesLevel
	longest := vg.Length(0)
	for _, name := range p.classes {
		lines := wrap(name, sty, slot-3, 2)
		if strings.Join(lines, " ") != name {
			how = namesTurned
		}
		height = max(height, vg.Length(3+9*len(lines)))
		longest = max(longest, sty.Width(name))
	}
	switch {
	case how == namesLevel:
		return how, height
	case slot >= smallSize:
		return namesTurned, 4 + min(longest, 90)
	}
	return namesNumbered, 12
}

// labels names the classes.
func (p countsOf) labels(a axes) {
	how, height := p.namesFor(a.Max.X - a.Min.X + countsAxis)
	slot := a.x(1) - a.x(0)
	sty := aligned(style(smallSize, black), text.XCenter, text.YTop)
	switch how {
	case namesNumbered:
		var at []plot.Tick
		for _, t := range ticks(0, float64(len(p.classes)-1), 10) {
			at = append(at, plot.Tick{Value: t.Value + 0.5, Label: t.Label})
		}
		a.base(at, true)
	case namesLevel:
		for i, name := range p.classes {
			for k, l := range wrap(name, sty, slot-3, 2) {
				a.FillText(sty, vg.Point{X: a.x(float64(i) + 0.5), Y: a.Min.Y - 2 - vg.Length(9*k)}, l)
			}
		}
	case namesTurned:
		sty = aligned(style(smallSize-0.5, black), text.XRight, text.YCenter)
		sty.Rotation = math.Pi / 2
		for i, name := range p.classes {
			// As in beside, the middle of a font is beside that of its letters.
			a.FillText(sty, vg.Point{X: a.x(float64(i)+0.5) - sty.Font.Size/9, Y: a.Min.Y - 3}, shorten(name, sty, height-4))
		}
	}
}
