package comparison

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"weightsep/datasets"
	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
	"weightsep/xla/xlatest"
)

// Every method learns the problem or, where it has few values to learn with, makes
// good what it costs trained networks; none falls below its starting point; the
// accuracy that is reported is that of the weights.
func TestLearns(t *testing.T) {
	tasks, weights := two(t)
	o := Options{Schedule: Schedule{Steps: 200, Batch: 20, LearningRate: 1e-2, ValidateEvery: 50, Seed: 1}}
	for _, m := range []Method{Further{}, Quantized{Bits: 1, Page: 64}, Pruned{Keep: 0.3}} {
		r := trained(t, m, tasks, weights, o)
		if r.Method != m.Name() || len(r.Networks) != len(tasks) {
			t.Fatalf("%s: result of %s, %d networks", m.Name(), r.Method, len(r.Networks))
		}
		var networks []*network.Network
		for i, n := range r.Networks {
			networks = append(networks, tasks[i].Network)
			t.Logf("%s: %s: validation accuracy from %.3f to %.3f", m.Name(), n.Network.Name, n.History[0].Validation, n.Validation)
			if n.Validation < 0.85 || n.Validation < n.History[0].Validation {
				t.Errorf("%s: validation accuracy from %.3f to %.3f, want 0.85 and no fall", m.Name(), n.History[0].Validation, n.Validation)
			}
			classifier, err := network.NewClassifier(xlatest.Backend(t), n.Network, 50)
			if err != nil {
				t.Fatal(err)
			}
			got, err := classifier.Accuracy(context.Background(), vector(n.Weights), tasks[i].Data.Validation)
			classifier.Close()
			if err != nil || got != n.Validation {
				t.Errorf("%s: the weights have accuracy %v (%v), %v was reported", m.Name(), got, err, n.Validation)
			}
			if k := len(n.History); k != 5 || n.History[k-1].Step != 200 {
				t.Errorf("%s: history %v", m.Name(), n.History)
			}
		}
		if most := bytesAtMost(m, networks); r.Bytes > most || r.Bytes == 0 {
			t.Errorf("%s: %d bytes stored, announced were %d", m.Name(), r.Bytes, most)
		}
		tasks, weights = tasks[:1], weights[:1] // of the other methods one network is enough
	}
}

// What is interrupted anywhere, with any number of workers, ends in the result of an
// undisturbed run with one.
func TestResumes(t *testing.T) {
	b := xlatest.Backend(t)
	tasks := []optimization.Task{problem(t, flat("a"), 1), problem(t, flat("b"), 2)}
	weights := [][]float32{tasks[0].Network.Initial(1), tasks[1].Network.Initial(2)}
	tasks[1].Batch = 15
	for _, m := range []Method{Quantized{Bits: 4, Page: 64}, Pruned{Keep: 0.5}} {
		o := Options{Schedule: Schedule{Steps: 24, Batch: 10, Dropout: 0.1, ValidateEvery: 6, Seed: 3}, Workers: 1}
		want := trained(t, m, tasks, weights, o)
		o.Dir = filepath.Join(t.TempDir(), "runs")
		o.Workers = 2
		stops := []int{13}
		runs := 0
		var got *Result
		for got == nil {
			runs++
			ctx, cancel := context.WithCancel(context.Background())
			o.Progress = func(p Progress) {
				if len(stops) > 0 && p.Step == stops[0] {
					stops = stops[1:]
					cancel()
				}
			}
			r, err := Run(ctx, b, m, tasks, weights, o)
			cancel()
			if err == nil {
				got = r
			} else if !errors.Is(err, context.Canceled) {
				t.Fatalf("%s: %v", m.Name(), err)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the result differs from that of an undisturbed run with one worker", m.Name())
		}
		if runs < 2 {
			t.Errorf("%s: %d runs, it was not interrupted", m.Name(), runs)
		}
		steps := 0
		o.Progress = func(Progress) { steps++ }
		if again := trained(t, m, tasks, weights, o); !reflect.DeepEqual(again, want) || steps > 0 {
			t.Errorf("%s: finished networks were trained again (%d steps) or changed", m.Name(), steps)
		}
	}
}

func TestFilesOfSomethingElseAreRefused(t *testing.T) {
	tasks, weights := two(t)
	o := Options{Schedule: Schedule{Steps: 2, Batch: 5, Seed: 3}, Dir: t.TempDir()}
	tasks[0].Network, weights[0] = flat("a"), flat("a").Initial(1)
	m := Quantized{Bits: 8}
	trained(t, m, tasks, weights, o)
	refused := func(what, want string) {
		t.Helper()
		if _, err := Run(context.Background(), xlatest.Backend(t), m, tasks, weights, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", what, err, want)
		}
	}
	o.Seed++
	refused("another seed", ".json is of another comparison")
	o.Seed--
	old := weights[0][3]
	weights[0][3]++
	refused("other weights", "quantized-8-a.json is of another comparison")
	weights[0][3] = old
	file := filepath.Join(o.Dir, "quantized-8-b.npy")
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(file, raw[:len(raw)-4], 0o644)
	refused("truncated weights", "quantized-8-b.npy")
}

func TestDivergenceNamesTheNetwork(t *testing.T) {
	tasks, weights := two(t)
	values := make([]float32, 36*50)
	values[36*49] = float32(math.NaN())
	s, err := datasets.NewSplit(36, values, make([]int32, 50))
	if err != nil {
		t.Fatal(err)
	}
	tasks[1].Data.Train = s
	o := Options{Schedule: Schedule{Steps: 30, Batch: 5, Seed: 1}}
	_, err = Run(context.Background(), xlatest.Backend(t), Quantized{Bits: 4}, tasks, weights, o)
	var diverged *optimization.DivergedError
	if !errors.As(err, &diverged) || diverged.Network != "b" {
		t.Errorf("error %v, want a divergence of b", err)
	}
}

func TestRefusesMismatches(t *testing.T) {
	for want, m := range map[string]Method{
		"values of 3 bits": Quantized{Bits: 3}, "share of weights kept is 0": Pruned{},
	} {
		tasks, weights := two(t)
		if _, err := Run(context.Background(), nil, m, tasks, weights, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	for want, change := range map[string]func(tasks []optimization.Task, weights [][]float32) ([]optimization.Task, [][]float32){
		"1 weight vectors for 2": func(t []optimization.Task, w [][]float32) ([]optimization.Task, [][]float32) { return t, w[:1] },
		"network a: 202 weights": func(t []optimization.Task, w [][]float32) ([]optimization.Task, [][]float32) {
			return t, [][]float32{w[0][1:], w[1]}
		},
		"network a is there twice": func(t []optimization.Task, w [][]float32) ([]optimization.Task, [][]float32) {
			return []optimization.Task{t[0], t[0]}, w
		},
		"network b: batch -1": func(t []optimization.Task, w [][]float32) ([]optimization.Task, [][]float32) {
			t[1].Batch = -1
			return t, w
		},
		"expects data of shape": func(t []optimization.Task, w [][]float32) ([]optimization.Task, [][]float32) {
			t[1].Data.Classes = 4
			return t, w
		},
	} {
		tasks, weights := change(two(t))
		if _, err := Run(context.Background(), nil, Further{}, tasks, weights, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// The executed weights are of the kind that was counted: few levels, exact numbers of
// weights kept.
func TestExecutedWeightsFitWhatIsStored(t *testing.T) {
	tasks, weights := two(t)
	o := Options{Schedule: Schedule{Steps: 60, Batch: 20, LearningRate: 1e-2, ValidateEvery: 30, Seed: 1}}
	for bits, levels := range map[int]int{1: 2, 4: 15} {
		w := trained(t, Quantized{Bits: bits, Page: 64}, tasks[:1], weights[:1], o).Networks[0].Weights
		for p := 0; p < len(w); p += 64 {
			values := slices.Clone(w[p:min(p+64, len(w))])
			slices.Sort(values)
			if got := len(slices.Compact(values)); got > levels || got < levels/2 {
				t.Errorf("%d bits: %d levels on page %d, want at most %d", bits, got, p/64, levels)
			}
		}
	}
	r := trained(t, Pruned{Bits: 4, Keep: 0.2}, tasks[:1], weights[:1], o)
	for _, n := range r.Networks {
		kept := 0
		for _, v := range n.Weights {
			if v != 0 {
				kept++
			}
		}
		if kept != 41 { // 0.2 * 203 = 40.6
			t.Errorf("%d weights are not 0, want 41", kept)
		}
		mask := make([]bool, len(n.Weights))
		for i, v := range n.Weights {
			mask[i] = v != 0
		}
		if where := min(indexBytes(mask), 26); n.Bytes != 21+12+where {
			t.Errorf("stored %d bytes, want 21 of values, 12 of scales, %d of places", n.Bytes, where)
		}
	}
}
