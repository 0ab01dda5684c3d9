package xla

import (
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// Convolve is the VALID convolution of stride 1, left to XLA, which is the fastest
// on its CPU backend wherever there are several input channels.
// x [batch, height, width, in], kernel [kh, kw, in, out];
// the result is [batch, height-kh+1, width-kw+1, out].
func Convolve(x, kernel *graph.Node) *graph.Node {
	return graph.Convolve(x, kernel).NoPadding().Done()
}

// ConvolveKernelGradient is the gradient of a loss with respect to the kernel of
// [Convolve], of shape kernel [kh, kw, in, out], from the gradient dy with respect
// to its result. It is left to XLA, too.
func ConvolveKernelGradient(x, dy *graph.Node, kernel ...int) *graph.Node {
	zeros := graph.Zeros(x.Graph(), shapes.Make(x.DType(), kernel...))
	// Only the gradient is computed: it does not depend on the kernel.
	y := Convolve(graph.StopGradient(x), zeros)
	return graph.Gradient(graph.ReduceAllSum(graph.Mul(y, graph.StopGradient(dy))), zeros)[0]
}

// ConvolveInputGradient is the gradient of a loss with respect to the input of
// [Convolve] from the gradient dy [batch, h, w, out] with respect to its result.
// The result is [batch, h+kh-1, w+kw-1, in].
//
// One matrix product gives what each output contributes to each place under the
// kernel, and kh*kw shifted additions put that together: two thirds of the time of
// XLA's own.
func ConvolveInputGradient(dy, kernel *graph.Node) *graph.Node {
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
