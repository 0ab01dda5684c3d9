package firmware

import (
	"encoding/binary"
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"weightsep/wslib/network"
	"weightsep/wslib/onnx"
	"weightsep/wslib/onnx/onnxpb"
	"weightsep/xla/xlatest"
)

// onnxGraph is a graph of an ONNX file that grows by nodes. Their methods return the name of what they add.
type onnxGraph struct {
	onnxpb.GraphProto
	names int
}

func ints(name string, v ...int64) *onnxpb.AttributeProto {
	return &onnxpb.AttributeProto{Name: name, Type: onnxpb.AttributeProto_INTS, Ints: v}
}

func integer(name string, v int64) *onnxpb.AttributeProto {
	return &onnxpb.AttributeProto{Name: name, Type: onnxpb.AttributeProto_INT, I: v}
}

func (g *onnxGraph) name(begin string) string {
	g.names++
	return fmt.Sprint(begin, g.names)
}

func (g *onnxGraph) node(op string, inputs []string, a ...*onnxpb.AttributeProto) string {
	to := g.name(op)
	g.Node = append(g.Node, &onnxpb.NodeProto{Name: to, OpType: op, Input: inputs, Output: []string{to},
		Attribute: a})
	return to
}

func (g *onnxGraph) tensor(t *onnxpb.TensorProto) string {
	t.Name = g.name("w")
	g.Initializer = append(g.Initializer, t)
	return t.Name
}

// weights adds float32 weights, whose values the pack has.
func (g *onnxGraph) weights(sizes ...int) string {
	return g.tensor(&onnxpb.TensorProto{DataType: int32(onnxpb.TensorProto_FLOAT), Dims: longs(sizes),
		FloatData: make([]float32, volume(sizes))})
}

// number adds a scalar, which is no weight.
func (g *onnxGraph) number(v float32) string {
	return g.tensor(&onnxpb.TensorProto{DataType: int32(onnxpb.TensorProto_FLOAT), FloatData: []float32{v}})
}

// list adds whole numbers, as bytes or not.
func (g *onnxGraph) list(v ...int) string {
	t := &onnxpb.TensorProto{DataType: int32(onnxpb.TensorProto_INT64), Dims: []int64{int64(len(v))}}
	if len(v)%2 == 0 {
		t.Int64Data = longs(v)
	} else {
		for _, x := range v {
			t.RawData = binary.LittleEndian.AppendUint64(t.RawData, uint64(x))
		}
	}
	return g.tensor(t)
}

func longs(v []int) []int64 {
	out := make([]int64, len(v))
	for i, x := range v {
		out[i] = int64(x)
	}
	return out
}

// newGraph is a graph of one input x.
func newGraph(sizes ...int) *onnxGraph {
	g := &onnxGraph{}
	g.Input = []*onnxpb.ValueInfoProto{valueInfo("x", sizes)}
	return g
}

func valueInfo(name string, sizes []int) *onnxpb.ValueInfoProto {
	shape := &onnxpb.TensorShapeProto{Dim: []*onnxpb.TensorShapeProto_Dimension{
		{Value: &onnxpb.TensorShapeProto_Dimension_DimParam{DimParam: "batch"}}}}
	for _, n := range sizes {
		shape.Dim = append(shape.Dim, &onnxpb.TensorShapeProto_Dimension{
			Value: &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: int64(n)}})
	}
	return &onnxpb.ValueInfoProto{Name: name, Type: &onnxpb.TypeProto{Value: &onnxpb.TypeProto_TensorType{
		TensorType: &onnxpb.TypeProto_Tensor{ElemType: int32(onnxpb.TensorProto_FLOAT), Shape: shape}}}}
}

// file is the ONNX file of the graph with an output.
func (g *onnxGraph) file(output string) []byte {
	g.Name = "g"
	g.Output = []*onnxpb.ValueInfoProto{valueInfo(output, nil)}
	raw, err := proto.Marshal(&onnxpb.ModelProto{IrVersion: 8, Graph: &g.GraphProto,
		OpsetImport: []*onnxpb.OperatorSetIdProto{{Version: 17}}})
	if err != nil {
		panic(err)
	}
	return raw
}

func (g *onnxGraph) parse(t testing.TB, output string) *network.Network {
	t.Helper()
	n, err := onnx.Parse(xlatest.Backend(t), "n", g.file(output))
	if err != nil {
		t.Fatalf("%v: %v", &g.GraphProto, err)
	}
	return n
}

// conv adds a convolution of a kernel with a bias.
func (g *onnxGraph) conv(x string, out, in, height, width int, a ...*onnxpb.AttributeProto) string {
	return g.node("Conv", []string{x, g.weights(out, in, height, width), g.weights(out)}, a...)
}

// gemm flattens a value of so many values and adds a dense layer.
func (g *onnxGraph) gemm(x string, in, out int) string {
	return g.node("Gemm", []string{g.node("Flatten", []string{x}), g.weights(in, out), g.weights(out)})
}

func (g *onnxGraph) unary(op, x string) string { return g.node(op, []string{x}) }

func (g *onnxGraph) add(x, y string) string { return g.node("Add", []string{x, y}) }

// pool adds a pooling of windows with strides, of an image.
func (g *onnxGraph) pool(op, x string, size, stride int64, pads ...int64) string {
	a := []*onnxpb.AttributeProto{ints("kernel_shape", size, size), ints("strides", stride, stride)}
	if pads != nil {
		a = append(a, ints("pads", pads...))
	}
	return g.node(op, []string{x}, a...)
}
