package train

import (
	"context"
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/datasets"
	"weightsep/wslib/network"
	"weightsep/xla/xlatest"
)

// A teacher of one dense layer, put together from two: the logits are those of the layer's
// mean weights, worked by hand.
func TestTeacherIsTheMean(t *testing.T) {
	n := &network.Network{Name: "a", Input: [3]int{1, 2, 1}, Dense: []int{2, 2}, Activation: network.LeakyActivation}
	if err := n.Validate(); err != nil {
		t.Fatal(err)
	}
	c, err := network.NewClassifier(xlatest.Backend(t), n, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	split, err := datasets.NewSplit(2, []float32{1, 2, -1, 0.5, 3, 0}, []int32{0, 1, 0})
	if err != nil {
		t.Fatal(err)
	}
	// Kernel [input, output] by rows, then biases; the means are 1, -1, 2, 0 and 0.5, 1.
	teacher, err := Lesson{}.Teacher(context.Background(), c, [][]float32{{2, 0, 3, -1, 1, 1}, {0, -2, 1, 1, 0, 1}}, split)
	if err != nil {
		t.Fatal(err)
	}
	batch := teacher.Batch([]int{2, 0})
	defer batch.FinalizeAll()
	got := tensors.MustCopyFlatData[float32](batch)
	for i, want := range []float32{3.5, -2, 5.5, 0} {
		if math.Abs(float64(got[i]-want)) > 1e-6 {
			t.Errorf("logits %v, want 3.5 -2 5.5 0", got)
			break
		}
	}
}
