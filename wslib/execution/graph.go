package execution

import (
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"weightsep/wslib/page"
	"weightsep/xla"
)

// gather is the graph of a switch. Inputs: shared pages, table, then exclusive
// pages if the network has any, all as they are stored. Of a mixed network, whose
// exclusive pages are stored in another precision, they are not among the inputs:
// any shared page stands in their places.
func gather(in []*Node, f page.Format, m page.Member, mixed bool) *Node {
	pages, table := in[0], ConvertDType(in[1], dtypes.Int32)
	if mixed {
		table = MinScalar(table, f.Shared-1)
	}
	if len(in) > 2 {
		pages = Concatenate([]*Node{pages, in[2]}, 0)
	}
	out := xla.GatherPages(pages, table)
	if m.Scales != nil {
		return out
	}
	return xla.FlatWeights(out, m.Weights)
}

// decode multiplies gathered pages by their scales and keys. Inputs: gathered pages, scales,
// then table and exclusive pages of a mixed network, then keys and their rows if the
// network has any. It is an executable of its own because XLA's CPU compiler, given both,
// computes page and scale of every single weight: 260 µs instead of 100 for 128 pages.
func decode(in []*Node, f page.Format, m page.Member, mixed bool) *Node {
	shared, own := f.Precisions()
	pages, scales := unpack(in[0], shared, f.Size), scaleValues(in[1], f.ScaleFormat)
	in = in[2:]
	if mixed {
		at := AddScalar(ConvertDType(in[0], dtypes.Int32), -f.Shared) // negative: a shared page
		exclusive := xla.GatherPages(unpack(in[1], own, f.Size), MaxScalar(at, 0))
		isOwn := InsertAxes(GreaterOrEqual(at, ScalarZero(at.Graph(), dtypes.Int32)), -1)
		pages = Where(BroadcastToDims(isOwn, pages.Shape().Dimensions...), exclusive, pages)
		in = in[2:]
	}
	pages = Mul(pages, InsertAxes(scales, -1))
	if len(m.Keys) > 0 {
		keys := unpack(in[0], f.KeyPrecision, f.Size)
		keys = Concatenate([]*Node{keys, OnesLike(Slice(keys, AxisRange(0, 1)))}, 0)
		pages = Mul(pages, xla.GatherPages(keys, ConvertDType(in[1], dtypes.Int32)))
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
