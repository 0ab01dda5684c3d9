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
	return PoolBlocks(x, Block{1, 1})
}

// PoolBlocks is [MaxPool2x2] of the result of a convolution over blocks, which
// divide 2 by 2: x [batch, h, w, Height*Width*channels], h and w counted in blocks.
func PoolBlocks(x *graph.Node, b Block) *graph.Node {
	parts := corners(x, b)
	for len(parts) > 1 {
		parts = append(parts[2:], graph.Max(parts[0], parts[1]))
	}
	return parts[0]
}

// corners are the four values of each pool, [batch, height/2, width/2, channels].
func corners(x *graph.Node, b Block) []*graph.Node {
	d := x.Shape().Dimensions
	down, across := 2/b.Height, 2/b.Width // blocks in a pool
	h, w, c := d[1]/down*down, d[2]/across*across, d[3]/(b.Height*b.Width)
	var parts []*graph.Node
	for i := range 2 {
		for j := range 2 {
			at := (i%b.Height*b.Width + j%b.Width) * c
			parts = append(parts, graph.Slice(x, graph.AxisRange(),
				graph.AxisRange(i/b.Height, h).Stride(down), graph.AxisRange(j/b.Width, w).Stride(across),
				graph.AxisRange(at, at+c)))
		}
	}
	return parts
}

// PoolBlocksGradient is the gradient with respect to the input x of [PoolBlocks]
// from its result y and the gradient dy with respect to that. x must have no odd
// last row or column. Equal values share the gradient.
func PoolBlocksGradient(x, y, dy *graph.Node, b Block) *graph.Node {
	var count *graph.Node
	for _, part := range corners(x, b) {
		is := graph.ConvertDType(graph.Equal(part, y), x.DType())
		if count == nil {
			count = is
		} else {
			count = graph.Add(count, is)
		}
	}
	d := y.Shape().Dimensions
	down, across := 2/b.Height, 2/b.Width
	// Every pooled value meets its four places by broadcasting: one pass, in order.
	wide := func(v *graph.Node) *graph.Node {
		v = graph.Reshape(v, d[0], d[1], 1, d[2], 1, 1, d[3])
		return graph.BroadcastToDims(v, d[0], d[1], down, d[2], across, b.Height*b.Width, d[3])
	}
	x7 := graph.Reshape(x, d[0], d[1], down, d[2], across, b.Height*b.Width, d[3])
	dx := graph.Where(graph.Equal(x7, wide(y)), wide(graph.Div(dy, count)), graph.ZerosLike(x7))
	return graph.Reshape(dx, x.Shape().Dimensions...)
}

// NativeMaxPool2x2 is the same pooling by XLA's reduce-window. It is here to be
// measured against.
func NativeMaxPool2x2(x *graph.Node) *graph.Node {
	return graph.MaxPool(x).Window(2).Strides(2).NoPadding().Done()
}
