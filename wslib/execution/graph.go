package execution

import (
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"weightsep/wslib/page"
	"weightsep/xla"
)

// gather is the graph of a switch on the device: flat weights, multiplied in the order of [page.Set.Gather].
// Inputs, all as they are stored: shared pages and table, then what the network has of scales, exclusive
// pages, and keys with their rows.
func gather(in []*Node, f page.Format, m page.Member) *Node {
	next := func() *Node {
		n := in[0]
		in = in[1:]
		return n
	}
	shared, own := f.Precisions()
	stored, table := next(), ConvertDType(next(), dtypes.Int32)
	pages := unpack(xla.GatherPages(stored, MinScalar(table, f.Shared-1)), shared, f.Size)
	var scales *Node
	if m.Scales != nil {
		scales = InsertAxes(scaleValues(next(), f.ScaleFormat), -1)
	}
	if len(m.Exclusive) > 0 {
		at := AddScalar(table, -f.Shared) // negative: a shared page
		exclusive := unpack(xla.GatherPages(next(), MaxScalar(at, 0)), own, f.Size)
		isOwn := InsertAxes(GreaterOrEqual(at, ScalarZero(at.Graph(), dtypes.Int32)), -1)
		pages = Where(BroadcastToDims(isOwn, pages.Shape().Dimensions...), exclusive, pages)
	}
	if scales != nil {
		pages = Mul(pages, scales)
	}
	if len(m.Keys) > 0 {
		keys := unpack(next(), f.KeyPrecision, f.Size)
		keys = Concatenate([]*Node{keys, OnesLike(Slice(keys, AxisRange(0, 1)))}, 0)
		pages = Mul(pages, xla.GatherPages(keys, ConvertDType(next(), dtypes.Int32)))
	}
	return xla.FlatWeights(pages, m.Weights)
}

// unpack is [page.Precision.Unpack] of many pages in a graph: [pages, size] code
// values.
func unpack(pages *Node, p page.Precision, size int) *Node {
	if !p.Quantized() {
		return pages
	}
	bits := p.Bits()
	if bits >= 8 {
		return ConvertDType(pages, dtypes.Float32)
	}
	// Every byte [n, bytes] becomes a row [n, bytes, codes]: shifted, masked.
	shifts := make([]uint8, 8/bits)
	for i := range shifts {
		shifts[i] = uint8(i * bits)
	}
	n, bytes := pages.Shape().Dimensions[0], pages.Shape().Dimensions[1]
	dims := []int{n, bytes, len(shifts)}
	shift := BroadcastToDims(Reshape(Const(pages.Graph(), shifts), 1, 1, len(shifts)), dims...)
	codes := BitwiseShiftRightLogical(BroadcastToDims(InsertAxes(pages, -1), dims...), shift)
	codes = BitwiseAnd(codes, Scalar(pages.Graph(), dtypes.Uint8, 1<<bits-1))
	values := Slice(Reshape(codes, n, bytes*len(shifts)), AxisRange(), AxisRange(0, size))
	if p == page.Int2 {
		return AddScalar(ConvertDType(values, dtypes.Float32), -1.5)
	}
	// Two's complement: the flipped sign bit counts up from -8.
	values = BitwiseXor(values, Scalar(pages.Graph(), dtypes.Uint8, 8))
	return AddScalar(ConvertDType(values, dtypes.Float32), -8)
}

// scaleValues is [page.ScaleFormat.Unpack] in a graph.
func scaleValues(scales *Node, f page.ScaleFormat) *Node {
	switch f {
	case page.ScaleFloat16:
		return ConvertDType(scales, dtypes.Float32)
	case page.ScaleLog8:
		all := make([]byte, 256)
		for b := range all {
			all[b] = byte(b)
		}
		values := Const(scales.Graph(), page.ScaleLog8.Unpack(all))
		return Gather(values, InsertAxes(ConvertDType(scales, dtypes.Int32), -1))
	}
	return scales
}
