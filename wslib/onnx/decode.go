package onnx

import (
	"encoding/binary"

	"weightsep/wslib/onnx/onnxpb"
	"weightsep/wslib/page"
)

// weights adds what puts a network's flat weight vector together, in the order of multiplications of
// [page.Set.Gather]. The network's pages on shared ones and its own are decoded apart, as they may have
// other precisions and only the former have keys, then brought into the network's order.
func (b *builder) weights(set *page.Set, m page.Member) string {
	shared, exclusive := set.Precisions()
	var table, order []int32
	var scales, own []float32 // of the network's pages on shared ones, and of its own
	count := int32(len(m.Table.Entries) - len(m.Table.Exclusive()))
	for i, e := range m.Table.Entries {
		to := &scales
		if int(e) < set.Shared {
			order = append(order, int32(len(table)))
			table = append(table, e)
		} else {
			order = append(order, count+e-int32(set.Shared))
			to = &own
		}
		if m.Scales != nil {
			*to = append(*to, m.Scales[i])
		}
	}
	var parts []string
	if count > 0 {
		pages := b.external("shared_pages", 0, shared.Array(set.Pages, set.Size))
		v := b.node("Gather", []string{pages, b.table(page.TablePart, table)})
		v = b.scaled(b.decoded(v, shared, set.Size), page.ScalesPart, set.ScaleFormat, scales)
		if len(m.Keys) > 0 {
			keys := b.stored(page.KeysPart, set.KeyPrecision.Array(m.Keys, set.Size))
			v = b.node("Mul", []string{v, b.decoded(keys, set.KeyPrecision, set.Size)})
		}
		parts = append(parts, v)
	}
	if len(m.Exclusive) > 0 {
		v := b.stored(page.ExclusivePart, exclusive.Array(m.Exclusive, set.Size))
		v = b.decoded(v, exclusive, set.Size)
		parts = append(parts, b.scaled(v, "exclusive_"+page.ScalesPart, set.ScaleFormat, own))
	}
	pages := parts[0]
	if len(parts) > 1 {
		pages = b.node("Concat", parts, integer("axis", 0))
		pages = b.node("Gather", []string{pages, b.table("order", order)})
	}
	return b.node("Reshape", []string{pages, b.longs(-1)})
}

// table adds the numbers of rows that Gather takes.
func (b *builder) table(name string, rows []int32) string {
	raw, _ := binary.Append(nil, binary.LittleEndian, rows)
	return b.overridable(b.constant(name, onnxpb.TensorProto_INT32, raw, int64(len(rows))))
}

// stored adds rows of the network's own to the file of pages.
func (b *builder) stored(name string, a page.Array) string {
	return b.overridable(b.external(name, b.pages.add(a.Data), a))
}

// decoded is the values of packed rows, each of size values. Every byte is looked up among all 256.
func (b *builder) decoded(rows string, p page.Precision, size int) string {
	if !p.Quantized() {
		return rows
	}
	inByte := 8 / p.Bits()
	values := b.lookup("values of "+p.String(), p.Unpack(bytes(), inByte), inByte, rows)
	width := p.Bytes(size) * inByte
	values = b.node("Reshape", []string{values, b.longs(-1, int64(width))})
	if width > size {
		values = b.node("Slice", []string{values, b.longs(0), b.longs(int64(size)), b.longs(1)})
	}
	return values
}

// scaled is decoded rows times their scales, if there are any.
func (b *builder) scaled(rows, name string, f page.ScaleFormat, scales []float32) string {
	if scales == nil {
		return rows
	}
	a := f.Array(scales)
	s := b.constant(name, kindOf(a), a.Data, int64(len(scales)), 1)
	switch a.Type {
	case "F16":
		s = b.cast(s, onnxpb.TensorProto_FLOAT)
	case "U8":
		s = b.node("Reshape", []string{b.lookup("values of scales", f.Unpack(bytes()), 1, s), b.longs(-1, 1)})
	}
	return b.node("Mul", []string{rows, s})
}

// lookup is the values of bytes, each of which stands for so many. All networks share the table.
func (b *builder) lookup(name string, values []float32, inByte int, of string) string {
	a := page.Array{Type: "F32", Shape: []int{256, inByte}, Data: page.PackFloats(values)}
	all := b.external(name, b.pages.once(name, a.Data), a)
	return b.node("Gather", []string{all, b.cast(of, onnxpb.TensorProto_INT32)})
}

// bytes are all there are.
func bytes() []byte {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return all
}
