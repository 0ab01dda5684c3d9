package onnx

import (
	"encoding/json"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"weightsep/wslib/network"
	"weightsep/wslib/onnx/onnxpb"
	"weightsep/xla/xlatest"
)

// testdata/small.onnx has a convolution with a kernel of even size, batch normalization, Clip, a
// depthwise and a pointwise convolution, a dense layer and Softmax; small.json has samples and
// what ONNX Runtime 1.x makes of them.
func TestAgainstONNXRuntime(t *testing.T) {
	b := xlatest.Backend(t)
	n, err := Load(b, "small", "testdata/small.onnx")
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Validate(); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range n.Layers() {
		names = append(names, l.Name)
	}
	if want := "k1 b1 gamma beta dw db k2 w c"; strings.Join(names, " ") != want {
		t.Errorf("layers %v, want %s", names, want)
	}
	if n.Weights() != 32+4+4+4+36+4+24+18+3 || n.StateSize() != 8 ||
		!slices.Equal(n.Input(), []int{8, 6, 1}) || !slices.Equal(n.Output(), []int{3}) {
		t.Errorf("%d weights, %d of state, input %v, output %v", n.Weights(), n.StateSize(), n.Input(),
			n.Output())
	}
	var want struct{ X, Probabilities []float32 }
	raw, err := os.ReadFile("testdata/small.json")
	if err == nil {
		err = json.Unmarshal(raw, &want)
	}
	if err != nil {
		t.Fatal(err)
	}
	weights, state, err := n.Initial(1)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range probabilities(t, b, n, network.Values{Weights: weights, State: state}, want.X) {
		if math.Abs(float64(p-want.Probabilities[i])) > 1e-6 {
			t.Errorf("probability %d is %v, ONNX Runtime's %v", i, p, want.Probabilities[i])
		}
	}
	if len(GraphOf(n)) == 0 {
		t.Error("the network has lost its file")
	}
}

// Each change to the file is refused with a sentence that names what is wrong.
func TestRefused(t *testing.T) {
	b := xlatest.Backend(t)
	raw, err := os.ReadFile("testdata/small.onnx")
	if err != nil {
		t.Fatal(err)
	}
	swap := func(old, with string) []byte {
		if len(old) != len(with) || !strings.Contains(string(raw), old) {
			t.Fatalf("cannot put %q for %q", with, old)
		}
		return []byte(strings.ReplaceAll(string(raw), old, with))
	}
	// An initializer's name follows its type.
	typed := func(kind byte) []byte {
		name := append(protowire.AppendTag(nil, 8, protowire.BytesType), 2, 'k', '2')
		at := strings.Index(string(raw), string(append([]byte{0x10, byte(typeFloat)}, name...)))
		if at < 0 {
			t.Fatal("no initializer k2")
		}
		changed := slices.Clone(raw)
		changed[at+1] = kind
		return changed
	}
	for want, file := range map[string][]byte{
		"not an ONNX file":                            []byte("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
		"it has no graph":                             {},
		`(Rela): the operator is not supported`:       swap("Relu", "Rela"),
		`node "pointwise" (Conv): "k2" is of float16`: typed(10),
		`node "pointwise" (Conv): "k2" is of int8`:    typed(3),
	} {
		_, err := Parse(b, "small", file)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want one line with %q", err, want)
		}
	}
	for cut := range len(raw) / 40 {
		if _, err := Parse(b, "small", raw[:cut*40]); err == nil {
			t.Errorf("the first %d bytes are taken for a network", cut*40)
		}
	}
}

// An attribute of windows that changes nothing is no other network; one that changes something is refused.
func TestAttributesWithoutEffect(t *testing.T) {
	auto := func(pad string) *onnxpb.AttributeProto {
		return &onnxpb.AttributeProto{Name: "auto_pad", Type: onnxpb.AttributeProto_STRING, S: []byte(pad)}
	}
	read := func(op string, a ...*onnxpb.AttributeProto) (*network.Network, error) {
		b := newBuilder(&onnxpb.GraphProto{Name: "g", Input: []*onnxpb.ValueInfoProto{
			value("x", typeFloat, 0, 3, 9, 7)}}, nil)
		b.Initializer = []*onnxpb.TensorProto{{Name: "k", DataType: typeFloat, Dims: []int64{3, 3, 1, 1},
			FloatData: make([]float32, 9)}}
		y := b.node("Conv", []string{"x", "k"})
		if op == "Conv" {
			y = b.node(op, []string{y, "k"}, a...)
		} else {
			y = b.node(op, []string{y}, append(a, integers("kernel_shape", 3, 3))...)
		}
		b.Output = []*onnxpb.ValueInfoProto{value(b.node("Flatten", []string{y}), typeFloat, 0, 0)}
		raw, err := proto.Marshal(&onnxpb.ModelProto{IrVersion: 8, Graph: b.GraphProto,
			OpsetImport: []*onnxpb.OperatorSetIdProto{{Version: 17}}})
		if err != nil {
			t.Fatal(err)
		}
		return Parse(xlatest.Backend(t), "n", raw)
	}
	for _, op := range []string{"MaxPool", "AveragePool", "Conv"} {
		none, some := integers("pads", 0, 0, 0, 0), integers("pads", 0, 1, 0, 0)
		want, err := read(op, none)
		if err != nil {
			t.Fatal(err)
		}
		with, err := read(op, none, auto("VALID"))
		if err != nil || with.Architecture() != want.Architecture() {
			t.Errorf("%s, VALID: another network, or %v", op, err)
		}
		for _, a := range [][]*onnxpb.AttributeProto{{some, auto("VALID")}, {auto("SAME_UPPER")}} {
			if _, err := read(op, a...); err == nil || !strings.Contains(err.Error(), "'auto_pad'") {
				t.Errorf("%s, %v: error %v", op, a, err)
			}
		}
		if op != "AveragePool" {
			continue
		}
		counted := integer("count_include_pad", 1)
		with, err = read(op, none, counted)
		if err != nil || with.Architecture() != want.Architecture() {
			t.Errorf("zeros that are not there count: another network, or %v", err)
		}
		if _, err := read(op, some, counted); err == nil || !strings.Contains(err.Error(), "count_include_pad") {
			t.Errorf("zeros count: error %v", err)
		}
	}
}

func FuzzParse(f *testing.F) {
	raw, err := os.ReadFile("testdata/small.onnx")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	for _, m := range []*onnxpb.ModelProto{sum(f), circle(f)} {
		if raw, err = proto.Marshal(m); err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) { _, _ = open(raw, 1<<16) })
}

// What a pack keeps of a file has no weights, and is the same network: the same outputs for the weights of
// the file, and the same again if it is read and kept once more. It asks for no more room than it is given.
func TestGraphWithoutWeights(t *testing.T) {
	b := xlatest.Backend(t)
	n, err := Load(b, "small", "testdata/small.onnx")
	if err != nil {
		t.Fatal(err)
	}
	kept, all := GraphOf(n), n.Weights()+n.StateSize()
	m, err := unmarshal(kept)
	if err != nil {
		t.Fatal(err)
	}
	empty := 0
	for _, i := range m.Graph.Initializer {
		if len(i.RawData)+len(i.FloatData) == 0 && len(i.Int64Data) == 0 {
			empty++
		}
	}
	if want := len(n.Layers()) + len(n.Model.State()); empty != want {
		t.Errorf("%d initializers without values, want %d", empty, want)
	}
	again, err := ParseGraph(b, "again", kept, all)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(GraphOf(again), kept) || again.Architecture() != n.Architecture() ||
		!reflect.DeepEqual(again.Layers(), n.Layers()) {
		t.Error("read from its graph it is another network")
	}
	weights, state, err := n.Initial(1)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, n.Samples())
	for i := range x {
		x[i] = float32(i%7) - 3
	}
	v := network.Values{Weights: weights, State: state}
	if got, want := probabilities(t, b, again, v, x), probabilities(t, b, n, v, x); !slices.Equal(got, want) {
		t.Errorf("probabilities %v, want %v", got, want)
	}
	for _, values := range []int{0, all - 1} {
		if _, err := ParseGraph(b, "small", kept, values); err == nil ||
			!strings.Contains(err.Error(), "have no values, and room for at most") {
			t.Errorf("room for %d of %d values: %v", values, all, err)
		}
	}
}

// probabilities are what a network says of samples.
func probabilities(t *testing.T, b compute.Backend, n *network.Network, v network.Values,
	x []float32) []float32 {
	t.Helper()
	exec, err := n.NewExec(b, func(in []*graph.Node) []*graph.Node {
		bind, in := n.Bind(in)
		return []*graph.Node{graph.Softmax(n.Forward(bind, in[0]).Output())}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	on := v.On()
	shape := append([]int{len(x) / n.Samples()}, n.Input()...)
	out, err := exec.Call(on[0], on[1], tensors.FromFlatDataAndDimensions(x, shape...))
	if err != nil {
		t.Fatal(err)
	}
	return tensors.MustCopyFlatData[float32](out[0])
}
