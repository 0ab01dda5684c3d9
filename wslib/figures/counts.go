package figures

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"weightsep/datasets"
)

// ClassCounts shows how many samples each class of each dataset has: a panel a dataset,
// in it a bar a class, stacked of training, validation and test samples. Above a panel
// are the dataset's name, whether it is real or a stand-in, the sizes of its splits and
// what they are part of; below it are the names of the classes where they fit.
func ClassCounts(all []*datasets.Dataset) (*Figure, error) {
	if len(all) == 0 {
		return nil, errors.New("figures: class counts of no datasets")
	}
	var panels []panel
	cols := min(2, len(all))
	for _, d := range all {
		counts, err := countClasses(d)
		if err != nil {
			return nil, fmt.Errorf("figures: class counts: %w", err)
		}
		panels = append(panels, countsPanel(d, counts, (fullWidth-2*margin)/vg.Length(cols)-50))
	}
	return chart{
		title:  "Number of samples of each class, in the three splits of each dataset",
		below:  "Classes whose names do not fit are numbered from 0.",
		height: 190 * vg.Length((len(all)+cols-1)/cols),
		legend: []legendEntry{filled("training", blue), filled("validation", orange), filled("test", green)},
		draw:   func(c draw.Canvas) { drawPanels(c, "", "", cols, 2, panels) },
	}.figure(), nil
}

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
	s := fmt.Sprintf("%d classes; samples: %s training, %s validation, %s test",
		d.Classes, number(train), number(validation), number(test))
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
		x.Tick.Label.Rotation = math.Pi / 2
		x.Tick.Label.XAlign, x.Tick.Label.YAlign = text.XRight, text.YCenter
		for i := range at {
			at[i].Label += " " // off the axis
		}
	}
	x.Tick.Label.Font = sty.Font
	x.Tick.Marker = plot.ConstantTicks(at)
}
