package wslib_test

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/layers/norm"
	"github.com/gomlx/gomlx/ml/model"

	"weightsep/wslib"
	"weightsep/wslib/network"
)

func described(name string, seed uint64) wslib.Network {
	return wslib.Network{Name: name, Train: points(seed, 600), Test: points(seed+1, 200),
		Described: &network.Described{Shape: [3]int{1, 1, 2}, Dense: []int{2, 40, 2},
			Activation: network.LeakyActivation}}
}

// normalized has batch normalization, whose averages a pack must keep.
func normalized(scope *model.Scope, x *graph.Node) *graph.Node {
	x = graph.Tanh(norm.BatchNorm(scope.In("norm"), layers.Dense(scope.In("first"), x, true, 40), -1).Done())
	return layers.Dense(scope.In("last"), x, true, 2)
}

// A third network joins two in a pack that was saved and opened: those two give the same outputs
// to the bit, before and after, and the one with state keeps it.
func TestAddKeepsOthers(t *testing.T) {
	ctx := context.Background()
	stateful := wslib.Network{Name: "normalized", Function: normalized, Input: []int{2},
		Train: points(5, 600), Test: points(6, 200)}
	first, err := wslib.Pack(ctx, []wslib.Network{described("dots", 1), stateful},
		wslib.Options{Ratio: 2, PageSize: 64, Steps: 40})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	file := filepath.Join(t.TempDir(), "two.safetensors")
	if err := first.Save(file); err != nil {
		t.Fatal(err)
	}
	if _, err := wslib.Open(ctx, file); err == nil || !strings.Contains(err.Error(), "network normalized") ||
		!strings.Contains(err.Error(), "give the function") {
		t.Errorf("opened without the function: %v", err)
	}
	opened, err := wslib.Open(ctx, file, wslib.Network{Name: "normalized", Function: normalized,
		Input: []int{2}})
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	more, err := opened.Add(ctx, described("third", 9), wslib.Options{Steps: 40})
	if err != nil {
		t.Fatal(err)
	}
	defer more.Close()
	if got := more.Names(); !slices.Equal(got, []string{"dots", "normalized", "third"}) {
		t.Fatalf("networks %v", got)
	}
	x := points(20, 50).Inputs
	for _, name := range first.Names() {
		want, err := first.Run(ctx, name, x)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []*wslib.Packed{opened, more} {
			if got, err := p.Run(ctx, name, x); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s: other outputs than before, %v", name, err)
			}
		}
	}
	row := more.Report.Networks[2]
	if row.After.Test < 0.7 || row.Before.Test < 0.8 {
		t.Errorf("the third network scores %v before and %v after", row.Before.Test, row.After.Test)
	}
}

// byHand are the outputs of a described network of two inputs, 40 units and two outputs.
func byHand(w, inputs []float32) (out []float32) {
	first, last := w[:120], w[120:] // kernels, a row for each input, and biases
	for x := range slices.Chunk(inputs, 2) {
		y := slices.Clone(last[80:])
		for h := range 40 {
			v := first[80+h] + x[0]*first[h] + x[1]*first[40+h]
			if v < 0 {
				v *= 0.2
			}
			y[0], y[1] = y[0]+v*last[2*h], y[1]+v*last[2*h+1]
		}
		out = append(out, y...)
	}
	return out
}

// A network without training samples joins rounded ones, as many pages of its own as it has: those that are
// there give the same outputs to the bit, and it nearly what it gave. It does not join trained ones.
func TestAddWithoutTraining(t *testing.T) {
	ctx := t.Context()
	given := func(name string, seed uint64) wslib.Network {
		n := described(name, seed)
		values, _, err := n.Described.Initial(seed)
		if err != nil {
			t.Fatal(err)
		}
		n.Weights, n.Train = values, wslib.Samples{}
		return n
	}
	first, err := wslib.Pack(ctx, []wslib.Network{given("dots", 1), given("spots", 3)},
		wslib.Options{Bytes: 1300, PageSize: 16})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	third := given("third", 9)
	more, err := first.Add(ctx, third, wslib.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer more.Close()
	x := points(20, 50).Inputs
	for _, name := range first.Names() {
		want, err := first.Run(ctx, name, x)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := more.Run(ctx, name, x); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: other outputs than before, %v", name, err)
		}
	}
	got, err := more.Run(ctx, "third", x)
	if err != nil {
		t.Fatal(err)
	}
	rounded := false
	for i, want := range byHand(third.Weights, x) {
		rounded = rounded || got[i] != want
		if math.Abs(float64(got[i]-want)) > 0.02 {
			t.Fatalf("output %d of the third is %v, in float32 %v", i, got[i], want)
		}
	}
	if !rounded {
		t.Error("the third was not rounded")
	}
	if _, err := first.Add(ctx, given("large", 5), wslib.Options{Bytes: first.Report.Stored.Total + 100}); err == nil ||
		!strings.Contains(err.Error(), "those that stay take") {
		t.Errorf("joined in too few bytes: %v", err)
	}

	trained, err := wslib.Pack(ctx, []wslib.Network{described("dots", 1)},
		wslib.Options{Ratio: 2, PageSize: 64, Steps: 10})
	if err != nil {
		t.Fatal(err)
	}
	defer trained.Close()
	if _, err := trained.Add(ctx, third, wslib.Options{}); err == nil ||
		!strings.Contains(err.Error(), "third is not trained") {
		t.Errorf("joined trained ones: %v", err)
	}
}

func TestWhatCannotBePacked(t *testing.T) {
	ctx := context.Background()
	for want, c := range map[string]struct {
		change  func(*wslib.Network)
		options wslib.Options
	}{
		"no budget: set Ratio or Bytes": {func(*wslib.Network) {}, wslib.Options{}},
		"set one":                       {func(*wslib.Network) {}, wslib.Options{Ratio: 2, Bytes: 100}},
		"there is nothing to pack":      {func(*wslib.Network) {}, wslib.Options{Bytes: 1 << 20}},
		"no Function, Described or ONNX": {func(n *wslib.Network) { n.Described = nil },
			wslib.Options{Ratio: 2}},
		"1201 input values": {func(n *wslib.Network) {
			n.Train.Inputs = append(n.Train.Inputs,
				1)
		}, wslib.Options{Ratio: 2}},
		"599 labels for 600 samples": {func(n *wslib.Network) { n.Train.Labels = n.Train.Labels[1:] },
			wslib.Options{Ratio: 2}},
		"label 3 is 2, the network has 2": {func(n *wslib.Network) { n.Train.Labels[3] = 2 },
			wslib.Options{Ratio: 2}},
		"dense sizes, want": {func(n *wslib.Network) {
			n.Described = &network.Described{Shape: [3]int{1, 1, 2}}
		}, wslib.Options{Ratio: 2}},
		"or validation samples have": {func(n *wslib.Network) {
			n.Validation.Inputs = n.Test.Inputs
		}, wslib.Options{Ratio: 2}},
		"values to output, others none": {func(n *wslib.Network) {
			n.Train.Labels, n.Train.Values = nil, n.Train.Inputs
		}, wslib.Options{Ratio: 2}},
		"neither weights nor samples": {func(n *wslib.Network) { n.Train = wslib.Samples{} },
			wslib.Options{Ratio: 2}},
		"5 weights, want 202": {func(n *wslib.Network) { n.Weights = make([]float32, 5) },
			wslib.Options{Ratio: 2}},
		`network name "a b"`: {func(n *wslib.Network) { n.Name = "a b" },
			wslib.Options{Ratio: 2}},
	} {
		n := described("dots", 1)
		c.change(&n)
		_, err := wslib.Pack(ctx, []wslib.Network{n}, c.options)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want one line with %q", err, want)
		}
	}
	if _, err := wslib.Pack(ctx, []wslib.Network{described("a", 1), described("a", 2)},
		wslib.Options{Ratio: 2}); err == nil || !strings.Contains(err.Error(), "network a is there twice") {
		t.Errorf("two networks of one name: %v", err)
	}
	if _, err := wslib.Open(ctx, filepath.Join(t.TempDir(), "none.safetensors")); err == nil {
		t.Error("a missing pack is opened")
	}
}
