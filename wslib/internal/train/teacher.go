package train

import (
	"context"

	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/datasets"
	"weightsep/wslib/network"
)

// Teacher has the mean logits that one network, trained once or several times, gives to every
// sample of a split, to be distilled from.
type Teacher struct {
	logits []float32
	width  int
}

// NewTeacher runs the network with each of the flat weights once over the split.
func NewTeacher(ctx context.Context, c *network.Classifier, weights [][]float32, split *datasets.Split) (*Teacher, error) {
	t := &Teacher{width: c.Network.Classes()}
	for _, flat := range weights {
		w := tensors.FromFlatDataAndDimensions(flat, len(flat))
		logits, err := c.Logits(ctx, w, split)
		w.FinalizeAll()
		if err != nil {
			return nil, err
		}
		if t.logits == nil {
			t.logits = logits
			continue
		}
		for i, l := range logits {
			t.logits[i] += l
		}
	}
	if n := float32(len(weights)); n > 1 {
		for i := range t.logits {
			t.logits[i] /= n
		}
	}
	return t, nil
}

// Batch is the logits of the samples with the given numbers, [samples, classes], as a
// new tensor.
func (t *Teacher) Batch(index []int) *tensors.Tensor {
	logits := make([]float32, 0, len(index)*t.width)
	for _, i := range index {
		logits = append(logits, t.logits[i*t.width:(i+1)*t.width]...)
	}
	return tensors.FromFlatDataAndDimensions(logits, len(index), t.width)
}
