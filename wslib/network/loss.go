package network

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
)

// CrossEntropy is the mean over the batch of -log softmax(logits)[label].
// logits [batch, classes], labels int32 [batch]; the result is a scalar.
func CrossEntropy(logits, labels *Node) *Node {
	hot := OneHot(labels, logits.Shape().Dimensions[1], logits.DType())
	return SoftCrossEntropy(logits, hot)
}

// SoftCrossEntropy is [CrossEntropy] with a probability of each class for each
// sample, [batch, classes], instead of a label.
func SoftCrossEntropy(logits, probabilities *Node) *Node {
	return Neg(ReduceAllMean(ReduceSum(Mul(LogSoftmax(logits), probabilities), -1)))
}

// Distillation is a loss that in part follows a teacher's logits for the same samples
// (Hinton, Vinyals, Dean, 2015). The zero value follows labels only.
type Distillation struct {
	Share       float64 // of the loss that follows the teacher, 0 to 1
	Temperature float64 // that both networks' logits are divided by, above 0 where Share is
}

// Validate reports a share or a temperature that cannot be.
func (d Distillation) Validate() error {
	if !(d.Share >= 0 && d.Share <= 1) || d.Share > 0 && !(d.Temperature > 0) {
		return fmt.Errorf("distillation %v at temperature %v, want a share of 0 to 1 and a temperature above 0", d.Share, d.Temperature)
	}
	return nil
}

// Loss is (1-Share) [CrossEntropy] + Share Temperature^2 [SoftCrossEntropy] of the logits
// against the teacher's softmax, both divided by the temperature. logits and teacher
// [batch, classes], labels int32 [batch]; teacher is not looked at where Share is 0.
func (d Distillation) Loss(logits, labels, teacher *Node) *Node {
	return d.SoftLoss(logits, OneHot(labels, logits.Shape().Dimensions[1], logits.DType()), teacher)
}

// SoftLoss is [Distillation.Loss] with a probability of each class for each sample,
// [batch, classes], instead of a label.
func (d Distillation) SoftLoss(logits, probabilities, teacher *Node) *Node {
	hard := SoftCrossEntropy(logits, probabilities)
	if d.Share == 0 {
		return hard
	}
	t := d.Temperature
	soft := SoftCrossEntropy(MulScalar(logits, 1/t), Softmax(MulScalar(teacher, 1/t)))
	return Add(MulScalar(hard, 1-d.Share), MulScalar(soft, d.Share*t*t))
}

// LossGradient is the loss of a forward pass, a scalar function of its logits, and
// its gradient with respect to the flat weight vector.
func (p *Pass) LossGradient(loss func(logits *Node) *Node) (value, gradient *Node) {
	value = loss(p.Logits)
	return value, p.Gradient(Gradient(value, p.Logits)[0])
}
