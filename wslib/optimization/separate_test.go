package optimization

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"weightsep/datasets"
	"weightsep/wslib/network"
	"weightsep/wslib/network/networktest"
	"weightsep/wslib/page"
	"weightsep/xla/xlatest"
)

// apart are two tasks and weights to start from.
func apart(t *testing.T) (tasks []Task, starts []network.Values) {
	t.Helper()
	tasks = []Task{problem(t, "a", 1, 200), problem(t, "b", 2, 150)}
	for _, task := range tasks {
		starts = append(starts, network.Values{Weights: networktest.Initial(t, task.Network, 7)})
	}
	return tasks, starts
}

func (o training) separate(t *testing.T, ctx context.Context, tasks []Task, starts []network.Values,
	progress func(string, Progress)) ([]Trained, error) {
	o.Size = pageSize
	return Separate(ctx, xlatest.Backend(t), tasks, starts, o.Format, o.Recipe, o.Options, progress)
}

// In float32 separate training is plain Adam, whose state is worked out by hand, and stores
// 83 weights of 4 bytes, without the padding of the last page.
func TestSeparateIsPlainAdam(t *testing.T) {
	tasks, starts := apart(t)
	const steps = 9 // too few for a rise of the learning rate
	o := trains(steps, steps, 20, 1e-2)
	o.Seed = 7
	told := map[string]int{}
	got, err := o.separate(t, context.Background(), tasks, starts,
		func(name string, p Progress) { told[name] = max(told[name], p.Step) })
	if err != nil {
		t.Fatal(err)
	}
	if len(told) != 2 || told["a"] != steps || told["b"] != steps {
		t.Errorf("last steps told: %v, want %d of a and of b", told, steps)
	}
	for i, task := range tasks {
		r, want := got[i], plainAdam(t, task, starts[i].Weights, steps, 20, 7, 1e-2)
		if r.BestStep != steps || r.Bytes != 83*4 {
			t.Errorf("%s: best step %d, %d bytes, want step %d and 332 bytes", task.Network.Name, r.BestStep,
				r.Bytes, steps)
		}
		same(t, task.Network.Name, r.Weights, want, 1e-5)
		if v, want := r.History[1].Validation[0], accuracy(t, task, want); v != want {
			t.Errorf("%s: accuracy %v, want %v", task.Network.Name, v, want)
		}
	}
}

// Quantized weights are code values times a scale that its format has; 83 of 2 bits take 21 bytes,
// the scales of 6 pages one each. Networks learn, and the accuracy told is that of the weights.
func TestSeparateQuantized(t *testing.T) {
	tasks, starts := apart(t)
	o := trains(200, 50, 20, 1e-2)
	o.Precision, o.ScaleFormat, o.RoundBy = page.Int2, page.ScaleLog8, 0.5
	got, err := o.separate(t, context.Background(), tasks, starts, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range got {
		name, best := tasks[i].Network.Name, 0.0
		for _, p := range r.History {
			if p.Step == r.BestStep {
				best = p.Validation[0]
			}
		}
		if v := accuracy(t, tasks[i], r.Weights); v != best || v < 0.85 {
			t.Errorf("%s: the weights have accuracy %v, %v was told, want 0.85", name, v, best)
		}
		if r.Bytes != 21+6 {
			t.Errorf("%s: %d bytes, want 27", name, r.Bytes)
		}
		for from := 0; from < len(r.Weights); from += pageSize {
			one, least := r.Weights[from:min(from+pageSize, len(r.Weights))], math.Inf(1)
			for _, w := range one {
				least = min(least, math.Abs(float64(w)))
			}
			// The least magnitude is 0.5 or, where no weight has that, 1.5 times the scale.
			if s := float32(2 * least); page.ScaleLog8.Round(s) != s {
				least /= 3
			}
			scale := page.ScaleLog8.Round(float32(2 * least))
			for k, w := range one {
				if page.Int2.Round(w/scale)*scale != w {
					t.Fatalf("%s: weight %d is %v, the scale of its page %v", name, from+k, w, scale)
				}
			}
		}
	}
}

// A training that is interrupted ends in the result of an undisturbed one; a second call with the
// same checkpoints trains nothing, one with other options is refused.
func TestSeparateGoesOnFromCheckpoints(t *testing.T) {
	xlatest.Long(t)
	tasks, starts := apart(t)
	o := trains(24, 6, 10, 2e-3)
	o.Precision, o.Dropout = page.Int4, Each{"": 0.1}
	want, err := o.separate(t, context.Background(), tasks, starts, nil)
	if err != nil {
		t.Fatal(err)
	}
	o.Checkpoint = filepath.Join(t.TempDir(), "separate")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if _, err := o.separate(t, ctx, tasks, starts, func(name string, p Progress) {
		if name == "b" && p.Step == 13 {
			cancel()
		}
	}); !errors.Is(err, context.Canceled) {
		t.Fatalf("not interrupted: %v", err)
	}
	o.Workers = 1
	steps := 0
	for range 2 {
		steps = 0
		got, err := o.separate(t, context.Background(), tasks, starts, func(string, Progress) { steps++ })
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Error("the result differs from that of an undisturbed run")
		}
	}
	if steps != 0 {
		t.Errorf("%d steps of networks that were finished", steps)
	}
	if _, err := os.Stat(filepath.Join(o.Checkpoint, "b.npz")); err != nil {
		t.Error(err)
	}
	o.Seed++
	if _, err := o.separate(t, context.Background(), tasks, starts, nil); err == nil ||
		!strings.Contains(err.Error(), "a.npz") {
		t.Errorf("another seed on old checkpoints: %v", err)
	}
}

// Labels are all wrong, the teacher is right: a network that follows the teacher alone is right.
func TestSeparateFollowsTheTeacher(t *testing.T) {
	xlatest.Long(t)
	tasks, starts := apart(t)
	o := trains(120, 120, 20, 2e-2)
	taught, err := o.separate(t, context.Background(), tasks, starts, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range tasks {
		wrong, data := *tasks[i].Data.Train, *tasks[i].Data
		wrong.Labels = append([]int32(nil), wrong.Labels...)
		for k := range wrong.Labels {
			wrong.Labels[k] = (wrong.Labels[k] + 1) % 3
		}
		data.Train = &wrong
		tasks[i].Data, tasks[i].Teacher = &data, taught[i].Values
	}
	o.Precision = page.Int4
	for _, c := range []struct{ share, mixup float64 }{{0, 0}, {1, 0}, {1, 0.5}} {
		o.Distillation, o.Mixup = c.share, Each{"": c.mixup}
		pupils, err := o.separate(t, context.Background(), tasks, starts, nil)
		if c.share == 0 && err != nil && strings.Contains(err.Error(), "training only got worse") {
			continue // than even random weights are
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range pupils {
			last := p.History[1].Validation[0]
			if c.share == 0 && last > 0.3 || c.share == 1 && last < 0.8-0.2*c.mixup {
				t.Errorf("%s: accuracy %.3f with %+v", tasks[i].Network.Name, last, c)
			}
		}
	}
}

func TestSeparateNamesTheFault(t *testing.T) {
	for want, change := range map[string]func(tasks []Task, starts []network.Values) []network.Values{
		"1 starting points for 2": func(_ []Task, s []network.Values) []network.Values { return s[:1] },
		"network b: 82 weights": func(_ []Task, s []network.Values) []network.Values {
			s[1].Weights = s[1].Weights[1:]
			return s
		},
		"network b expects data of shape": func(tasks []Task, s []network.Values) []network.Values {
			tasks[1].Data.Classes = 4
			return s
		},
		"network b diverged": func(tasks []Task, s []network.Values) []network.Values {
			values := make([]float32, 36*50)
			values[36*49] = float32(math.NaN())
			tasks[1].Data.Train, _ = datasets.NewSplit(36, values, make([]int32, 50))
			return s
		},
	} {
		tasks, starts := apart(t)
		starts = change(tasks, starts)
		if _, err := trains(12, 12, 5, 1e-2).separate(t, context.Background(), tasks, starts,
			nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
