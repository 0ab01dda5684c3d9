package figures

import (
	"errors"
	"fmt"
	"image"
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

// ClassCounts shows how many samples each class of each dataset has: a panel a dataset, in it a
// bar a class, stacked of training, validation and test samples. Above a panel are the dataset's
// name and kind, the sizes of its splits and what they are part of; below it are the names of the
// classes where they fit. Stand-ins, whose classes are as many as wanted, take a line each.
func ClassCounts(all []*datasets.Dataset) (*Figure, error) {
	if len(all) == 0 {
		return nil, errors.New("figures: class counts of no datasets")
	}
	var panels []panel
	var standIns []string
	data := [][]string{row("dataset", "data", "class", "training", "validation", "test")}
	for _, d := range all {
		counts, err := countClasses(d)
		if err != nil {
			return nil, fmt.Errorf("figures: class counts: %w", err)
		}
		for i, n := range counts {
			data = append(data, row(d.Name, d.Provenance.Kind, d.ClassNames[i], n[0], n[1], n[2]))
		}
		if d.Provenance.Kind == datasets.StandIn {
			standIns = append(standIns, fmt.Sprintf("%s: %s", d.Name, sizes(d)))
		} else {
			panels = append(panels, countsPanel(d, counts, (fullWidth-2*margin)/2-50))
		}
	}
	ch := chart{
		title: "Number of samples of each class, in the three splits of each dataset", data: data,
		height: vg.Length(190*((len(panels)+1)/2) + standInLine*len(standIns)),
		draw: func(c draw.Canvas) {
			sty := style(smallSize, black)
			for i, s := range standIns {
				y := c.Min.Y + vg.Length(standInLine*(len(standIns)-1-i)) + standInLine/2
				badge(c, datasets.StandIn, c.Min.X+standInBadge-6, y+smallSize*3/4, smallSize-1)
				beside(c, sty, c.Min.X+standInBadge, y, shorten(s, sty, c.Max.X-c.Min.X-standInBadge))
			}
			c.Min.Y += vg.Length(standInLine * len(standIns))
			if len(panels) > 0 {
				drawPanels(c, "", "", 2, min(4, 2*len(panels)), panels)
			}
		},
	}
	if len(panels) > 0 {
		ch.below = "Classes whose names do not fit are numbered from 0."
		ch.legend = []legendEntry{filled("training", blue), filled("validation", orange),
			filled("test", green)}
	}
	return ch.figure(), nil
}

// The height of a stand-in among class counts, and where its text begins.
const standInLine, standInBadge = 15, 48

// checkData refuses a dataset of unknown kind, or without splits or names of its classes.
func checkData(d *datasets.Dataset) error {
	if d == nil || d.Train == nil || d.Validation == nil || d.Test == nil {
		return errors.New("no dataset, or one without a split")
	}
	if d.Classes < 1 || len(d.ClassNames) != d.Classes {
		return fmt.Errorf("%s: %d names of %d classes", d.Name, len(d.ClassNames), d.Classes)
	}
	return checkKind(d.Provenance.Kind)
}

// countClasses counts the samples of each class in the three splits of a dataset.
func countClasses(d *datasets.Dataset) ([][3]int, error) {
	if err := checkData(d); err != nil {
		return nil, err
	}
	counts := make([][3]int, d.Classes)
	for i, s := range []*datasets.Split{d.Train, d.Validation, d.Test} {
		for _, label := range s.Labels {
			if label < 0 || int(label) >= d.Classes {
				return nil, fmt.Errorf("%s: a sample has label %d of %d classes", d.Name, label, d.Classes)
			}
			counts[label][i]++
		}
	}
	return counts, nil
}

// sizes says how many classes and samples a dataset has, and of how many those are.
func sizes(d *datasets.Dataset) string {
	number := func(n int) string { return grouped(float64(n), 0) }
	train, validation, test := d.Train.Len(), d.Validation.Len(), d.Test.Len()
	classes := fmt.Sprintf("%d classes", d.Classes)
	if d.Provenance.Kind == datasets.StandIn {
		classes = fmt.Sprintf("%s to %s", d.ClassNames[0], d.ClassNames[d.Classes-1])
	}
	s := fmt.Sprintf("%s; samples: %s training, %s validation, %s test",
		classes, number(train), number(validation), number(test))
	p := d.Provenance
	if p.TrainOf <= train+validation && p.TestOf <= test {
		return s
	}
	all := fmt.Sprintf("%s training and validation, %s test", number(p.TrainOf), number(p.TestOf))
	if p.Kind == datasets.Real {
		return s + "; of the original's " + all
	}
	return s + "; of " + all + ", generated"
}

func countsPanel(d *datasets.Dataset, counts [][3]int, width vg.Length) panel {
	top, empty := 4, 0 // whole numbers at the ticks
	for _, n := range counts {
		top = max(top, n[0]+n[1]+n[2])
		if n == [3]int{} {
			empty++
		}
	}
	caption := sizes(d)
	if empty > 0 {
		caption += fmt.Sprintf("; no samples in %d classes", empty)
	}
	end := float64(len(counts))
	p := newPlot(axis{max: end}, axis{max: float64(top), ticks: ticks(0, float64(top), 4)}, func(c scaled) {
		gap := min(2, 0.2*(c.x(1)-c.x(0)))
		for i, n := range counts {
			sum := 0
			for k, clr := range []color.Color{blue, orange, green} {
				c.bar(clr, float64(i), float64(i+1), float64(sum), float64(sum+n[k]), gap)
				sum += n[k]
			}
		}
	})
	nameClasses(&p.X, d.ClassNames, width/vg.Length(len(counts)))
	return panel{name: d.Name, kind: d.Provenance.Kind, caption: caption, plot: p}
}

// nameClasses labels an axis with names of classes at a distance: level, upright, or as numbers.
func nameClasses(x *plot.Axis, names []string, slot vg.Length) {
	sty := style(smallSize-0.5, black)
	var at []plot.Tick
	level := true
	for i, name := range names {
		name = strings.ReplaceAll(name, "_", " ")
		level = level && sty.Width(name) < slot-2
		at = append(at, plot.Tick{Value: float64(i) + 0.5, Label: shorten(name, sty, 60)})
	}
	switch {
	case slot < smallSize:
		at = middleTicks(len(names), 10)
	case !level:
		turn(x)
		for i := range at {
			at[i].Label += " " // off the axis
		}
	}
	x.Tick.Label.Font = sty.Font
	x.Tick.Marker = plot.ConstantTicks(at)
}

// turn makes an axis' labels upright.
func turn(x *plot.Axis) {
	x.Tick.Label.Rotation = math.Pi / 2
	x.Tick.Label.XAlign, x.Tick.Label.YAlign = text.XRight, text.YCenter
}

type samplesOfClass struct {
	name   string
	values [][]float32 // height, width, channels
}

// Samples shows what a dataset looks like: a column for each of the first maxClasses classes,
// with perClass of its samples, a pixel a value, rows and columns as the network sees them. Three
// channels are shown in colour, of others the first in grey. Values beyond 0 to 1, as features
// have, are scaled from black to white, with a hundredth of all cut off at either end, and the
// line under the title says so. The title says "real" or "stand-in".
//
// The samples are the first of each class in the test data; where those are too few, the first
// of the training data follow. Of a stand-in, whose pictures show nothing, there is one sample a class
// and one row of them.
func Samples(d *datasets.Dataset, perClass, maxClasses int) (*Figure, error) {
	if err := checkData(d); err != nil {
		return nil, fmt.Errorf("figures: samples: %w", err)
	}
	const gap, names, maxHeight, perRow = 4, 24, 44, 5
	if d.Provenance.Kind == datasets.StandIn {
		perClass, maxClasses = min(perClass, 1), min(maxClasses, perRow)
	}
	columns, err := samplesOf(d, perClass, min(maxClasses, d.Classes))
	if err != nil {
		return nil, fmt.Errorf("figures: samples of %s: %w", d.Name, err)
	}
	lo, hi, cut, err := valueRange(columns)
	if err != nil {
		return nil, fmt.Errorf("figures: samples of %s: %w", d.Name, err)
	}
	height, width, channels := d.Shape[0], d.Shape[1], d.Shape[2]
	below := fmt.Sprintf("%d x %d x %d, %s.", height, width, channels, sizes(d))
	if cut {
		below += fmt.Sprintf(" Values from %.3g (black) to %.3g (white), a hundredth beyond each.", lo, hi)
	}
	if channels != 3 && channels > 1 {
		below += fmt.Sprintf(" Channel 0 of %d.", channels)
	}
	if len(columns) < d.Classes {
		below += fmt.Sprintf(" The first %d classes.", len(columns))
	}
	bands := (len(columns) + perRow - 1) / perRow
	column := (fullWidth - 2*margin) / vg.Length(perRow)
	aspect := min(2.5, max(0.4, float64(height)/float64(width))) // very long ones are drawn thicker
	w := min(column-gap, maxHeight/vg.Length(aspect))
	h := w * vg.Length(aspect)
	band := names + vg.Length(perClass)*(h+gap)
	return chart{
		title: fmt.Sprintf("%s: %s data", d.Name, d.Provenance.Kind), below: below, kind: d.Provenance.Kind,
		height: vg.Length(bands) * band,
		draw: func(c draw.Canvas) {
			sty := aligned(style(smallSize, black), text.XCenter, text.YBottom)
			for i, s := range columns {
				mid := c.Min.X + (vg.Length(i%perRow)+0.5)*column
				y := c.Max.Y - vg.Length(i/perRow)*band - names
				lines := wrap(s.name, sty, column-gap, 2)
				for k, l := range lines {
					c.FillText(sty, pt(mid, y+4+vg.Length(len(lines)-1-k)*(smallSize+1)), l)
				}
				if len(s.values) == 0 {
					c.FillText(sty, pt(mid, y-h/2), "(none)")
				}
				for k, v := range s.values {
					top := y - vg.Length(k)*(h+gap)
					at := vg.Rectangle{Min: pt(mid-w/2, top-h), Max: pt(mid+w/2, top)}
					c.DrawImage(at, picture(v, height, width, lo, hi))
				}
			}
		},
	}.figure(), nil
}

// samplesOf takes perClass samples of each of the first classes.
func samplesOf(d *datasets.Dataset, perClass, classes int) ([]samplesOfClass, error) {
	if perClass < 1 || classes < 1 || len(d.Shape) != 3 || slices.Min(d.Shape) < 1 {
		return nil, fmt.Errorf("%d samples of %d classes, of shape %v: want at least 1 of each",
			perClass, classes, d.Shape)
	}
	columns := make([]samplesOfClass, classes)
	for i := range columns {
		columns[i].name = strings.ReplaceAll(d.ClassNames[i], "_", " ")
	}
	if d.Test.Len()+d.Train.Len() == 0 {
		return nil, errors.New("there are none")
	}
	for _, s := range []*datasets.Split{d.Test, d.Train} {
		if s.Size() != d.Shape[0]*d.Shape[1]*d.Shape[2] {
			return nil, fmt.Errorf("a sample has %d values: want %v", s.Size(), d.Shape)
		}
		for i, label := range s.Labels {
			if label >= 0 && int(label) < classes && len(columns[label].values) < perClass {
				columns[label].values = append(columns[label].values, s.Sample(i))
			}
		}
	}
	return columns, nil
}

// valueRange returns the values that are drawn black and white: 0 and 1 if none is beyond them,
// else, cut, those that leave out a hundredth of all at either end.
func valueRange(columns []samplesOfClass) (lo, hi float64, cut bool, err error) {
	var all []float32
	for _, c := range columns {
		all = append(all, slices.Concat(c.values...)...)
	}
	if err := checkRange("value", -math.MaxFloat32, math.MaxFloat32, all); err != nil {
		return 0, 0, false, err
	}
	slices.Sort(all)
	if n := len(all); n > 0 && (all[0] < 0 || all[n-1] > 1) {
		return float64(all[n/100]), float64(all[n-1-n/100]), true, nil
	}
	return 0, 1, false, nil
}

// picture makes an image of a sample, a pixel a value: in colour if it has three channels,
// else of the first.
func picture(v []float32, height, width int, lo, hi float64) image.Image {
	channels := len(v) / (height * width)
	if hi <= lo {
		hi = lo + 1
	}
	level := func(x float32) uint8 {
		return uint8(math.Round(255 * min(1, max(0, (float64(x)-lo)/(hi-lo)))))
	}
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for i := range height * width {
		at := i * channels
		c := color.NRGBA{level(v[at]), level(v[at]), level(v[at]), 0xFF}
		if channels == 3 {
			c.G, c.B = level(v[at+1]), level(v[at+2])
		}
		m.SetNRGBA(i%width, i/width, c)
	}
	return m
}
