package optimization

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"weightsep/wslib/internal/memory"
	"weightsep/wslib/internal/train"
	"weightsep/wslib/network"
	"weightsep/wslib/network/networktest"
	"weightsep/wslib/page"
	"weightsep/xla"
	"weightsep/xla/xlatest"
)

// Every training says what it would take before it begins, and makes no file.
func TestTrainingThatDoesNotFitIsRefused(t *testing.T) {
	if _, known := memory.Available(); !known {
		t.Skip("the memory is not known here")
	}
	tasks := []Task{problem(t, "a", 1, 50), problem(t, "b", 2, 50)}
	o := trains(2, 1, 1<<31-1, 1e-2)
	checkpoint := filepath.Join(t.TempDir(), "checkpoint")
	o.Checkpoint = checkpoint
	set := plan(t, members(t, tasks)).Set(true)
	_, joint := o.joint(t, context.Background(), set, tasks)
	starts := []network.Values{{Weights: networktest.Initial(t, tasks[0].Network, 7)},
		{Weights: networktest.Initial(t, tasks[1].Network, 7)}}
	_, separate := Separate(context.Background(), xlatest.Backend(t), tasks, starts,
		page.Format{Size: pageSize}, o.Recipe, o.Options, nil)
	a := turns()
	a.Batch = Each{"": 1<<31 - 1}
	_, _, alternating := a.alternating(t, context.Background(), members(t, tasks), tasks)
	for what, err := range map[string]error{"joint": joint, "separate": separate,
		"alternating": alternating} {
		if err == nil || !strings.Contains(err.Error(), "GB are available: want a smaller batch") {
			t.Errorf("%s: error %v", what, err)
		}
	}
	if _, err := os.Stat(checkpoint); err == nil {
		t.Error("a checkpoint was made")
	}
}

// x, a and b are there when b is computed; c takes the place of a.
func TestPeakByHand(t *testing.T) {
	g := NewGraph(xlatest.Backend(t), "peak")
	defer g.Finalize()
	x := Parameter(g, "x", shapes.Make(dtypes.Float32, 1000))
	a := Sqrt(x)
	b := Mul(a, a)
	Exp(b) // not used
	c := Sqrt(b)
	if got := peak([]*Node{c}); got != 3*4000 {
		t.Errorf("peak of %v bytes, want 12000", got)
	}
	if got := peak([]*Node{a, c}); got != 4*4000 {
		t.Errorf("peak of %v bytes with a as an output, want 16000", got)
	}
}

func TestTrainingThatOnlyGetsWorse(t *testing.T) {
	tasks := []Task{problem(t, "a", 1, 300)}
	set := plan(t, members(t, tasks)).Set(true)
	good, err := trains(200, 50, 30, 1e-2).joint(t, context.Background(), set, tasks)
	if err != nil || !Gained(good.History) {
		t.Fatal(err, "nothing gained from initial values")
	}
	r, err := trains(4, 2, 30, 1e-9).joint(t, context.Background(), good.Set, tasks)
	if err != nil || r.BestStep != 0 || Gained(r.History) {
		t.Errorf("steps that change nothing: %+v, %v", r, err)
	}
	wrong, data := *tasks[0].Data.Train, *tasks[0].Data
	wrong.Labels = slices.Clone(wrong.Labels)
	for k := range wrong.Labels {
		wrong.Labels[k] = (wrong.Labels[k] + 1) % 3
	}
	data.Train = &wrong
	tasks[0].Data = &data
	r, err = trains(200, 50, 30, 2e-2).joint(t, context.Background(), good.Set, tasks)
	if err == nil || !strings.Contains(err.Error(), "only got worse") ||
		!strings.Contains(err.Error(), "learning rate of 0.02 may be too large") {
		t.Errorf("%+v, error %v", r, err)
	}
}

func TestCheckGain(t *testing.T) {
	for _, c := range []struct {
		scores  []float64
		samples int
		wrong   bool
	}{
		{[]float64{0.77, 0.15}, 1000, true},
		{[]float64{0.77, 0.78, 0.15}, 1000, false}, // the best is kept
		{[]float64{0.77, 0.7}, 1000, false},
		{[]float64{0.1, 0.04}, 100, false}, // may be chance
		{[]float64{0.1, 0.04}, 10000, true},
		{[]float64{-1, -1.5}, 10, false}, // errors
		{[]float64{-1, -2.5}, 10, true},
		{[]float64{0.1}, 10, false},
		{nil, 10, false},
	} {
		var points []Point
		for _, s := range c.scores {
			points = append(points, Point{Pooled: s})
		}
		if err := checkGain(points, c.samples, Defaults()); (err != nil) != c.wrong {
			t.Errorf("%v of %d samples: %v", c.scores, c.samples, err)
		}
	}
}

// The Go backend, which stands in where there is no plugin, trains all that XLA does.
func TestGoBackendTrains(t *testing.T) {
	b, _, err := xla.Open(context.Background(), xla.Options{Name: "go"})
	if err != nil {
		t.Fatal(err)
	}
	set, tasks := keyed(t)
	for i := range tasks {
		tasks[i].Teacher.Weights = networktest.Initial(t, tasks[i].Network, 7)
	}
	o := trains(4, 2, 10, 1e-2)
	o.Precision, o.Distillation, o.Dropout, o.Mixup = page.Int2, 0.5, Each{"": 0.1}, Each{"a": 0.5, "": 0}
	r, err := Joint(context.Background(), b, set, tasks, o.as(set), o.Recipe, o.Options)
	if err != nil || len(r.History) != 3 {
		t.Errorf("%+v, %v", r, err)
	}
}

// An interruption does not wait for what cannot be interrupted.
func TestPromptly(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	wait := make(chan struct{})
	defer close(wait)
	time.AfterFunc(10*time.Millisecond, cancel)
	start := time.Now()
	_, err := train.Promptly(ctx, func() (int, error) { <-wait; return 1, nil })
	if !errors.Is(err, context.Canceled) || time.Since(start) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
	// What looks in time has its say.
	if _, err := train.Promptly(ctx, func() (int, error) { return 1, os.ErrExist }); !errors.Is(err, os.ErrExist) {
		t.Error(err)
	}
}
