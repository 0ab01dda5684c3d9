package pipeline

import (
	"context"
	"errors"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weightsep/datasets"
	"weightsep/wslib/budget"
	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
	"weightsep/wslib/rundir"
	"weightsep/xla/xlatest"
)

// Cross-entropies and squares, worked out by hand.
func TestLosses(t *testing.T) {
	p, q := 1/(1+math.Exp(-2)), 1/(1+math.Exp(-1)) // of the right class
	samples, err := datasets.NewSplit(2, []float32{0, 2, 2, 0}, []int32{0, 1})
	if err != nil {
		t.Fatal(err)
	}
	outputs := [][]float32{{2, 0, 0, 2}, {1, 0, 0, 1}, means([]float32{3, 0, 1, 2}, 2)}
	for _, c := range []struct {
		objective network.Objective
		want      [3]float64
	}{
		{network.Classification{}, [3]float64{-math.Log(p), -math.Log(q), -math.Log(q*(1-q)) / 2}},
		{network.Reconstruction{}, [3]float64{4, 2.5, 1.5}}, // of 0, 2 and 2, 0; the means are 2, 1
	} {
		n := network.Describe("two", network.Described{Shape: [3]int{1, 1, 2}, Dense: []int{2, 2}})
		n.Objective = c.objective
		got, err := losses(xlatest.Backend(t), n, samples, outputs...)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range c.want {
			if math.Abs(got[i]-want) > 1e-5 {
				t.Errorf("%s: outputs %v lose %v, want %v", c.objective.Name(), outputs[i], got[i], want)
			}
		}
	}
}

// Worked out by hand: logits are inputs times a factor, 1 of the teacher. Who is surer than the teacher loses
// less on samples that are told right and more on others: no lag, but a gap.
func TestGapAndLag(t *testing.T) {
	split := func(labels ...int32) *datasets.Split {
		s, err := datasets.NewSplit(2, []float32{2, 0, 0, 2}, labels)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	n := network.Describe("two", network.Described{Shape: [3]int{1, 1, 2}, Dense: []int{2, 2}})
	times := func(f float32) network.Values {
		w := make([]float32, n.Weights())
		for _, l := range n.Layers() {
			if len(l.Shape) == 2 {
				w[l.Offset], w[l.Offset+3] = f, f
			}
		}
		return network.Values{Weights: w}
	}
	loss := func(d float64) float64 { return math.Log(1 + math.Exp(-d)) } // of logits d apart
	right, wrong := split(0, 1), split(1, 0)
	for _, c := range []struct {
		validation *datasets.Split
		factor     float64
		gap, lag   float64 // the mean of outputs, 1 and 1, loses log 2
	}{
		{right, 0.5, 0, loss(1) - loss(2)},
		{wrong, 3, loss(-6) - loss(6), loss(6) - loss(2)},
		{wrong, 0.5, loss(-1) - loss(1), loss(-1) - loss(-2)},
	} {
		task := optimization.Task{Network: n, Teacher: times(1),
			Data: &datasets.Dataset{Train: right, Validation: c.validation}}
		gap, lag, err := gapAndLag(t.Context(), xlatest.Backend(t), task, times(float32(c.factor)))
		if err != nil {
			t.Fatal(err)
		}
		wantGap, wantLag := shareOf(c.gap, math.Ln2), shareOf(c.lag, math.Ln2)
		if math.Abs(gap-wantGap) > 1e-5 || math.Abs(lag-wantLag) > 1e-5 {
			t.Errorf("factor %v: gap %v and lag %v, want %v and %v", c.factor, gap, lag, wantGap, wantLag)
		}
	}
}

// A network that diverged in its pilot counts as one that has learnt nothing.
func TestShareOf(t *testing.T) {
	for _, c := range [][3]float64{{1, 4, 0.25}, {-9, 4, -1}, {1e9, 4, 1}, {math.Inf(1), 4, 1},
		{math.NaN(), 4, 1}, {0, 0, 0}} {
		if got := shareOf(c[0], c[1]); got != c[2] {
			t.Errorf("%v of %v: %v, want %v", c[0], c[1], got, c[2])
		}
	}
}

// A pilot gives more room to what lags more, and leaves alone what has a value of its own.
// Interrupted it goes on to the same; when it is done, nothing is trained again, nor in the run that follows.
func TestAllot(t *testing.T) {
	backend := xlatest.Backend(t)
	own, c := tinyOwn(t, backend)
	c.Baseline.Steps, c.Optimization.Steps, c.Optimization.ValidateEvery, c.Pilot = 100, 100, 25, 0.5
	total, err := c.Budget(own, 6)
	if err != nil {
		t.Fatal(err)
	}
	allot := func(ctx context.Context, dir string, c Config, tell func(stage string)) (Config, error) {
		o := Options{Own: own, Opened: &Opened{Backend: backend}}
		o.Progress = func(stage string, done, of int, note string) { tell(stage) }
		_, err := Allot(ctx, dir, &c, budget.Budget{Total: total}, o)
		return c, err
	}
	dir := filepath.Join(t.TempDir(), "run")
	first, err := allot(t.Context(), dir, c, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Reopen(filepath.Join(dir, rundir.PilotDir), "", Options{Own: own})
	if err != nil {
		t.Fatal(err)
	}
	seen, err := r.shown(t.Context())
	r.Close()
	if err != nil {
		t.Fatal(err)
	}
	lags := seen.Lags
	behind, before := "rows", "columns"
	if lags[behind] < lags[before] {
		behind, before = before, behind
	}
	load := first.Pages.Load
	if !(load[behind] > 1 && load[before] < 1 && math.Abs(load[behind]*load[before]-1) < 0.05) {
		t.Errorf("lags %v, room %v: want more for what lags more", lags, load)
	}

	again, err := allot(t.Context(), dir, c, func(stage string) {
		if stage == "pilot optimize" || strings.Contains(stage, "training") {
			t.Errorf("%s again", stage)
		}
	})
	if err != nil || again.Changes(first) != nil {
		t.Errorf("another answer the second time: %v, %v", again.Changes(first), err)
	}

	named := c
	named.Pages.Load = optimization.Each{"": 1, behind: 3}
	if _, err = allot(t.Context(), dir, named, func(string) {}); err == nil {
		t.Error("a pilot of another configuration was taken for this one's")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	disturbed := filepath.Join(t.TempDir(), "disturbed")
	_, err = allot(ctx, disturbed, c, func(stage string) {
		if stage == "pilot optimize" {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	if got, err := allot(t.Context(), disturbed, c, func(string) {}); err != nil || got.Changes(first) != nil {
		t.Errorf("after an interruption: %v, %v", got.Changes(first), err)
	}

	r, err = Open(dir, first, Options{Own: own, Backend: "none"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Overlap(t.Context()); err != nil { // needs no backend
		t.Errorf("the run after its pilot: %v", err)
	}
}

// No pilot is trained in a directory that cannot become a run, nor where a link leads.
func TestAllotLooksFirst(t *testing.T) {
	backend := xlatest.Backend(t)
	own, c := tinyOwn(t, backend)
	c.Baseline.Steps, c.Optimization.Steps, c.Pilot = 100, 100, 0.5
	foreign, linked, outside := t.TempDir(), t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "thesis.tex"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(linked, rundir.PilotDir)); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{foreign: "thesis.tex", linked: rundir.PilotDir} {
		_, err := Allot(t.Context(), dir, &c, budget.Budget{},
			Options{Own: own, Opened: &Opened{Backend: backend}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
			t.Errorf("%s: left %v, %v", want, entries, err)
		}
	}
	if entries, err := os.ReadDir(outside); err != nil || len(entries) != 0 {
		t.Errorf("where the link leads: %v, %v", entries, err)
	}
}

// Worked out by hand: the geometric mean of the lags is 0.04. What has a value of its own keeps it.
func TestGiven(t *testing.T) {
	c := Config{Networks: []string{"far", "between", "near"}}
	c.Pages.Load = optimization.Each{"": 1, "between": 3}
	c.Optimization.Dropout = optimization.Each{"": 0, "near": 0.2}
	c.regularize(map[string]float64{"far": 0.2, "between": 0.06, "near": -0.1})
	c.follow(map[string]float64{"far": 0.16, "between": 0.04, "near": 0.01})
	for name, want := range map[string][3]float64{
		"far": {2.83, 0.5, 0.1}, "between": {3, 0.3, 0.06}, "near": {0.35, 0, 0.2},
	} {
		if got := [3]float64{c.Pages.Load.Of(name), c.Optimization.Mixup.Of(name),
			c.Optimization.Dropout.Of(name)}; got != want {
			t.Errorf("%s: room, mixup and dropout %v, want %v", name, got, want)
		}
	}
}

// Without a pilot nothing is given.
func TestAllotWithoutPilot(t *testing.T) {
	c := tiny(t)
	c.Optimization.Method, c.Pilot = optimization.JointMethod, 0
	want := maps.Clone(c.Pages.Load)
	if _, err := Allot(t.Context(), t.TempDir(), &c, budget.Budget{Total: 100e3}, Options{}); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(c.Pages.Load, want) {
		t.Errorf("room %v, want %v", c.Pages.Load, want)
	}
}
