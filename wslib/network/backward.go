package network

import (
	"slices"

	. "github.com/gomlx/gomlx/core/graph"

	"weightsep/xla"
)

// Gradient is the gradient of a loss with respect to the flat weight vector,
// [n.Weights()], from the gradient with respect to the logits, [batch, classes].
//
// It is what automatic differentiation gives, layer by layer, but with the
// lowering of each step chosen for speed: see package xla.
func (p *Pass) Gradient(logits *Node) *Node {
	var layers []*Node // flattened gradients, last layer first
	g := logits
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
	return Concatenate(p.network.inOrder(layers), 0)
}

// backward turns the gradient with respect to the stage's result into those with
// respect to kernel, bias and, if asked for, input.
func (at passStage) backward(g *Node, input bool) (kernel, bias, x *Node) {
	g = Mul(g, leakySlope(at.positive, g))
	bias = ReduceSum(g, 0, 1, 2)
	g = xla.PoolBlocksGradient(at.y, at.pooled, g, at.block)
	shape := at.kernel.Shape().Dimensions
	if at.block.Height == 1 && at.block.Width > 1 {
		d := at.x.Shape().Dimensions
		x := Reshape(at.x, d[0], d[1], d[2]*at.block.Width, shape[2])
		x = Slice(x, AxisRange(), AxisRange(0, at.in[0]), AxisRange(0, at.in[1]))
		h, w := at.conv()
		return xla.ConvolveKernelGradient(x, Reshape(g, d[0], h, w, shape[3]), shape...), bias, nil
	}
	if at.block != (xla.Block{Height: 1, Width: 1}) {
		// Blocks are for the first stage, whose input needs no gradient.
		in, out := at.x.Shape().Dimensions, g.Shape().Dimensions
		kernel = xla.ConvolveKernelGradient(at.x, g, in[1]-out[1]+1, in[2]-out[2]+1, in[3], out[3])
		return at.block.KernelGradient(kernel, shape...), bias, nil
	}
	kernel = xla.ConvolveKernelGradient(at.x, g, shape...)
	if input {
		x = xla.ConvolveInputGradient(g, at.kernel)
	}
	return kernel, bias, x
}
