package xla

import "github.com/gomlx/gomlx/core/graph"

// MaxPool2x2 is 2x2 max pooling of stride 2, VALID: an odd last row or column is
// dropped. x [batch, height, width, channels] becomes
// [batch, height/2, width/2, channels].
//
// It takes the maximum of four strided slices. XLA's CPU gradient of
// reduce-window ([graph.MaxPool]) makes a whole training step two to three
// times slower, and the pure Go backend has none. Where values are equal, the
// gradient is shared between them instead of going to the first.
func MaxPool2x2(x *graph.Node) *graph.Node {
	c := corners(x)
	return graph.Max(graph.Max(c[0], c[1]), graph.Max(c[2], c[3]))
}

// corners are the four values of each pool, [batch, height/2, width/2, channels].
func corners(x *graph.Node) [4]*graph.Node {
	d := x.Shape().Dimensions
	var parts [4]*graph.Node
	for i := range parts {
		parts[i] = graph.Slice(x, graph.AxisRange(),
			graph.AxisRange(i/2, d[1]/2*2).Stride(2), graph.AxisRange(i%2, d[2]/2*2).Stride(2))
	}
	return parts
}

// MaxPool2x2Gradient is the gradient of a loss with respect to the input x of
// [MaxPool2x2] from its result y and the gradient dy with respect to that. x must have
// no odd last row or column. Equal values share the gradient.
func MaxPool2x2Gradient(x, y, dy *graph.Node) *graph.Node {
	var count *graph.Node
	for _, part := range corners(x) {
		count = plus(count, graph.ConvertDType(graph.Equal(part, y), x.DType()))
	}
	d := y.Shape().Dimensions
	// Every pooled value meets its four places by broadcasting: one pass, in order.
	wide := func(v *graph.Node) *graph.Node {
		return graph.BroadcastToDims(graph.Reshape(v, d[0], d[1], 1, d[2], 1, d[3]), d[0], d[1], 2,
			d[2], 2, d[3])
	}
	x6 := graph.Reshape(x, d[0], d[1], 2, d[2], 2, d[3])
	dx := graph.Where(graph.Equal(x6, wide(y)), wide(graph.Div(dy, count)), graph.ZerosLike(x6))
	return graph.Reshape(dx, x.Shape().Dimensions...)
}

// GatherPages assembles a network's pages through its page table.
//
// pages [P, size] holds shared pages and then the network's own; table int32 [n]
// has values in 0..P-1. The result is [n, size]. Its gradient adds up where several
// entries name one page.
//
// The table is an argument, not a constant: another table needs no recompile.
func GatherPages(pages, table *graph.Node) *graph.Node {
	return graph.Gather(pages, graph.InsertAxes(table, -1))
}

// FlatWeights cuts gathered pages [n, size] down to the flat weight vector
// [weights]: the padding of the last page is dropped.
func FlatWeights(pages *graph.Node, weights int) *graph.Node {
	return graph.Slice(graph.Reshape(pages, -1), graph.AxisRange(0, weights))
}
