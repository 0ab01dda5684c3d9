package network

import (
	"slices"

	. "github.com/gomlx/gomlx/core/graph"

	"weightsep/xla"
)

// describedPass is a forward pass of a described model, with what its gradient needs.
type describedPass struct {
	output *Node // [batch, outputs]
	layers []Layer
	stages []passStage
	dense  []passDense
	flat   *Node // input of the first dense layer, [batch, height, width, channels]
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

func (p *describedPass) Output() *Node { return p.output }
func (p *describedPass) State() *Node  { return nil }

// Forward runs the model on a batch.
//
// Pooling comes before bias and activation: both are monotone, so the result is
// the same, and they see a quarter of the values.
func (d *Described) Forward(b Binding, x *Node) Pass {
	at := 0
	next := func() *Node {
		l := b.layers[at]
		at++
		return Reshape(Slice(b.Weights, AxisRange(l.Offset, l.Offset+l.Size())), l.Shape...)
	}
	p := &describedPass{layers: b.layers}
	for _, s := range d.stages() {
		var at passStage
		at, x = s.forward(x, next(), next())
		p.stages = append(p.stages, at)
	}
	p.flat = x
	x = Reshape(x, x.Shape().Dimensions[0], -1)
	for i := range len(d.Dense) - 1 {
		var at passDense
		if b.Dropout > 0 {
			at.keep, b.RNG = keep(x, b.RNG, b.Dropout)
			x = Mul(x, at.keep)
		}
		kernel, bias := next(), next()
		at.kernel, at.x = kernel, x
		x = Add(MatMul(x, kernel), InsertAxes(bias, 0))
		if i < len(d.Dense)-2 {
			x, at.slope = d.activate(x)
		}
		p.dense = append(p.dense, at)
	}
	p.output = x
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

// LossGradient is a loss and its gradient with respect to the flat weights: what automatic
// differentiation gives, layer by layer, but with the lowering of each step chosen for
// speed, see package xla.
func (p *describedPass) LossGradient(loss func(output *Node) *Node) (value, gradient *Node) {
	value = loss(p.output)
	return value, p.gradient(Gradient(value, p.output)[0])
}

// gradient is that with respect to the flat weights from that with respect to the output.
func (p *describedPass) gradient(g *Node) *Node {
	var layers []*Node // flattened gradients, last layer first
	for i, at := range slices.Backward(p.dense) {
		if at.slope != nil {
			g = Mul(g, at.slope)
		}
		kernel := DotGeneral(at.x, []int{0}, nil, g, []int{0}, nil)
		layers = append(layers, ReduceSum(g, 0), Reshape(kernel, -1))
		if i == 0 && len(p.stages) == 0 {
			break
		}
		g = DotGeneral(g, []int{1}, nil, at.kernel, []int{1}, nil)
		if at.keep != nil {
			g = Mul(g, at.keep)
		}
	}
	if len(p.stages) > 0 {
		g = Reshape(g, p.flat.Shape().Dimensions...)
	}
	for i, at := range slices.Backward(p.stages) {
		var kernel, bias *Node
		kernel, bias, g = at.backward(g, i > 0)
		layers = append(layers, bias, Reshape(kernel, -1))
	}
	slices.Reverse(layers)
	return Concatenate(inOrder(p.layers, layers), 0)
}

// backward turns the gradient with respect to the stage's result into those with
// respect to kernel, bias and, if asked for, input.
func (at passStage) backward(g *Node, input bool) (kernel, bias, x *Node) {
	g = Mul(g, leakySlope(at.positive, g))
	bias = ReduceSum(g, 0, 1, 2)
	g = xla.MaxPool2x2Gradient(at.y, at.pooled, g)
	kernel = xla.ConvolveKernelGradient(at.x, g, at.Height, at.Width)
	if input {
		x = xla.ConvolveInputGradient(g, at.kernel)
	}
	return kernel, bias, x
}
