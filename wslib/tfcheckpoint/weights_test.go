package tfcheckpoint

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"weightsep/wslib/network"
)

func TestWeights(t *testing.T) {
	got, err := Weights(open(t, writeCheckpoint(t, 2, tinyTensors())), tiny)
	if err != nil {
		t.Fatal(err)
	}
	if want := ramp(0, tiny.Weights()); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestWeightsErrors(t *testing.T) {
	for name, c := range map[string]struct {
		change func(x *tensor)
		want   []string
	}{
		"missing": {func(x *tensor) { x.name = "other" },
			[]string{"model.index", `no tensor "weight_1"`, "dense0/kernel", "tiny"}},
		"transposed": {func(x *tensor) { x.shape = []int{4, 8} },
			[]string{"model.index", `"weight_1"`, "[4 8]", "[8 4]", "tiny", "dense0/kernel"}},
		"flat": {func(x *tensor) { x.shape = []int{32} }, []string{`"weight_1"`, "[32]", "[8 4]"}},
		"type": {func(x *tensor) { x.dtype = 3 },
			[]string{"model.data-00000-of-00002", `"weight_1"`, "int32"}},
		"NaN": {func(x *tensor) { copy(x.data, []byte{0, 0, 0xc0, 0x7f}) },
			[]string{`"weight_1"`, "weight 0 is NaN"}},
		"size": {func(x *tensor) { x.data = x.data[:100] },
			[]string{"model.data-00000-of-00002", `"weight_1"`, "100 bytes", "[8 4]"}},
	} {
		t.Run(name, func(t *testing.T) {
			tensors := tinyTensors()
			for i := range tensors {
				if tensors[i].name == "weight_1" {
					c.change(&tensors[i])
				}
			}
			_, err := Weights(open(t, writeCheckpoint(t, 2, tensors)), tiny)
			wantError(t, err, c.want...)
		})
	}
	for _, extra := range []string{"weight_3", "bias_3"} {
		tensors := append(tinyTensors(), tensor{extra, float32Type, []int{1}, 0, float32s(1)})
		_, err := Weights(open(t, writeCheckpoint(t, 2, tensors)), tiny)
		wantError(t, err, extra, "tiny has 3 layers")
	}
	_, err := Weights(open(t, writeCheckpoint(t, 2, tinyTensors())), &network.Network{Name: "none"})
	wantError(t, err, "network none")
}

// TestOriginalCheckpoints reads the checkpoints that are there of the ten
// networks, NAME/NAME.index in the directory WEIGHTSEP_CHECKPOINTS.
func TestOriginalCheckpoints(t *testing.T) {
	dir := os.Getenv("WEIGHTSEP_CHECKPOINTS")
	if dir == "" {
		t.Skip("WEIGHTSEP_CHECKPOINTS names no directory of checkpoints")
	}
	found := 0
	for _, n := range network.Ten() {
		prefix := filepath.Join(dir, n.Name, n.Name)
		if _, err := os.Stat(prefix + ".index"); err != nil {
			t.Logf("%s: no checkpoint", n.Name)
			continue
		}
		found++
		c, err := Open(prefix)
		if err != nil {
			t.Error(err)
			continue
		}
		weights, err := Weights(c, n)
		if err != nil {
			t.Error(err)
			continue
		}
		if len(weights) != n.Weights() {
			t.Errorf("%s: %d weights, want %d", n.Name, len(weights), n.Weights())
		}
		for _, e := range c.entries { // the moments too
			if _, _, err := c.Float32(e.name); err != nil {
				t.Error(err)
			}
		}
		t.Logf("%s: %d weights, %d tensors", n.Name, len(weights), len(c.entries))
	}
	if found == 0 {
		t.Errorf("%s: no NAME/NAME.index of the ten networks", dir)
	}
}
