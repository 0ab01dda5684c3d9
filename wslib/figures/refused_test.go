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
		"no datasets":          func() (*Figure, error) { return ClassCounts(nil) },
		"nil dataset":          func() (*Figure, error) { return ClassCounts([]*datasets.Dataset{nil}) },
		"no validation split":  of(func(d *datasets.Dataset) { d.Validation = nil }),
		"class without name":   of(func(d *datasets.Dataset) { d.ClassNames = d.ClassNames[1:] }),
		"no classes":           of(func(d *datasets.Dataset) { d.Classes, d.ClassNames = 0, nil }),
		"label of no class":    of(func(d *datasets.Dataset) { d.Classes, d.ClassNames = 2, d.ClassNames[:2] }),
		"data of unknown kind": of(func(d *datasets.Dataset) { d.Provenance.Kind = "" }),
		"no samples": of(func(d *datasets.Dataset) {
			none := d.Train.Slice(0)
			d.Train, d.Validation, d.Test = none, none, none
		}),
		"samples of no samples": func() (*Figure, error) {
			d := testWords(t)
			d.Train, d.Test = d.Train.Slice(0), d.Test.Slice(0)
			return Samples(d, 1, 3)
		},
	})
}

func TestBadRecordings(t *testing.T) {
	names := []string{"sit", "walk"}
	of := func(all []datasets.Recording, change func(*datasets.Recording)) func() (*Figure, error) {
		return func() (*Figure, error) {
			change(&all[1])
			return Recordings("a", datasets.Real, names, all)
		}
	}
	trace := func(change func(*datasets.Trace)) func() (*Figure, error) {
		return of(testMovements(), func(r *datasets.Recording) { change(&r.Traces[4]) })
	}
	refused(t, map[string]func() (*Figure, error){
		"no recordings":        func() (*Figure, error) { return Recordings("a", datasets.Real, names, nil) },
		"data of unknown kind": func() (*Figure, error) { return Recordings("a", "fake", names, testSounds()) },
		"class without name":   func() (*Figure, error) { return Recordings("a", datasets.Real, names[:1], testSounds()) },
		"negative label":       of(testSounds(), func(r *datasets.Recording) { r.Label = -1 }),
		"no traces":            of(testSounds(), func(r *datasets.Recording) { r.Traces = nil }),
		"two traces":           of(testMovements(), func(r *datasets.Recording) { r.Traces = r.Traces[:2] }),
		"sound and movement":   of(testSounds(), func(r *datasets.Recording) { r.Traces = testMovements()[0].Traces }),
		"other unit":           trace(func(t *datasets.Trace) { t.Unit = "g" }),
		"no values":            trace(func(t *datasets.Trace) { t.Times, t.Values = nil, nil }),
		"time without value":   trace(func(t *datasets.Trace) { t.Times = append(t.Times, 9) }),
		"time that falls":      trace(func(t *datasets.Trace) { t.Times[1], t.Times[2] = t.Times[2], t.Times[1] }),
		"time before 0":        trace(func(t *datasets.Trace) { t.Times[0] = -1 }),
		"time no number":       trace(func(t *datasets.Trace) { t.Times[7] = math.NaN() }),
		"time without end":     trace(func(t *datasets.Trace) { t.Times[len(t.Times)-1] = math.Inf(1) }),
		"value no number":      trace(func(t *datasets.Trace) { t.Values[7] = math.NaN() }),
		"value without end":    trace(func(t *datasets.Trace) { t.Values[7] = math.Inf(-1) }),
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
		"best step not the best": of(func(c *Curve) { c.Best = 150 }),
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

	names := []string{"sit", "walk"}
	sounds, movements := testSounds(), testMovements()
	for i := range 6 {
		m := &movements[0].Traces[i]
		m.Times, m.Values = m.Times[:1], m.Values[:1]
	}
	s := &sounds[0].Traces[0]
	s.Times, s.Values = s.Times[:1], s.Values[:1]
	check(Recordings("a", datasets.Real, names, sounds))
	check(Recordings("a", datasets.Real, names, sounds[:1]))
	check(Recordings("a", datasets.Real, names, movements))
	check(Recordings("a", datasets.Real, names, movements[:1]))

	check(Curves("none learns", []Curve{{"a", datasets.Real, []int{0}, []float64{0}, 0}}))
	check(Curves("all know", []Curve{{"a", datasets.Real, []int{0, 1}, []float64{1, 1}, 1}}))
}
