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

type samplesOfClass struct {
	name   string
	values [][]float32 // height, width, channels
}

// Samples shows what a dataset looks like: a column a class, under the class's
// name, with perClass of its samples, a pixel a value, rows and columns as the network
// sees them. Three channels are shown in colour, of others the first in grey. Values beyond
// 0 to 1, as features have, are scaled from black to white, with a hundredth
// of all cut off at either end, and the line under the title says so. The title says
// "real" or "stand-in".
//
// The samples are the first of each class in the test data; where those are too few,
// the first of the training data follow. A class without samples has none. The
// first maxClasses classes are shown.
func Samples(d *datasets.Dataset, perClass, maxClasses int) (*Figure, error) {
	if err := checkData(d); err != nil {
		return nil, fmt.Errorf("figures: samples: %w", err)
	}
	f, err := samples(d, perClass, maxClasses)
	if err != nil {
		return nil, fmt.Errorf("figures: samples of %s: %w", d.Name, err)
	}
	return f, nil
}

func samples(d *datasets.Dataset, perClass, maxClasses int) (*Figure, error) {
	height, width, channels := d.Shape[0], d.Shape[1], d.Shape[2]
	if perClass < 1 || maxClasses < 1 || height < 1 || width < 1 || channels < 1 {
		return nil, fmt.Errorf("%d samples of %d classes, of shape %v: want at least 1 of each",
			perClass, maxClasses, d.Shape)
	}
	columns, err := samplesOf(d, perClass, min(maxClasses, d.Classes))
	if err != nil {
		return nil, err
	}
	lo, hi, cut, err := valueRange(columns)
	if err != nil {
		return nil, err
	}
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
	const gap, names, maxHeight = 4, 24, 90
	perRow := min(10, len(columns))
	bands := (len(columns) + perRow - 1) / perRow
	column := min((fullWidth-2*margin)/vg.Length(perRow), 140)
	aspect := min(2.5, max(0.4, float64(height)/float64(width))) // very long ones are drawn thicker
	w := min(column-gap, maxHeight/vg.Length(aspect))
	h := w * vg.Length(aspect)
	column = min(column, max(w+gap, 60))
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

// valueRange returns the values that are drawn black and white: 0 and 1 if none is beyond
// them, else the range that leaves out a hundredth of all at either end, which is cut.
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
