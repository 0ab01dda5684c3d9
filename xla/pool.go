package xla

import "github.com/gomlx/gomlx/core/graph"

// MaxPool2x2 is 2x2 max pooling of stride 2, VALID: an odd last row or column is
// dropped. x [batch, height, width, channels] becomes
// [batch, height/2, width/2, channels].
//
// It takes the maximum of four strided slices. XLA's CPU gradient of
// reduce-window ([NativeMaxPool2x2]) makes a whole training step two to three
// times slower, and the pure Go backend has none. Where values are equal, the
// gradient is shared between them instead of going to the first.
func MaxPool2x2(x *graph.Node) *graph.Node {
	d := x.Shape().Dimensions
	h, w := d[1]/2*2, d[2]/2*2
	corner := func(i, j int) *graph.Node {
		return graph.Slice(x, graph.AxisRange(), graph.AxisRange(i, h).Stride(2), graph.AxisRange(j, w).Stride(2))
	}
	return graph.Max(
		graph.Max(corner(0, 0), corner(0, 1)),
		graph.Max(corner(1, 0), corner(1, 1)))
}

// NativeMaxPool2x2 is the same pooling by XLA's reduce-window. It is here to be
// measured against.
func NativeMaxPool2x2(x *graph.Node) *graph.Node {
	return graph.MaxPool(x).Window(2).Strides(2).NoPadding().Done()
}
