package train

import (
	"context"

	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/datasets"
	"weightsep/wslib/network"
)

// Teacher has the logits that a trained network gives to every sample of a split, to be
// distilled from.
type Teacher struct {
	logits []float32
	width  int
}

// NewTeacher runs the network with flat weights once over the split.
func NewTeacher(ctx context.Context, c *network.Classifier, weights []float32, split *datasets.Split) (*Teacher, error) {
	w := tensors.FromFlatDataAndDimensions(weights, len(weights))
	defer w.FinalizeAll()
	logits, err := c.Logits(ctx, w, split)
	return &Teacher{logits: logits, width: c.Network.Classes()}, err
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
