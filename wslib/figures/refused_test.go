package figures

import (
	"math"
	"strings"
	"testing"

	"weightsep/datasets"
)

func TestBadCounts(t *testing.T) {
	of := func(change func(*datasets.Dataset)) func() (*Figure, error) {
		return func() (*Figure, error) {
			all := testCounts(t)
			change(all[1])
			return ClassCounts(all)
		}
	}
	refused(t, map[string]func() (*Figure, error){
		"no datasets":         func() (*Figure, error) { return ClassCounts(nil) },
		"nil dataset":         func() (*Figure, error) { return ClassCounts([]*datasets.Dataset{nil}) },
		"no validation split": of(func(d *datasets.Dataset) { d.Validation = nil }),
		"class without name":  of(func(d *datasets.Dataset) { d.ClassNames = d.ClassNames[1:] }),
		"no classes":          of(func(d *datasets.Dataset) { d.Classes, d.ClassNames = 0, nil }),
		"label of no class": of(func(d *datasets.Dataset) {
			d.Classes, d.ClassNames = 2,
				d.ClassNames[:2]
		}),
		"data of unknown kind": of(func(d *datasets.Dataset) { d.Provenance.Kind = "" }),
		"samples of no samples": func() (*Figure, error) {
			d := testWords(t)
			d.Train, d.Test = d.Train.Slice(0), d.Test.Slice(0)
			return Samples(d, 1, 3)
		},
	})
}

func TestBadCurves(t *testing.T) {
	of := func(change func(*Curve)) func() (*Figure, error) {
		return func() (*Figure, error) {
			all := testCurves()
			change(&all[1])
			return Curves("training", all)
		}
	}
	refused(t, map[string]func() (*Figure, error){
		"no curves":              func() (*Figure, error) { return Curves("training", nil) },
		"data of unknown kind":   of(func(c *Curve) { c.Data = "" }),
		"no steps":               of(func(c *Curve) { c.Steps, c.Validation = nil, nil }),
		"step without accuracy":  of(func(c *Curve) { c.Validation = c.Validation[:2] }),
		"steps that do not rise": of(func(c *Curve) { c.Steps[1] = c.Steps[0] }),
		"step before 0":          of(func(c *Curve) { c.Steps[0] = -1 }),
		"accuracy in percent":    of(func(c *Curve) { c.Validation[1] = 75 }),
		"accuracy no number":     of(func(c *Curve) { c.Validation[0] = math.NaN() }),
		"best step not there":    of(func(c *Curve) { c.Best = 99 }),
	})
}

// What is unusual, but can be drawn: all of one value, one value, and ten of the largest.
func TestDataExtremes(t *testing.T) {
	check := func(f *Figure, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		s, err := f.SVG()
		if err != nil || strings.Contains(s, "NaN") || strings.Contains(s, "Inf") {
			t.Errorf("%q: error %v, or a coordinate that is no number", f.Title, err)
		}
	}
	words := testWords(t)
	words.ClassNames[1], words.ClassNames[0] = words.ClassNames[0], words.ClassNames[1]
	words.Train, words.Test = words.Train.Slice(0), testSplit(t, 8, make([]float32, 8), 1)
	check(Samples(words, 1, 1)) // the only class that is shown has none
	check(Samples(words, 1, 3)) // all of one value

	var many []*datasets.Dataset
	for range 5 {
		many = append(many, testCounts(t)...)
	}
	check(ClassCounts(many))
	check(ClassCounts(many[:1]))

	check(Curves("none learns", []Curve{{"a", datasets.Real, []int{0}, []float64{0}, 0}}))
	check(Curves("all know", []Curve{{"a", datasets.Real, []int{0, 1}, []float64{1, 1}, 1}}))
}
