package network

import (
	"slices"

	. "github.com/gomlx/gomlx/core/graph"

	"weightsep/xla"
)

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
