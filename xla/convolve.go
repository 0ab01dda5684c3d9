package xla

import (
	"slices"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// Convolve is the VALID convolution of stride 1, left to XLA.
// x [batch, height, width, in], kernel [kh, kw, in, out];
// the result is [batch, height-kh+1, width-kw+1, out].
func Convolve(x, kernel *graph.Node) *graph.Node {
	return graph.Convolve(x, kernel).NoPadding().Done()
}

// ConvolveInputGradient is the gradient of a loss with respect to the input of
// [Convolve] from the gradient dy [batch, h, w, out] with respect to its result.
// The result is [batch, h+kh-1, w+kw-1, in].
func ConvolveInputGradient(dy, kernel *graph.Node) *graph.Node {
	d, k := dy.Shape().Dimensions, kernel.Shape().Dimensions
	// The convolution computes much with zeros where the input is much larger than
	// the output. The bound is BenchmarkLowering's.
	if inputs, outputs := (d[1]+k[0]-1)*(d[2]+k[1]-1), d[1]*d[2]; 4*inputs > 7*outputs {
		return shiftedSums(dy, kernel)
	}
	return convolveTurned(dy, kernel)
}

// convolveTurned is the input gradient as the convolution of dy, padded, with the
// kernel turned by half a turn.
func convolveTurned(dy, kernel *graph.Node) *graph.Node {
	k := kernel.Shape().Dimensions
	turned := graph.TransposeAllAxes(graph.Reverse(kernel, 0, 1), 0, 1, 3, 2)
	return graph.Convolve(dy, turned).PaddingPerDim([][2]int{{k[0] - 1, k[0] - 1},
		{k[1] - 1, k[1] - 1}}).Done()
}

// shiftedSums is the input gradient as one matrix product, which gives what each
// output contributes to each place under the kernel, and kh*kw shifted additions.
func shiftedSums(dy, kernel *graph.Node) *graph.Node {
	d, k := dy.Shape().Dimensions, kernel.Shape().Dimensions
	flat := graph.DotGeneral(graph.Reshape(dy, -1, k[3]), []int{1}, nil,
		graph.Reshape(kernel, -1, k[3]), []int{1}, nil)
	zero := graph.ScalarZero(dy.Graph(), dy.DType())
	var sum *graph.Node
	for i := range k[0] {
		for j := range k[1] {
			at := (i*k[1] + j) * k[2]
			part := graph.Slice(flat, graph.AxisRange(), graph.AxisRange(at, at+k[2]))
			part = graph.Reshape(part, d[0], d[1], d[2], k[2])
			part = graph.Pad(part, zero, graph.PadAxis{},
				graph.PadAxis{Start: i, End: k[0] - 1 - i}, graph.PadAxis{Start: j, End: k[1] - 1 - j},
				graph.PadAxis{})
			sum = plus(sum, part)
		}
	}
	return sum
}

// plus is a+b; a is nil before the first of a sum.
func plus(a, b *graph.Node) *graph.Node {
	if a == nil {
		return b
	}
	return graph.Add(a, b)
}

// ConvolveKernelGradient is the gradient of a loss with respect to the kernel of
// [Convolve], of kh by kw, from its input x [batch, height, width, in] and the
// gradient dy [batch, height-kh+1, width-kw+1, out] with respect to its result.
// The result is [kh, kw, in, out].
//
// It is one matrix product of the outputs' gradients with the patches of the input
// that they were computed from. XLA's own convolution takes two to three times as
// long where there are few channels. There outputs are taken in blocks of
// neighbours, as if they were channels of one output: the patches of a block
// overlap, so there is less to copy, and the product is less narrow. What it
// computes for kernels shifted within a block is added up. Layers whose patches take
// more than 64 MB of float32 are left to XLA, which has no need of them.
//
// With 8 input channels or more, and outputs of 64 places or more in rows of 16 at most, it is
// a convolution over the batch. oneDNN takes 0.5 to 0.95 of the product's time for that, and
// more than the product's time for smaller outputs and for longer rows (BenchmarkLowering).
func ConvolveKernelGradient(x, dy *graph.Node, kh, kw int) *graph.Node {
	in, d := x.Shape().Dimensions[3], dy.Shape().Dimensions
	if in >= 8 && d[1]*d[2] >= 64 && d[2] <= 16 {
		return convolveBatch(x, dy)
	}
	b := blockOf(kh, kw, in)
	blocks := d[0] * (roundUp(d[1], b.height) / b.height) * (roundUp(d[2], b.width) / b.width)
	if blocks*(kh+b.height-1)*(kw+b.width-1)*in > 16<<20 {
		return automaticKernelGradient(x, dy, kh, kw)
	}
	return b.kernelGradient(x, dy, kh, kw)
}

// convolveBatch is the kernel gradient as the convolution of x with dy, where samples are what
// channels are otherwise, and channels are the batch.
func convolveBatch(x, dy *graph.Node) *graph.Node {
	g := Convolve(graph.TransposeAllAxes(x, 3, 1, 2, 0), graph.TransposeAllAxes(dy, 1, 2, 0, 3))
	return graph.TransposeAllAxes(g, 1, 2, 0, 3)
}

// automaticKernelGradient is the kernel gradient as XLA computes it.
func automaticKernelGradient(x, dy *graph.Node, kh, kw int) *graph.Node {
	in, out := x.Shape().Dimensions[3], dy.Shape().Dimensions[3]
	zeros := graph.Zeros(x.Graph(), shapes.Make(x.DType(), kh, kw, in, out))
	// Only the gradient is computed: it does not depend on the kernel.
	y := Convolve(graph.StopGradient(x), zeros)
	return graph.Gradient(graph.ReduceAllSum(graph.Mul(y, graph.StopGradient(dy))), zeros)[0]
}

// block is a number of neighbouring outputs of a convolution, down and across.
type block struct{ height, width int }

// blockOf is the fastest block for a kernel, by BenchmarkLowering.
func blockOf(kh, kw, in int) block {
	switch {
	case in >= 4:
		return block{1, 1}
	case kh*kw <= 25:
		return block{1, 2}
	}
	return block{4, max(4, 8/in)}
}

func (b block) kernelGradient(x, dy *graph.Node, kh, kw int) *graph.Node {
	d, in := dy.Shape().Dimensions, x.Shape().Dimensions[3]
	h, w, out := roundUp(d[1], b.height), roundUp(d[2], b.width), d[3]
	dy = graph.Reshape(fit(fit(dy, 1, h), 2, w), d[0], h/b.height, b.height, w/b.width, b.width, out)
	dy = graph.Reshape(graph.TransposeAllAxes(dy, 0, 1, 3, 2, 4, 5), -1, b.height*b.width*out)
	g := graph.DotGeneral(b.patches(x, h, w, kh, kw), []int{0}, nil, dy, []int{0}, nil)
	g = graph.Reshape(g, kh+b.height-1, kw+b.width-1, in, b.height*b.width*out)
	var sum *graph.Node
	for i := range b.height {
		for j := range b.width {
			at := (i*b.width + j) * out
			sum = plus(sum, graph.Slice(g, graph.AxisRange(i, i+kh), graph.AxisRange(j, j+kw),
				graph.AxisRange(), graph.AxisRange(at, at+out)))
		}
	}
	return sum
}

// patches are what each block of outputs is computed from, a row for each of the
// blocks of h by w outputs. Beyond x there are zeros.
func (b block) patches(x *graph.Node, h, w, kh, kw int) *graph.Node {
	d := x.Shape().Dimensions
	height, width := kh+b.height-1, kw+b.width-1 // of a patch
	pieces := (width + b.width - 1) / b.width    // of a row of a patch: whole blocks copy fast
	x = fit(fit(x, 1, h+kh-1), 2, w+(pieces-1)*b.width)
	var parts []*graph.Node
	for i := range height {
		row := graph.Slice(x, graph.AxisRange(), graph.AxisRange(i, i+h-b.height+1).Stride(b.height))
		row = graph.Reshape(row, d[0], h/b.height, -1, b.width*d[3])
		for j := range pieces {
			parts = append(parts, graph.Slice(row, graph.AxisRange(), graph.AxisRange(),
				graph.AxisRange(j, j+w/b.width), graph.AxisRange(0, min(b.width, width-j*b.width)*d[3])))
		}
	}
	return graph.Reshape(graph.Concatenate(parts, -1), -1, height*width*d[3])
}

func roundUp(n, multiple int) int { return (n + multiple - 1) / multiple * multiple }

// fit cuts or extends an axis to n places, with zeros at its end.
func fit(x *graph.Node, axis, n int) *graph.Node {
	d := slices.Clone(x.Shape().Dimensions)
	switch have := d[axis]; {
	case n < have:
		return graph.SliceAxis(x, axis, graph.AxisRange(0, n))
	case n > have:
		d[axis] = n - have
		return graph.Concatenate([]*graph.Node{x,
			graph.Zeros(x.Graph(), shapes.Make(x.DType(), d...))}, axis)
	}
	return x
}
