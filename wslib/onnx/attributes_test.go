package onnx

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"google.golang.org/protobuf/proto"

	"weightsep/wslib/network"
	"weightsep/wslib/onnx/onnxpb"
	"weightsep/xla/xlatest"
)

// modelOn is a file of one node, or more, on samples of a shape times weights w that are ones, one for each
// channel.
func modelOn(t testing.TB, opset int64, shape []int64,
	add func(b *builder, x string) string) *onnxpb.ModelProto {
	t.Helper()
	b := newBuilder(&onnxpb.GraphProto{Name: "g"}, nil)
	b.Input = []*onnxpb.ValueInfoProto{value("x", typeFloat, append([]int64{0}, shape...)...)}
	w := &onnxpb.TensorProto{Name: "w", DataType: typeFloat, Dims: slices.Repeat([]int64{1}, len(shape))}
	w.Dims[0] = shape[0]
	w.FloatData = slices.Repeat([]float32{1}, int(shape[0]))
	b.Initializer = []*onnxpb.TensorProto{w}
	b.Output = []*onnxpb.ValueInfoProto{value(add(b, b.node("Mul", []string{"x", "w"})), typeFloat,
		slices.Repeat([]int64{0}, len(shape)+1)...)}
	return &onnxpb.ModelProto{IrVersion: 7, Graph: b.GraphProto,
		OpsetImport: []*onnxpb.OperatorSetIdProto{{Version: opset}}}
}

// read is the network of a model.
func read(t testing.TB, m *onnxpb.ModelProto) (*network.Network, error) {
	t.Helper()
	raw, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return Parse(xlatest.Backend(t), "n", raw)
}

// outputs are what a network whose weights are ones makes of a sample.
func outputs(t *testing.T, n *network.Network, x []float32) []float32 {
	t.Helper()
	exec, err := n.NewExec(xlatest.Backend(t), func(in []*graph.Node) []*graph.Node {
		bind, in := n.Bind(in)
		return []*graph.Node{n.Forward(bind, in[0]).Output()}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	on := network.Values{Weights: slices.Repeat([]float32{1}, n.Weights())}.On()
	out, err := exec.Call(on[0], tensors.FromFlatDataAndDimensions(x, append([]int{1}, n.Input()...)...))
	if err != nil {
		t.Fatal(err)
	}
	return tensors.MustCopyFlatData[float32](out[0])
}

// Limits of Clip before opset 11 are attributes, which hold, and stay in what a network keeps of its file.
func TestClipOfAttributes(t *testing.T) {
	x := []float32{-3, 2, 7, 100}
	for _, c := range []struct {
		limits []*onnxpb.AttributeProto
		want   []float32
	}{
		{[]*onnxpb.AttributeProto{number("min", 0), number("max", 6)}, []float32{0, 2, 6, 6}},
		{[]*onnxpb.AttributeProto{number("max", 6), number("min", 1)}, []float32{1, 2, 6, 6}},
		{[]*onnxpb.AttributeProto{number("max", 6)}, []float32{-3, 2, 6, 6}},
		{[]*onnxpb.AttributeProto{number("min", 0)}, []float32{0, 2, 7, 100}},
		{nil, x},
	} {
		m := modelOn(t, 10, []int64{4}, func(b *builder, x string) string {
			return b.node("Clip", []string{x}, c.limits...)
		})
		for i := range m.Graph.Node { // names that begin with prefix are those of this package
			m.Graph.Node[i].Output[0] = []string{"scaled", "clipped"}[i]
		}
		m.Graph.Node[1].Input[0], m.Graph.Output[0].Name = "scaled", "clipped"
		n, err := read(t, m)
		if err != nil {
			t.Fatal(err)
		}
		if got := outputs(t, n, x); !slices.Equal(got, c.want) {
			t.Errorf("%v: outputs %v, want %v", c.limits, got, c.want)
		}
		if n.Weights() != 4 || n.StateSize() != 0 {
			t.Errorf("%d weights and %d of state, want 4 of w", n.Weights(), n.StateSize())
		}
		m.Graph.Initializer[0].FloatData = nil
		if kept, err := unmarshal(GraphOf(n)); err != nil || !proto.Equal(kept, m) {
			t.Errorf("%v: another file is kept: %v, %v", c.limits, kept, err)
		}
		again, err := ParseGraph(xlatest.Backend(t), "n", GraphOf(n), 4)
		if err != nil {
			t.Fatal(err)
		}
		if got := outputs(t, again, x); !slices.Equal(got, c.want) ||
			again.Architecture() != n.Architecture() {
			t.Errorf("%v: outputs %v of what was kept, want %v", c.limits, got, c.want)
		}
	}
}

// Exporters write attributes without effect: windows without holes, and what batch normalization would do in
// training.
func TestAttributesOfExporters(t *testing.T) {
	pool := func(in bool, a ...*onnxpb.AttributeProto) *onnxpb.ModelProto {
		return modelOn(t, 17, []int64{1, 4, 4}, func(b *builder, x string) string {
			a = append(a, integers("kernel_shape", 2, 2))
			if !in {
				return b.node("MaxPool", []string{x}, a...)
			}
			// A graph in the graph has windows as well, and strides of 1.
			g := &onnxpb.GraphProto{Name: "branch",
				Output: []*onnxpb.ValueInfoProto{value("pooled", typeFloat)},
				Node: []*onnxpb.NodeProto{{OpType: "MaxPool", Input: []string{x}, Output: []string{"pooled"},
					Attribute: a}}}
			yes := b.node("Constant", nil, &onnxpb.AttributeProto{Name: "value",
				Type: onnxpb.AttributeProto_TENSOR,
				T:    &onnxpb.TensorProto{DataType: int32(onnxpb.TensorProto_BOOL), RawData: []byte{1}}})
			return b.node("If", []string{yes},
				&onnxpb.AttributeProto{Name: "then_branch", G: g, Type: onnxpb.AttributeProto_GRAPH},
				&onnxpb.AttributeProto{Name: "else_branch", G: g, Type: onnxpb.AttributeProto_GRAPH})
		})
	}
	normalized := func(a ...*onnxpb.AttributeProto) *onnxpb.ModelProto {
		return modelOn(t, 17, []int64{2}, func(b *builder, x string) string {
			b.Initializer = append(b.Initializer, &onnxpb.TensorProto{Name: "of", DataType: typeFloat,
				Dims: []int64{2}, FloatData: []float32{1, 2}})
			return b.node("BatchNormalization", []string{x, "of", "of", "of", "of"}, a...)
		})
	}
	for _, c := range []struct{ with, without *onnxpb.ModelProto }{
		{pool(false, integers("dilations", 1, 1)), pool(false)},
		{pool(true, integers("dilations", 1, 1)), pool(true)},
		{normalized(number("momentum", 0.1), integer("training_mode", 0)),
			normalized(integer("training_mode", 0))},
		{normalized(number("momentum", 1)), normalized()},
	} {
		want, err := read(t, c.without)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := read(t, c.with); err != nil || n.Architecture() != want.Architecture() {
			t.Errorf("%v: another network, or %v", c.with.Graph.Node, err)
		}
		if sizes := want.Output(); len(sizes) == 3 && !slices.Equal(sizes, []int{1, 3, 3}) {
			t.Errorf("output %v, want windows at every place", sizes)
		}
	}
	for want, m := range map[string]*onnxpb.ModelProto{
		"'dilations'": pool(false, integers("dilations", 1, 2)),
		"'momentum'":  normalized(number("momentum", 0.1), integer("training_mode", 1)),
	} {
		if _, err := read(t, m); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one of %s", err, want)
		}
	}
	// What was taken all along stays another file.
	same, err := read(t, normalized())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := read(t, normalized(number("momentum", 0.9))); err != nil ||
		n.Architecture() == same.Architecture() {
		t.Errorf("the usual momentum has gone, or %v", err)
	}
}

// Softmax in a graph goes over all axes from its own on before opset 13, over its own from then on.
func TestSoftmaxOfOldOpsets(t *testing.T) {
	x := []float32{1, 2, 3, 4, 0, 1}
	over := func(groups ...[]int) []float32 {
		y := make([]float32, len(x))
		for _, g := range groups {
			sum := 0.0
			for _, i := range g {
				sum += math.Exp(float64(x[i]))
			}
			for _, i := range g {
				y[i] = float32(math.Exp(float64(x[i])) / sum)
			}
		}
		return y
	}
	all := over([]int{0, 1, 2, 3, 4, 5})
	rows, columns := over([]int{0, 1, 2}, []int{3, 4, 5}), over([]int{0, 3}, []int{1, 4}, []int{2, 5})
	for _, c := range []struct {
		opset int64
		axis  []*onnxpb.AttributeProto
		want  []float32
	}{
		{11, nil, all}, {12, []*onnxpb.AttributeProto{integer("axis", 1)}, all},
		{11, []*onnxpb.AttributeProto{integer("axis", -2)}, all},
		{11, []*onnxpb.AttributeProto{integer("axis", 2)}, rows},
		{11, []*onnxpb.AttributeProto{integer("axis", -1)}, rows},
		{13, nil, rows}, {13, []*onnxpb.AttributeProto{integer("axis", 1)}, columns},
	} {
		m := modelOn(t, c.opset, []int64{2, 3}, func(b *builder, x string) string {
			return b.node("Neg", []string{b.node("Softmax", []string{x}, c.axis...)})
		})
		for i := range m.Graph.Node {
			m.Graph.Node[i].Output[0] = string(rune('a' + i))
		}
		m.Graph.Node[1].Input[0], m.Graph.Node[2].Input[0], m.Graph.Output[0].Name = "a", "b", "c"
		n, err := read(t, m)
		if err != nil {
			t.Fatal(err)
		}
		for i, got := range outputs(t, n, x) {
			if math.Abs(float64(got+c.want[i])) > 1e-6 {
				t.Errorf("opset %d, %v: output %d is %v, want %v", c.opset, c.axis, i, got, -c.want[i])
			}
		}
		m.Graph.Initializer[0].FloatData = nil
		if kept, err := unmarshal(GraphOf(n)); err != nil || !proto.Equal(kept, m) {
			t.Errorf("opset %d, %v: another file is kept: %v, %v", c.opset, c.axis, kept, err)
		}
	}
}

// What onnx-gomlx would take for something else, without an error, is refused.
func TestMisread(t *testing.T) {
	text := func(name, v string) *onnxpb.AttributeProto {
		return &onnxpb.AttributeProto{Name: name, Type: onnxpb.AttributeProto_STRING, S: []byte(v)}
	}
	for _, c := range []struct {
		op, want string
		a, not   *onnxpb.AttributeProto // refused, and taken
	}{
		{"Resize", `(Resize): mode cubic is not supported`, text("mode", "cubic"), text("mode", "linear")},
		{"Gelu", `(Gelu): approximate tanh is not supported`, text("approximate", "tanh"),
			text("approximate", "none")},
		{"AveragePool", `(AveragePool): dilations [1 2] is not supported`, integers("dilations", 1, 2),
			integers("dilations", 1, 1)},
		{"ArgMax", `(ArgMax): select_last_index is not supported`, integer("select_last_index", 1),
			integer("select_last_index", 0)},
		{"ArgMin", `(ArgMin): select_last_index is not supported`, integer("select_last_index", 1),
			integer("select_last_index", 0)},
	} {
		made := func(a *onnxpb.AttributeProto) *onnxpb.ModelProto {
			return modelOn(t, 20, []int64{1, 4, 4}, func(b *builder, x string) string {
				switch c.op {
				case "Resize":
					scales := &onnxpb.TensorProto{Name: "scales", DataType: typeFloat, Dims: []int64{4},
						FloatData: []float32{1, 1, 2, 2}}
					v := &onnxpb.AttributeProto{Name: "value", T: scales, Type: onnxpb.AttributeProto_TENSOR}
					return b.node(c.op, []string{x, "", b.node("Constant", nil, v)}, a)
				case "AveragePool":
					return b.node(c.op, []string{x}, a, integers("kernel_shape", 2, 2))
				case "Gelu":
					return b.node(c.op, []string{x}, a)
				}
				return b.cast(b.node(c.op, []string{x}, a, integer("axis", 3)), onnxpb.TensorProto_FLOAT)
			})
		}
		if _, err := read(t, made(c.a)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
		if _, err := read(t, made(c.not)); err != nil {
			t.Errorf("%s, %v: %v", c.op, c.not, err)
		}
	}
}
