package train

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"weightsep/wslib/network"
)

// Lesson is what a network learns in a step, from labels and teachers.
//
// With Mixup every sample is mixed with the one after it in the batch (Zhang et al., mixup:
// Beyond empirical risk minimization, ICLR 2018), by a part of its own, uniform up to Mixup.
// Labels are mixed likewise, and the teachers see what their pupil sees (Beyer et al.,
// Knowledge distillation: A good teacher is patient and consistent, CVPR 2022).
type Lesson struct {
	network.Distillation
	Mixup          float64          // 0: none
	TeacherNetwork *network.Network // looked at with Mixup only
}

// Graph gives the samples that the network is to run on, the generator state after what the
// lesson took of it, and the loss of the logits that come out. x [batch, height, width,
// channels], y int32 [batch]; teacher is what [Teacher.Batch] gives, nil without distillation.
func (l Lesson) Graph(x, y, rng, teacher *Node) (samples, state *Node, loss func(logits *Node) *Node) {
	if l.Mixup == 0 {
		return x, rng, func(logits *Node) *Node { return l.Loss(logits, y, teacher) }
	}
	batch := x.Shape().Dimensions[0]
	state, share := RandomUniform(rng, shapes.Make(dtypes.Float32, batch))
	share = MulScalar(share, l.Mixup)
	samples = mix(x, InsertAxes(share, -1, -1, -1))
	var logits *Node
	if l.Share > 0 {
		logits = l.teach(samples, teacher)
	}
	return samples, state, func(own *Node) *Node {
		hot := OneHot(y, own.Shape().Dimensions[1], own.DType())
		return l.SoftLoss(own, mix(hot, InsertAxes(share, -1)), logits)
	}
}

// mix is v with its rows mixed with those after them, the last one with the first.
func mix(v, share *Node) *Node {
	if v.Shape().Dimensions[0] == 1 {
		return v // with itself
	}
	next := Concatenate([]*Node{Slice(v, AxisRange(1)), Slice(v, AxisRange(0, 1))}, 0)
	return Add(Mul(v, OneMinus(share)), Mul(next, share))
}

// teach is the mean of the logits that the teachers with flat weights [teachers, n] give.
func (l Lesson) teach(samples, weights *Node) *Node {
	var sum *Node
	count := weights.Shape().Dimensions[0]
	for k := range count {
		w := Reshape(Slice(weights, AxisRange(k, k+1)), -1)
		logits := l.TeacherNetwork.Forward(w, samples, network.Dropout{}).Logits
		if sum == nil {
			sum = logits
		} else {
			sum = Add(sum, logits)
		}
	}
	return MulScalar(sum, 1/float64(count))
}
