package figures

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"weightsep/datasets"
)

// samplesOfClass is a column of [Samples].
type samplesOfClass struct {
	name   string
	values [][]float32 // height, width, shown channels
}

// Samples shows what a dataset looks like: a column a class, under the class's
// name, with perClass of its samples as pictures. A dataset of one channel is grey,
// of three in colour; of two, channel 0 is shown. Values beyond 0 to 1, as features
// have, are scaled so that the figure's least value is black and its greatest white,
// and the line under the title says so. The title says "real" or "stand-in".
//
// Features of gsc, esc10, us8k and hhar are turned so that time goes to the right and
// pitch, or what else there is at a time, upward. As they have a few extreme values, a
// hundredth of all is cut off at either end of the scale.
//
// The samples are the first of each class in the test data; where those are too few,
// the first of the training data follow. A class without samples has an empty cell. At
// most maxClasses classes are shown, the first ones that have samples.
func Samples(d *datasets.Dataset, perClass, maxClasses int) (*Figure, error) {
	if d == nil || d.Train == nil || d.Test == nil {
		return nil, errors.New("figures: samples of no dataset")
	}
	f, err := samples(d, perClass, maxClasses)
	if err != nil {
		return nil, fmt.Errorf("figures: samples of %s: %w", d.Name, err)
	}
	return f, nil
}

func samples(d *datasets.Dataset, perClass, maxClasses int) (*Figure, error) {
	if perClass < 1 || maxClasses < 1 {
		return nil, fmt.Errorf("%d samples of each of %d classes: want at least 1", perClass, maxClasses)
	}
	height, width, channels := d.Shape[0], d.Shape[1], d.Shape[2]
	if height < 1 || width < 1 || channels < 1 || channels > 3 {
		return nil, fmt.Errorf("shape %v is no picture", d.Shape)
	}
	if d.Classes < 1 || len(d.ClassNames) != d.Classes {
		return nil, fmt.Errorf("%d names of %d classes", len(d.ClassNames), d.Classes)
	}
	classes := shownClasses(d, maxClasses)
	columns := make([]samplesOfClass, len(classes))
	for i, c := range classes {
		columns[i].name = strings.ReplaceAll(d.ClassNames[c], "_", " ")
	}
	if d.Test.Len()+d.Train.Len() == 0 {
		return nil, errors.New("there are none")
	}
	for _, s := range []*datasets.Split{d.Test, d.Train} {
		if s.Size() != height*width*channels {
			return nil, fmt.Errorf("a sample has %d values: want %v", s.Size(), d.Shape)
		}
		for i, label := range s.Labels {
			c := slices.Index(classes, label)
			if c >= 0 && len(columns[c].values) < perClass {
				columns[c].values = append(columns[c].values, shown(s.Sample(i), channels))
			}
		}
	}
	lo, hi, err := valueRange(columns)
	if err != nil {
		return nil, err
	}
	features, turned := orientations[d.Name]
	if turned {
		lo, hi = contrast(columns)
		for _, c := range columns {
			for k, v := range c.values {
				c.values[k] = features.upright(v, height, width)
			}
		}
		if features.byTime {
			height, width = width, height
		}
	}

	perRow := min(10, len(columns))
	bands := (len(columns) + perRow - 1) / perRow
	perRow = (len(columns) + bands - 1) / bands
	const gap, nameHeight, bandGap, maxHeight, maxWidth = 4, 24, 8, 90, 140
	column := (fullWidth - 2*margin) / vg.Length(perRow)
	w := min(column-gap, maxWidth)
	aspect := min(2.5, max(0.4, float64(height)/float64(width))) // very long features are drawn thicker
	if turned {
		aspect = 0.75 // features have no proportions of their own
	}
	h := w * vg.Length(aspect)
	if h > maxHeight {
		w, h = w*maxHeight/h, maxHeight
	}
	column = min(column, max(w+gap, 60))
	band := nameHeight + vg.Length(perClass)*(h+gap) + bandGap

	f := &Figure{
		Title: fmt.Sprintf("%s: %s data", d.Name, d.Provenance.Kind),
		Width: fullWidth,
	}
	if err := checkKind(d.Provenance.Kind); err != nil {
		return nil, err
	}
	below := samplesSizes(d)
	switch {
	case turned:
		below += fmt.Sprintf(" %s Values from %.3g (black) to %.3g (white), a hundredth beyond each.", features.says, lo, hi)
	case lo < 0 || hi > 1:
		below += fmt.Sprintf(" Values from %.3g (black) to %.3g (white).", lo, hi)
	default:
		lo, hi = 0, 1
	}
	if channels == 2 {
		below += " Channel 0 of 2."
	}
	if len(columns) < d.Classes {
		below += fmt.Sprintf(" The first %d classes", len(columns))
		if int(classes[len(classes)-1]) >= len(classes) {
			below += " with samples"
		}
		below += "."
	}
	head := newHeading(f.Title, below, f.Width)
	f.Height = head.height() + vg.Length(bands)*band - bandGap
	f.draw = func(c draw.Canvas) {
		kindBadge(c, d.Provenance.Kind)
		c = head.draw(c)
		sty := aligned(style(smallSize, black), text.XCenter, text.YBottom)
		for i, s := range columns {
			mid := c.Min.X + (vg.Length(i%perRow)+0.5)*column
			y := c.Max.Y - vg.Length(i/perRow)*band - nameHeight
			lines := wrap(s.name, sty, column-gap, 2)
			for k, l := range lines {
				c.FillText(sty, vg.Point{X: mid, Y: y + 4 + vg.Length(len(lines)-1-k)*(smallSize+1)}, l)
			}
			if len(s.values) == 0 {
				emptyCell(c, mid-w/2, y-h, mid+w/2, y)
			}
			for k, v := range s.values {
				top := y - vg.Length(k)*(h+gap)
				c.DrawImage(vg.Rectangle{
					Min: vg.Point{X: mid - w/2, Y: top - h}, Max: vg.Point{X: mid + w/2, Y: top},
				}, picture(v, height, width, lo, hi))
			}
		}
	}
	return f, nil
}

// shownClasses returns the classes to show: all, or if those are too many the first ones
// that have samples.
func shownClasses(d *datasets.Dataset, most int) []int32 {
	has := make([]bool, d.Classes)
	for _, s := range []*datasets.Split{d.Test, d.Train} {
		for _, label := range s.Labels {
			if label >= 0 && int(label) < d.Classes {
				has[label] = true
			}
		}
	}
	var first, rest []int32
	for c := range int32(d.Classes) {
		if has[c] || d.Classes <= most {
			first = append(first, c)
		} else {
			rest = append(rest, c)
		}
	}
	first = append(first, rest...)[:min(most, d.Classes)]
	slices.Sort(first)
	return first
}

// samplesSizes says how large the dataset is, and how much of the whole is there.
func samplesSizes(d *datasets.Dataset) string {
	of := func(n, all int) string {
		if all > n {
			return grouped(float64(n), 0) + " of " + grouped(float64(all), 0)
		}
		return grouped(float64(n), 0)
	}
	p := d.Provenance
	what := "generated in place of the original"
	if p.Kind == datasets.Real {
		what = "of the original"
	}
	return fmt.Sprintf("%d x %d x %d, %d classes; %s training samples (validation included) and %s test samples, %s.",
		d.Shape[0], d.Shape[1], d.Shape[2], d.Classes, of(p.Train, p.TrainOf), of(p.Test, p.TestOf), what)
}

// emptyCell is drawn in place of a class's pictures where there are none.
func emptyCell(c draw.Canvas, x0, y0, x1, y1 vg.Length) {
	c.StrokeLines(draw.LineStyle{Color: grey, Width: 0.5, Dashes: []vg.Length{2, 2}},
		[]vg.Point{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}, {X: x0, Y: y0}})
	sty := aligned(style(smallSize, darkGrey), text.XCenter, text.YCenter)
	c.FillText(sty, vg.Point{X: (x0 + x1) / 2, Y: (y0 + y1) / 2}, shorten("none", sty, x1-x0))
}

// shown takes the channels that are shown: all, or of two the first.
func shown(v []float32, channels int) []float32 {
	if channels != 2 {
		return v
	}
	first := make([]float32, len(v)/2)
	for i := range first {
		first[i] = v[2*i]
	}
	return first
}

// valueRange is the least and the greatest value of all samples, 0 and 1 of none.
func valueRange(columns []samplesOfClass) (lo, hi float64, err error) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, c := range columns {
		for _, s := range c.values {
			for _, x := range s {
				v := float64(x)
				if math.IsNaN(v) || math.IsInf(v, 0) {
					return 0, 0, fmt.Errorf("a value is %v", v)
				}
				lo, hi = min(lo, v), max(hi, v)
			}
		}
	}
	if lo > hi {
		return 0, 1, nil
	}
	return lo, hi, nil
}

// contrast is the range of values that leaves out a hundredth at either end.
func contrast(columns []samplesOfClass) (lo, hi float64) {
	var all []float32
	for _, c := range columns {
		for _, s := range c.values {
			all = append(all, s...)
		}
	}
	if len(all) == 0 {
		return 0, 1
	}
	slices.Sort(all)
	return float64(all[len(all)/100]), float64(all[len(all)-1-len(all)/100])
}

// picture makes an image of a sample of one or three channels, a pixel a value.
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
