package train

import (
	"context"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/datasets"
	"weightsep/wslib/network"
)

// Teacher is what a network learns from beside labels: one network, trained once or several
// times. It has the mean logits of every sample of a split or, for samples that are mixed as
// they come, the weights.
type Teacher struct {
	logits  []float32
	width   int       // classes
	weights []float32 // with mixup: those of all teachers
	count   int       // of teachers
}

// Teacher runs the teachers' network with each of the flat weights once over the split; with
// mixup it leaves that to [Lesson.Graph].
func (l Lesson) Teacher(ctx context.Context, c *network.Classifier, weights [][]float32, split *datasets.Split) (*Teacher, error) {
	t := &Teacher{width: c.Network.Classes(), count: len(weights)}
	if l.Mixup > 0 {
		t.weights = slices.Concat(weights...)
		return t, nil
	}
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

// Batch is what [Lesson.Graph] wants of the teacher, as a new tensor: the logits of the
// samples with the given numbers, [samples, classes], or the weights [teachers, n].
func (t *Teacher) Batch(index []int) *tensors.Tensor {
	if t.weights != nil {
		return tensors.FromFlatDataAndDimensions(t.weights, t.count, len(t.weights)/t.count)
	}
	logits := make([]float32, 0, len(index)*t.width)
	for _, i := range index {
		logits = append(logits, t.logits[i*t.width:(i+1)*t.width]...)
	}
	return tensors.FromFlatDataAndDimensions(logits, len(index), t.width)
}
