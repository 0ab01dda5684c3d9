package network

import (
	. "github.com/gomlx/gomlx/core/graph"

	"weightsep/xla"
)

// Dropout configures dropout before each dense layer but none of the
// convolutions. The zero value is none.
type Dropout struct {
	Rate float64
	RNG  *Node // random generator state; needed when Rate > 0
}

// Logits runs the network on a batch.
//
// weights has shape [n.Weights()], x [batch, height, width, channels]; the
// result is [batch, classes]. It panics, as graph functions do, when the shapes
// do not match.
//
// Pooling comes before the activation: leaky ReLU is monotone, so the result is
// the same and the activation sees a quarter of the values.
func (n *Network) Logits(weights, x *Node) *Node {
	return n.LogitsDropout(weights, x, Dropout{})
}

// LogitsDropout is [Network.Logits] with dropout, for training.
func (n *Network) LogitsDropout(weights, x *Node, drop Dropout) *Node {
	return n.logits(weights, x, drop, xla.MaxPool2x2)
}

func (n *Network) logits(weights, x *Node, drop Dropout, pool func(*Node) *Node) *Node {
	weights.AssertDims(n.Weights())
	x.AssertDims(-1, n.Input[0], n.Input[1], n.Input[2])
	layers := n.Layers()
	next := func() *Node {
		l := layers[0]
		layers = layers[1:]
		return Reshape(Slice(weights, AxisRange(l.Offset, l.Offset+l.Size())), l.Shape...)
	}
	for range n.Convs {
		kernel, bias := next(), next()
		x = xla.Convolve(x, kernel)
		x = Add(x, InsertAxes(bias, 0, 0, 0))
		x = leakyReLU(pool(x))
	}
	x = Reshape(x, x.Shape().Dimensions[0], -1)
	rng := drop.RNG
	for i := range len(n.Dense) - 1 {
		if drop.Rate > 0 {
			x, rng = dropout(x, rng, drop.Rate)
		}
		kernel, bias := next(), next()
		x = Add(MatMul(x, kernel), InsertAxes(bias, 0))
		if i == len(n.Dense)-2 {
			break
		}
		if n.Activation == SigmoidActivation {
			x = Sigmoid(x)
		} else {
			x = leakyReLU(x)
		}
	}
	return x
}

func leakyReLU(x *Node) *Node { return Max(x, MulScalar(x, 0.2)) }

func dropout(x, rng *Node, rate float64) (*Node, *Node) {
	rng, u := RandomUniform(rng, x.Shape())
	keep := GreaterOrEqual(u, Scalar(x.Graph(), x.DType(), rate))
	return Where(keep, MulScalar(x, 1/(1-rate)), ZerosLike(x)), rng
}

// CrossEntropy is the mean over the batch of -log softmax(logits)[label].
// logits [batch, classes], labels int32 [batch]; the result is a scalar.
func CrossEntropy(logits, labels *Node) *Node {
	hot := OneHot(labels, logits.Shape().Dimensions[1], logits.DType())
	return Neg(ReduceAllMean(ReduceSum(Mul(LogSoftmax(logits), hot), -1)))
}
