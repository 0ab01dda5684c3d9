package onnx

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"weightsep/wslib/network"
	"weightsep/wslib/onnx/onnxpb"
	"weightsep/wslib/page"
)

// prefix begins the names of all that is added to a graph but for weights.
const prefix = "weightsep/"

// checkNames returns an error for a name that a builder may give.
func checkNames(g *onnxpb.GraphProto) error {
	var names []string
	for _, n := range g.Node {
		names = append(names, n.Output...)
	}
	for _, t := range g.Initializer {
		names = append(names, t.Name)
	}
	for _, v := range g.Input {
		names = append(names, v.Name)
	}
	if i := slices.IndexFunc(names, func(s string) bool { return strings.HasPrefix(s, prefix) }); i >= 0 {
		return fmt.Errorf("its ONNX file has a value %q, want no names that begin with %q", names[i], prefix)
	}
	return nil
}

// builder adds nodes and initializers to a graph.
type builder struct {
	*onnxpb.GraphProto
	pages *pagesFile
	names int             // given so far
	added map[string]bool // initializers, by name
}

func newBuilder(g *onnxpb.GraphProto, pages *pagesFile) *builder {
	return &builder{GraphProto: g, pages: pages, added: map[string]bool{}}
}

// node adds a node and names its output.
func (b *builder) node(op string, inputs []string, attributes ...*onnxpb.AttributeProto) string {
	b.names++
	return b.nodeAs(prefix+strconv.Itoa(b.names), op, inputs, attributes...)
}

// nodeAs adds a node whose output has a name.
func (b *builder) nodeAs(out, op string, inputs []string, attributes ...*onnxpb.AttributeProto) string {
	b.Node = append(b.Node,
		&onnxpb.NodeProto{OpType: op, Input: inputs, Output: []string{out}, Attribute: attributes})
	return out
}

func integer(name string, v int64) *onnxpb.AttributeProto {
	return &onnxpb.AttributeProto{Name: name, Type: onnxpb.AttributeProto_INT, I: v}
}

func integers(name string, v ...int64) *onnxpb.AttributeProto {
	return &onnxpb.AttributeProto{Name: name, Type: onnxpb.AttributeProto_INTS, Ints: v}
}

func number(name string, v float32) *onnxpb.AttributeProto {
	return &onnxpb.AttributeProto{Name: name, Type: onnxpb.AttributeProto_FLOAT, F: v}
}

func (b *builder) cast(v string, to onnxpb.TensorProto_DataType) string {
	return b.node("Cast", []string{v}, integer("to", int64(to)))
}

// initializer adds an initializer, and names it. What is there under the name already stays.
func (b *builder) initializer(t *onnxpb.TensorProto) string {
	t.Name = prefix + t.Name
	if !b.added[t.Name] {
		b.added[t.Name] = true
		b.Initializer = append(b.Initializer, t)
	}
	return t.Name
}

// constant adds an initializer that holds its data.
func (b *builder) constant(name string, kind onnxpb.TensorProto_DataType, raw []byte, shape ...int64) string {
	return b.initializer(
		&onnxpb.TensorProto{Name: name, DataType: int32(kind), Dims: shape, RawData: raw})
}

// longs adds an initializer of whole numbers, as of a shape.
func (b *builder) longs(v ...int64) string {
	var raw []byte
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(x))
	}
	return b.constant(fmt.Sprint(v), onnxpb.TensorProto_INT64, raw, int64(len(v)))
}

// external adds an initializer whose data lie in the file of pages.
func (b *builder) external(name string, offset int, a page.Array) string {
	entry := func(key, value string) *onnxpb.StringStringEntryProto {
		return &onnxpb.StringStringEntryProto{Key: key, Value: value}
	}
	return b.initializer(&onnxpb.TensorProto{
		Name: name, DataType: int32(kindOf(a)), Dims: longs(a.Shape),
		DataLocation: onnxpb.TensorProto_EXTERNAL,
		ExternalData: []*onnxpb.StringStringEntryProto{entry("location", PagesFile),
			entry("offset", strconv.Itoa(offset)), entry("length", strconv.Itoa(len(a.Data)))},
	})
}

// kindOf is the type of an array in ONNX. Bytes are codes, whatever their sign.
func kindOf(a page.Array) onnxpb.TensorProto_DataType {
	switch a.Type {
	case "F32":
		return onnxpb.TensorProto_FLOAT
	case "F16":
		return onnxpb.TensorProto_FLOAT16
	}
	return onnxpb.TensorProto_UINT8
}

func longs(v []int) []int64 {
	out := make([]int64, len(v))
	for i, x := range v {
		out[i] = int64(x)
	}
	return out
}

// overridable makes the last initializer an input, too: it then may change from run to run, and a
// runtime does not compute what follows from it, the network's weights, when it loads the model.
func (b *builder) overridable(name string) string {
	t := b.Initializer[len(b.Initializer)-1]
	b.Input = append(b.Input, value(name, t.DataType, t.Dims...))
	return name
}

// value is an input or output; a size of 0 is that of the batch.
func value(name string, kind int32, sizes ...int64) *onnxpb.ValueInfoProto {
	shape := &onnxpb.TensorShapeProto{}
	for _, n := range sizes {
		d := &onnxpb.TensorShapeProto_Dimension{}
		if d.Value = (&onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: n}); n == 0 {
			d.Value = &onnxpb.TensorShapeProto_Dimension_DimParam{DimParam: "batch"}
		}
		shape.Dim = append(shape.Dim, d)
	}
	return &onnxpb.ValueInfoProto{Name: name, Type: &onnxpb.TypeProto{Value: &onnxpb.TypeProto_TensorType{
		TensorType: &onnxpb.TypeProto_Tensor{ElemType: kind, Shape: shape}}}}
}

// layers cuts a flat weight vector into a network's layers, by their names.
func (b *builder) layers(flat string, layers []network.Layer) {
	for _, l := range layers {
		from, to := int64(l.Offset), int64(l.Offset+l.Size())
		part := b.node("Slice", []string{flat, b.longs(from), b.longs(to), b.longs(0)})
		b.nodeAs(l.Name, "Reshape", []string{part, b.longs(longs(l.Shape)...)})
	}
}
