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
	o := Options{Recipe: trains(200, 50, 20, 1e-2), Seed: 1}
	further := trained(t, Further{}, tasks, weights, o)
	for _, m := range []Method{Further{}, Quantized{Bits: 1, Page: 64}, Pruned{Keep: 0.3},
		WidthScaled{Factor: 0.5, Page: 64, Scratch: trains(20, 200, 20, 1e-2)}, ProductQuantized{Codewords: 16, Length: 4, Page: 64}} {
		switch m.(type) {
		case Quantized, Pruned, WidthScaled: // one network is enough
			tasks, weights = tasks[:1], weights[:1]
		case ProductQuantized:
			tasks, _ = two(t)
			weights = [][]float32{further.Networks[0].Weights, further.Networks[1].Weights}
		}
		r := further
		if m != (Method)(Further{}) {
			r = trained(t, m, tasks, weights, o)
		}
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
		if most := m.Stored(networks); r.Stored.Total > most.Total || r.Stored.Total == 0 {
			t.Errorf("%s: %d bytes stored, announced were %d", m.Name(), r.Stored.Total, most.Total)
		}
	}
}

// What is interrupted anywhere, with any number of workers, ends in the result of an
// undisturbed run with one.
func TestResumes(t *testing.T) {
	b := xlatest.Backend(t)
	tasks := []optimization.Task{problem(t, flat("a"), 1), problem(t, flat("b"), 2)}
	weights := [][]float32{tasks[0].Network.Initial(1), tasks[1].Network.Initial(2)}
	for _, m := range []Method{
		WidthScaled{Factor: 0.5, Page: 64, Scratch: trains(10, 200, 100, 1e-3)},
		ProductQuantized{Codewords: 16, Length: 4, Page: 64},
	} {
		o := Options{Recipe: trains(24, 6, 10, 2e-3), Seed: 3, Workers: 1}
		o.Dropout, o.Batch["b"] = optimization.Each{"": 0.1}, 15
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
	o := Options{Recipe: trains(2, 200, 5, 2e-3), Seed: 3, Dir: t.TempDir()}
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
	o.Mixup = optimization.Each{"a": 0.5}
	refused("mixup", "quantized-8-a.json is of another comparison")
	o.Mixup = optimization.Each{"": 0, "c": 0.5} // of neither
	trained(t, m, tasks, weights, o)
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
	for _, m := range []Method{Quantized{Bits: 4}, ProductQuantized{Codewords: 16}} {
		o := Options{Recipe: trains(30, 200, 5, 2e-3), Seed: 1}
		_, err := Run(context.Background(), xlatest.Backend(t), m, tasks, weights, o)
		var diverged *optimization.DivergedError
		if !errors.As(err, &diverged) || diverged.Network != "b" {
			t.Errorf("%s: error %v, want a divergence of b", m.Name(), err)
		}
	}
}

func TestRefusesMismatches(t *testing.T) {
	for want, m := range map[string]Method{
		"values of 3 bits": Quantized{Bits: 3}, "share of weights kept is 0": Pruned{},
		"factor NaN": WidthScaled{Factor: math.NaN()}, "pages of 512 weights in vectors of 3": ProductQuantized{Length: 3},
		"1 codewords": ProductQuantized{Codewords: 1}, "training from scratch": WidthScaled{Factor: 1},
	} {
		tasks, weights := two(t)
		if _, err := Run(context.Background(), nil, m, tasks, weights, Options{Recipe: trains(1, 1, 1, 1e-3)}); err == nil || !strings.Contains(err.Error(), want) {
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
		"expects data of shape": func(t []optimization.Task, w [][]float32) ([]optimization.Task, [][]float32) {
			t[1].Data.Classes = 4
			return t, w
		},
	} {
		tasks, weights := change(two(t))
		if _, err := Run(context.Background(), nil, Further{}, tasks, weights, Options{Recipe: trains(1, 1, 1, 1e-3)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// The executed weights are of the kind that was counted: few levels, exact numbers of
// weights kept, codewords of one codebook.
func TestExecutedWeightsFitWhatIsStored(t *testing.T) {
	tasks, weights := two(t)
	o := Options{Recipe: trains(60, 30, 20, 1e-2), Seed: 1}
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
		if where := min(indexBytes(mask), 26); n.Stored.Values != 21 || n.Stored.Scales != 12 || n.Stored.Indices+n.Stored.Masks != where {
			t.Errorf("stored %+v, want 21 bytes of values, 12 of scales, %d of places", n.Stored, where)
		}
	}
	m := ProductQuantized{Codewords: 8, Length: 4, Page: 64}
	r = trained(t, m, tasks, weights, o)
	words := map[[4]float32]bool{}
	for _, n := range r.Networks {
		for p := 0; p < len(n.Weights); p += 64 {
			own := n.Weights[p:min(p+64, len(n.Weights))]
			different := map[[4]float32]bool{}
			for k := 0; k+4 <= len(own); k += 4 {
				different[[4]float32(own[k:])] = true
				// Codewords are told from each other by their directions.
				var word [4]float32
				for i := range word {
					word[i] = float32(math.Round(100 * float64(own[k+i]/own[k])))
				}
				words[word] = true
			}
			if len(different) > 8 {
				t.Errorf("%d different vectors on page %d, want at most 8", len(different), p/64)
			}
		}
	}
	if len(words) > 8+2 { // rounding may take one direction for two
		t.Errorf("%d directions in all networks, want those of 8 codewords", len(words))
	}
}
