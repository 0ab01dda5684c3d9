package train

import (
	"context"
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/datasets"
	"weightsep/wslib/network"
	"weightsep/wslib/score"
	"weightsep/xla/xlatest"
)

// A teacher of one dense layer: the logits are worked by hand.
func TestTeacherIsItsOutputs(t *testing.T) {
	n := linear()
	s, err := score.New(xlatest.Backend(t), n, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	split, err := datasets.NewSplit(2, []float32{1, 2, -1, 0.5, 3, 0}, []int32{0, 1, 0})
	if err != nil {
		t.Fatal(err)
	}
	// Kernel [input, output] by rows, then biases.
	values := network.Values{Weights: []float32{1, -1, 2, 0, 0.5, 1}}
	teacher, err := Lesson{Network: n}.Teacher(context.Background(), s, values, split)
	if err != nil {
		t.Fatal(err)
	}
	batch := teacher.Batch([]int{2, 0})
	defer network.Free(batch...)
	got := tensors.MustCopyFlatData[float32](batch[0])
	for i, want := range []float32{3.5, -2, 5.5, 0} {
		if math.Abs(float64(got[i]-want)) > 1e-6 {
			t.Errorf("logits %v, want 3.5 -2 5.5 0", got)
			break
		}
	}
}
