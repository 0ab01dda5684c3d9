package network

import (
	"slices"

	. "github.com/gomlx/gomlx/core/graph"

	"weightsep/xla"
)

// step is the way back through a layer: from the gradient with respect to its result to those
// with respect to its kernel and bias, and to its input unless the layer is the first.
type step func(g *Node) (kernel, bias, x *Node)

// Forward runs the model on a batch.
func (d *Described) Forward(b Binding, x *Node) *Pass {
	at := 0
	next := func() *Node {
		l := b.layers[at]
		at++
		return part(b.Weights, l)
	}
	var steps []step
	for i, s := range d.stages() {
		var back step
		x, back = s.forward(x, next(), next(), i == 0)
		steps = append(steps, back)
	}
	shape := x.Shape().Dimensions
	x = Reshape(x, shape[0], -1)
	for i := range len(d.Dense) - 1 {
		var dropout *Node // what it multiplied x by; nil without dropout
		if b.Dropout > 0 {
			dropout, b.RNG = keep(x, b.RNG, b.Dropout)
			x = Mul(x, dropout)
		}
		in, kernel, bias := x, next(), next()
		x = Add(MatMul(x, kernel), InsertAxes(bias, 0))
		var slope *Node // of the activation after the layer; nil after the last
		if i < len(d.Dense)-2 {
			x, slope = d.activate(x)
		}
		steps = append(steps, func(g *Node) (ofKernel, ofBias, ofX *Node) {
			if slope != nil {
				g = Mul(g, slope)
			}
			ofKernel, ofBias = DotGeneral(in, []int{0}, nil, g, []int{0}, nil), ReduceSum(g, 0)
			if i == 0 && len(d.Convs) == 0 {
				return ofKernel, ofBias, nil
			}
			g = DotGeneral(g, []int{1}, nil, kernel, []int{1}, nil)
			if dropout != nil {
				g = Mul(g, dropout)
			}
			if i == 0 {
				g = Reshape(g, shape...)
			}
			return ofKernel, ofBias, g
		})
	}
	// Automatic differentiation's gradient, layer by layer, but with the lowering of each step
	// chosen for speed, see package xla.
	return &Pass{output: x, gradient: func(loss *Node) *Node {
		g := Gradient(loss, x)[0]
		var layers []*Node // flattened gradients, last layer first
		for _, back := range slices.Backward(steps) {
			var kernel, bias *Node
			kernel, bias, g = back(g)
			layers = append(layers, bias, Reshape(kernel, -1))
		}
		slices.Reverse(layers)
		return Concatenate(inOrder(b.layers, layers), 0)
	}}
}

// forward is one convolution, bias, activation and pooling, which comes before bias and
// activation: both are monotone, so the result is the same, and they see a quarter of the values.
func (s stage) forward(x, kernel, bias *Node, first bool) (out *Node, back step) {
	x = Slice(x, AxisRange(), AxisRange(0, s.in[0]), AxisRange(0, s.in[1]))
	y := xla.Convolve(x, kernel)
	pooled := xla.MaxPool2x2(y)
	z := Add(pooled, InsertAxes(bias, 0, 0, 0))
	positive := GreaterThan(z, ZerosLike(z))
	return leakyReLU(z), func(g *Node) (ofKernel, ofBias, ofX *Node) {
		g = Mul(g, leakySlope(positive, g))
		ofBias = ReduceSum(g, 0, 1, 2)
		g = xla.MaxPool2x2Gradient(y, pooled, g)
		ofKernel = xla.ConvolveKernelGradient(x, g, s.Height, s.Width)
		if !first {
			ofX = xla.ConvolveInputGradient(g, kernel)
		}
		return ofKernel, ofBias, ofX
	}
}

// activate applies the activation between dense layers and returns its slope, too.
func (d *Described) activate(z *Node) (out, slope *Node) {
	if d.Activation == SigmoidActivation {
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
