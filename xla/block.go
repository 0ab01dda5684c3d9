package xla

import (
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// Block is a number of neighbouring outputs of a convolution, down and across,
// that are computed together as channels of one output.
//
// With one to three input channels and few output channels XLA's CPU convolution
// spends its time on moving data. Seen block by block, the same convolution has
// fewer places, more input and output channels and a smaller kernel, partly zero:
// up to twice the arithmetic in half the time, and pooling over the block is a
// maximum over channels.
type Block struct{ Height, Width int }

// kernel is the size in blocks of a kernel of kh by kw.
func (b Block) kernel(kh, kw int) (int, int) {
	return (kh + 2*b.Height - 2) / b.Height, (kw + 2*b.Width - 2) / b.Width
}

// Input cuts x [batch, height, width, in] into blocks that a convolution with a
// kernel of kh by kw needs for h by w outputs; h and w are multiples of the block's.
// The result is [batch, rows, columns, Height*Width*in]. What lies beyond the input
// is 0: the parts of the kernel that meet it are 0, too.
func (b Block) Input(x *graph.Node, kh, kw, h, w int) *graph.Node {
	rows, columns := b.kernel(kh, kw)
	rows, columns = rows+h/b.Height-1, columns+w/b.Width-1
	d := x.Shape().Dimensions
	x = fit(fit(x, 1, rows*b.Height), 2, columns*b.Width)
	if b.Height > 1 {
		x = graph.TransposeAllAxes(graph.Reshape(x, d[0], rows, b.Height, columns, b.Width*d[3]), 0, 1, 3, 2, 4)
	}
	return graph.Reshape(x, d[0], rows, columns, b.Height*b.Width*d[3])
}

// Kernel is the kernel [kh, kw, in, out] over blocks: for each output of a block a
// copy of it, shifted to where that output is, all else 0.
// The result is [rows, columns, Height*Width*in, Height*Width*out].
func (b Block) Kernel(kernel *graph.Node) *graph.Node {
	d := kernel.Shape().Dimensions
	rows, columns := b.kernel(d[0], d[1])
	var outputs []*graph.Node
	for i := range b.Height {
		for j := range b.Width {
			k := fit(shift(kernel, 0, i), 0, rows*b.Height)
			k = fit(shift(k, 1, j), 1, columns*b.Width)
			k = graph.TransposeAllAxes(graph.Reshape(k, rows, b.Height, columns, b.Width, d[2], d[3]), 0, 2, 1, 3, 4, 5)
			outputs = append(outputs, graph.Reshape(k, rows, columns, b.Height*b.Width*d[2], d[3]))
		}
	}
	return graph.Concatenate(outputs, -1)
}

// KernelGradient is the gradient with respect to the kernel [kh, kw, in, out] from
// that with respect to [Block.Kernel]: what the copies get, added up.
func (b Block) KernelGradient(g *graph.Node, kernel ...int) *graph.Node {
	rows, columns := b.kernel(kernel[0], kernel[1])
	var sum *graph.Node
	for i := range b.Height {
		for j := range b.Width {
			at := (i*b.Width + j) * kernel[3]
			k := graph.Slice(g, graph.AxisRange(), graph.AxisRange(), graph.AxisRange(), graph.AxisRange(at, at+kernel[3]))
			k = graph.TransposeAllAxes(graph.Reshape(k, rows, columns, b.Height, b.Width, kernel[2], kernel[3]), 0, 2, 1, 3, 4, 5)
			k = graph.Reshape(k, rows*b.Height, columns*b.Width, kernel[2], kernel[3])
			k = graph.Slice(k, graph.AxisRange(i, i+kernel[0]), graph.AxisRange(j, j+kernel[1]))
			if sum == nil {
				sum = k
			} else {
				sum = graph.Add(sum, k)
			}
		}
	}
	return sum
}

// fit cuts or extends an axis to n places, with zeros at its end. Zeros are
// concatenated because padding has no gradient.
func fit(x *graph.Node, axis, n int) *graph.Node {
	have := x.Shape().Dimensions[axis]
	switch {
	case n < have:
		ranges := make([]graph.SliceAxisSpec, x.Rank())
		for i := range ranges {
			ranges[i] = graph.AxisRange()
		}
		ranges[axis] = graph.AxisRange(0, n)
		return graph.Slice(x, ranges...)
	case n > have:
		return graph.Concatenate([]*graph.Node{x, zeros(x, axis, n-have)}, axis)
	}
	return x
}

// shift moves an axis by n places, which become zeros.
func shift(x *graph.Node, axis, n int) *graph.Node {
	if n == 0 {
		return x
	}
	return graph.Concatenate([]*graph.Node{zeros(x, axis, n), x}, axis)
}

// zeros has the shape of x, but n places on an axis.
func zeros(x *graph.Node, axis, n int) *graph.Node {
	d := append([]int(nil), x.Shape().Dimensions...)
	d[axis] = n
	return graph.Zeros(x.Graph(), shapes.Make(x.DType(), d...))
}
