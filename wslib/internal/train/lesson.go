package train

import (
	"context"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/datasets"
	"weightsep/wslib/network"
	"weightsep/wslib/score"
)

// Lesson is what a network learns in a step, from labels and a teacher.
//
// With Mixup every sample is mixed with the one after it in the batch (Zhang et al., mixup:
// Beyond empirical risk minimization, ICLR 2018), by a part of its own, uniform up to Mixup.
// Targets are mixed likewise, and the teacher sees what its pupil sees (Beyer et al.,
// Knowledge distillation: A good teacher is patient and consistent, CVPR 2022).
type Lesson struct {
	Network     *network.Network
	Share       float64 // of the loss that follows the teacher, 0 to 1
	Temperature float64 // that both networks' logits are divided by, above 0 where Share is
	Mixup       float64 // 0: none
}

// Loss runs the network on a batch and gives its loss, the gradient with respect to its
// weights, and its state after the pass, nil without state. x [batch, Input...]; y int32
// [batch] or float32 [batch, …]; teacher is what [Teacher.Batch] gives, empty without
// distillation.
func (l Lesson) Loss(b network.Binding, x, y *Node, teacher []*Node) (loss, gradient, state *Node) {
	o := l.Network.For()
	var share *Node
	if l.Mixup > 0 {
		b.RNG, share = RandomUniform(b.RNG, shapes.Make(dtypes.Float32, x.Shape().Dimensions[0]))
		share = MulScalar(share, l.Mixup)
		x = mix(x, share)
	}
	var follow *Node
	switch {
	case l.Share == 0:
	case l.Mixup > 0: // weights and state
		taught, _ := l.Network.Bind(teacher)
		follow = StopGradient(l.Network.Forward(taught, x).Output())
	default:
		follow = teacher[0]
	}
	b.Training = true
	pass := l.Network.Forward(b, x)
	loss, gradient = pass.LossGradient(func(output *Node) *Node {
		target := o.Target(x, y, output)
		if _, same := o.(network.Reconstruction); l.Mixup > 0 && !same { // x is mixed already
			target = mix(target, share)
		}
		if l.Share == 0 {
			return o.Loss(output, target)
		}
		soft := MulScalar(o.Distill(output, follow, l.Temperature), l.Share)
		if l.Share == 1 {
			return soft // also of samples without labels
		}
		return Add(MulScalar(o.Loss(output, target), 1-l.Share), soft)
	})
	return loss, gradient, pass.State()
}

// mix is v with its rows mixed with those after them, the last one with the first, by a share
// [rows] of each.
func mix(v, share *Node) *Node {
	if v.Shape().Dimensions[0] == 1 {
		return v // with itself
	}
	for share.Rank() < v.Rank() {
		share = InsertAxes(share, -1)
	}
	next := Concatenate([]*Node{Slice(v, AxisRange(1)), Slice(v, AxisRange(0, 1))}, 0)
	return Add(Mul(v, OneMinus(share)), Mul(next, share))
}

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
