package xla

import (
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

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
func ConvolveKernelGradient(x, dy *graph.Node, kh, kw int) *graph.Node {
	in, d := x.Shape().Dimensions[3], dy.Shape().Dimensions
	b := blockOf(kh, kw, in)
	blocks := d[0] * (roundUp(d[1], b.height) / b.height) * (roundUp(d[2], b.width) / b.width)
	if blocks*(kh+b.height-1)*(kw+b.width-1)*in > 16<<20 {
		return automaticKernelGradient(x, dy, kh, kw)
	}
	return b.kernelGradient(x, dy, kh, kw)
}

// automaticKernelGradient is the kernel gradient as XLA computes it.
func automaticKernelGradient(x, dy *graph.Node, kh, kw int) *graph.Node {
	zeros := graph.Zeros(x.Graph(), shapes.Make(x.DType(), kh, kw, x.Shape().Dimensions[3], dy.Shape().Dimensions[3]))
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
			part := graph.Slice(g, graph.AxisRange(i, i+kh), graph.AxisRange(j, j+kw), graph.AxisRange(), graph.AxisRange(at, at+out))
			if sum == nil {
				sum = part
			} else {
				sum = graph.Add(sum, part)
			}
		}
	}
	return sum
}

// patches are what each block of outputs is computed from, a row for each of the
// blocks of h by w outputs. Beyond x there are zeros.
func (b block) patches(x *graph.Node, h, w, kh, kw int) *graph.Node {
	d := x.Shape().Dimensions
	height, width := kh+b.height-1, kw+b.width-1 // of a patch
	pieces := (width + b.width - 1) / b.width    // a patch's rows are cut along the blocks: whole ones copy fast
	x = fit(fit(x, 1, h+kh-1), 2, w+(pieces-1)*b.width)
	var parts []*graph.Node
	for i := range height {
		row := graph.Slice(x, graph.AxisRange(), graph.AxisRange(i, i+h-b.height+1).Stride(b.height))
		row = graph.Reshape(row, d[0], h/b.height, -1, b.width*d[3])
		for j := range pieces {
			parts = append(parts, graph.Slice(row, graph.AxisRange(), graph.AxisRange(), graph.AxisRange(j, j+w/b.width),
				graph.AxisRange(0, min(b.width, width-j*b.width)*d[3])))
		}
	}
	return graph.Reshape(graph.Concatenate(parts, -1), -1, height*width*d[3])
}

func roundUp(n, multiple int) int { return (n + multiple - 1) / multiple * multiple }

// fit cuts or extends an axis to n places, with zeros at its end.
func fit(x *graph.Node, axis, n int) *graph.Node {
	d := append([]int(nil), x.Shape().Dimensions...)
	switch have := d[axis]; {
	case n < have:
		ranges := make([]graph.SliceAxisSpec, x.Rank())
		for i := range ranges {
			ranges[i] = graph.AxisRange()
		}
		ranges[axis] = graph.AxisRange(0, n)
		return graph.Slice(x, ranges...)
	case n > have:
		d[axis] = n - have
		return graph.Concatenate([]*graph.Node{x, graph.Zeros(x.Graph(), shapes.Make(x.DType(), d...))}, axis)
	}
	return x
}
