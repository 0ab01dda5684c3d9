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

// Pass is a forward pass, with what its gradient needs.
type Pass struct {
	Logits  *Node // [batch, classes]
	network *Network
	stages  []passStage
	dense   []passDense
	flat    *Node // input of the first dense layer, [batch, height, width, channels]
}

// passStage is what one convolution leaves for the gradient.
type passStage struct {
	stage
	kernel   *Node
	x        *Node // input as convolved: cut to what is needed
	y        *Node // convolution
	pooled   *Node
	positive *Node // whether the activation's argument was above 0
}

// passDense is what one dense layer leaves for the gradient.
type passDense struct {
	kernel *Node
	keep   *Node // what dropout multiplied the layer before by; nil without dropout
	x      *Node // input, [batch, in]
	slope  *Node // of the activation after the layer; nil after the last
}

// Logits runs the network on a batch.
//
// weights has shape [n.Weights()], x [batch, height, width, channels]; the
// result is [batch, classes]. It panics, as graph functions do, when the shapes
// do not match.
func (n *Network) Logits(weights, x *Node) *Node { return n.Forward(weights, x, Dropout{}).Logits }

// Forward is [Network.Logits] with dropout, for training.
//
// Pooling comes before bias and activation: both are monotone, so the result is
// the same, and they see a quarter of the values.
func (n *Network) Forward(weights, x *Node, drop Dropout) *Pass {
	weights.AssertDims(n.Weights())
	x.AssertDims(-1, n.Input[0], n.Input[1], n.Input[2])
	layers := n.Layers()
	next := func() *Node {
		l := layers[0]
		layers = layers[1:]
		return Reshape(Slice(weights, AxisRange(l.Offset, l.Offset+l.Size())), l.Shape...)
	}
	p := &Pass{network: n}
	for _, s := range n.stages() {
		var at passStage
		at, x = s.forward(x, next(), next())
		p.stages = append(p.stages, at)
	}
	p.flat = x
	x = Reshape(x, x.Shape().Dimensions[0], -1)
	for i := range len(n.Dense) - 1 {
		var at passDense
		if drop.Rate > 0 {
			at.keep, drop.RNG = keep(x, drop.RNG, drop.Rate)
			x = Mul(x, at.keep)
		}
		kernel, bias := next(), next()
		at.kernel, at.x = kernel, x
		x = Add(MatMul(x, kernel), InsertAxes(bias, 0))
		if i < len(n.Dense)-2 {
			x, at.slope = n.activate(x)
		}
		p.dense = append(p.dense, at)
	}
	p.Logits = x
	return p
}

func (s stage) forward(x, kernel, bias *Node) (at passStage, out *Node) {
	at = passStage{stage: s, kernel: kernel}
	at.x = Slice(x, AxisRange(), AxisRange(0, s.in[0]), AxisRange(0, s.in[1]))
	at.y = xla.Convolve(at.x, kernel)
	at.pooled = xla.MaxPool2x2(at.y)
	z := Add(at.pooled, InsertAxes(bias, 0, 0, 0))
	at.positive = GreaterThan(z, ZerosLike(z))
	return at, leakyReLU(z)
}

// activate applies the activation between dense layers and returns its slope, too.
func (n *Network) activate(z *Node) (out, slope *Node) {
	if n.Activation == SigmoidActivation {
		s := Sigmoid(z)
		return s, Mul(s, OneMinus(s))
	}
	return leakyReLU(z), leakySlope(GreaterThan(z, ZerosLike(z)), z)
}

const leak = 0.2

func leakyReLU(x *Node) *Node { return Max(x, MulScalar(x, leak)) }

// leakySlope is 1 where positive, else 0.2; like gives type and shape.
func leakySlope(positive, like *Node) *Node {
	return Where(positive, OnesLike(like), MulScalar(OnesLike(like), leak))
}

// keep draws what dropout multiplies x by: 0, or 1/(1-rate), so that the
// expectation stays.
func keep(x, rng *Node, rate float64) (factor, next *Node) {
	next, u := RandomUniform(rng, x.Shape())
	kept := GreaterOrEqual(u, Scalar(x.Graph(), x.DType(), rate))
	return Where(kept, MulScalar(OnesLike(x), 1/(1-rate)), ZerosLike(x)), next
}
