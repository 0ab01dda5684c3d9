package wslib_test

import (
	"math/rand/v2"
	"testing"

	"weightsep/wslib"
)

// Where a trained network's samples have no labels, those of the test follow its own outputs, too: by
// itself it is always right.
func TestTestSamplesWithoutLabels(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	noise := func(n int) (s wslib.Samples) {
		for range n * 8 * 6 {
			s.Inputs = append(s.Inputs, float32(r.NormFloat64()))
		}
		return s
	}
	n := wslib.Network{Name: "file", ONNX: "onnx/testdata/small.onnx", Train: noise(60), Test: noise(40)}
	packed, err := wslib.Pack(t.Context(), []wslib.Network{n},
		wslib.Options{Ratio: 1.1, Steps: 2, PageSize: 16})
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	if before := packed.Report.Networks[0].Before; before.Test != 1 || before.Untested {
		t.Errorf("score before packing: %+v, want 1", before)
	}
}
