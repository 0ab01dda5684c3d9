package xla

import "github.com/gomlx/gomlx/core/graph"

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
	if inputs, outputs := (d[1]+k[0]-1)*(d[2]+k[1]-1), d[1]*d[2]; 2*inputs > 3*outputs {
		return shiftedSums(dy, kernel)
	}
	return convolveTurned(dy, kernel)
}

// convolveTurned is the input gradient as the convolution of dy, padded, with the
// kernel turned by half a turn.
func convolveTurned(dy, kernel *graph.Node) *graph.Node {
	k := kernel.Shape().Dimensions
	turned := graph.TransposeAllAxes(graph.Reverse(kernel, 0, 1), 0, 1, 3, 2)
	return graph.Convolve(dy, turned).PaddingPerDim([][2]int{{k[0] - 1, k[0] - 1}, {k[1] - 1, k[1] - 1}}).Done()
}

// shiftedSums is the input gradient as one matrix product, which gives what each
// output contributes to each place under the kernel, and kh*kw shifted additions.
func shiftedSums(dy, kernel *graph.Node) *graph.Node {
	d, k := dy.Shape().Dimensions, kernel.Shape().Dimensions
	flat := graph.DotGeneral(graph.Reshape(dy, -1, k[3]), []int{1}, nil, graph.Reshape(kernel, -1, k[3]), []int{1}, nil)
	zero := graph.ScalarZero(dy.Graph(), dy.DType())
	var sum *graph.Node
	for i := range k[0] {
		for j := range k[1] {
			at := (i*k[1] + j) * k[2]
			part := graph.Reshape(graph.Slice(flat, graph.AxisRange(), graph.AxisRange(at, at+k[2])), d[0], d[1], d[2], k[2])
			part = graph.Pad(part, zero, graph.PadAxis{},
				graph.PadAxis{Start: i, End: k[0] - 1 - i}, graph.PadAxis{Start: j, End: k[1] - 1 - j}, graph.PadAxis{})
			if sum == nil {
				sum = part
			} else {
				sum = graph.Add(sum, part)
			}
		}
	}
	return sum
}
