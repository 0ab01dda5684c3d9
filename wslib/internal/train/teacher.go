package train

import (
	"context"

	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/datasets"
	"weightsep/wslib/network"
	"weightsep/wslib/score"
)

// Teacher is what a network learns from beside labels: itself, trained before. It has its
// outputs for every sample of a split or, for samples that are mixed as they come, its values.
type Teacher struct {
	network *network.Network
	outputs []float32
	values  network.Values // with mixup
}

// Teacher runs the lesson's network with a teacher's values once over the split; with mixup it
// leaves that to [Lesson.Loss].
func (l Lesson) Teacher(ctx context.Context, s *score.Scorer, values network.Values,
	split *datasets.Split) (*Teacher, error) {
	t := &Teacher{network: l.Network}
	if l.Mixup > 0 {
		t.values = values
		return t, nil
	}
	on := values.On()
	defer network.Free(on...)
	var err error
	t.outputs, err = s.Outputs(ctx, on, split)
	return t, err
}

// Batch is what [Lesson.Loss] wants of the teacher, as new tensors: its outputs for the
// samples with the given numbers, or its values.
func (t *Teacher) Batch(index []int) []*tensors.Tensor {
	if t.values.Weights != nil {
		return t.values.On()
	}
	width := t.network.Outputs()
	outputs := make([]float32, 0, len(index)*width)
	for _, i := range index {
		outputs = append(outputs, t.outputs[i*width:(i+1)*width]...)
	}
	return []*tensors.Tensor{tensors.FromFlatDataAndDimensions(outputs,
		append([]int{len(index)}, t.network.Output()...)...)}
}
