package network

import (
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

// LossGradient is the loss of a forward pass, a scalar function of its logits, and
// its gradient with respect to the flat weight vector.
func (p *Pass) LossGradient(loss func(logits *Node) *Node) (value, gradient *Node) {
	value = loss(p.Logits)
	return value, p.Gradient(Gradient(value, p.Logits)[0])
}
