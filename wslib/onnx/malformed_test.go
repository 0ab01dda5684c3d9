package onnx

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"weightsep/wslib/onnx/onnxpb"
)

// sum is a file whose output is its input times weights, plus a constant.
func sum(t testing.TB) *onnxpb.ModelProto {
	t.Helper()
	m := modelOn(t, 17, []int64{4}, func(b *builder, x string) string {
		one := &onnxpb.TensorProto{DataType: typeFloat, Dims: []int64{1}, FloatData: []float32{1}}
		c := b.node("Constant", nil, &onnxpb.AttributeProto{Name: "value", T: one,
			Type: onnxpb.AttributeProto_TENSOR})
		return b.node("Add", []string{x, c})
	})
	return m
}

// branch makes a graph of one initializer, and an If that has it twice, of a model.
func branch(m *onnxpb.ModelProto, t *onnxpb.TensorProto) *onnxpb.GraphProto {
	t.Name = "inner"
	g := &onnxpb.GraphProto{Name: "branch", Initializer: []*onnxpb.TensorProto{t},
		Output: []*onnxpb.ValueInfoProto{value("inner", t.DataType, t.Dims...)}}
	m.Graph.Initializer = append(m.Graph.Initializer,
		&onnxpb.TensorProto{Name: "condition", DataType: int32(onnxpb.TensorProto_BOOL), RawData: []byte{1}})
	attribute := func(name string) *onnxpb.AttributeProto {
		return &onnxpb.AttributeProto{Name: name, G: g, Type: onnxpb.AttributeProto_GRAPH}
	}
	add := m.Graph.Node[len(m.Graph.Node)-1]
	m.Graph.Node = append(m.Graph.Node[:len(m.Graph.Node)-1], &onnxpb.NodeProto{OpType: "If",
		Input: []string{"condition"}, Output: []string{"chosen"},
		Attribute: []*onnxpb.AttributeProto{attribute("then_branch"), attribute("else_branch")}}, add)
	add.Input[1] = "chosen"
	return g
}

// circle is a file whose nodes read each other.
func circle(t testing.TB) *onnxpb.ModelProto {
	m := sum(t)
	m.Graph.Node[0].Input[0] = m.Graph.Node[2].Output[0]
	return m
}

func floats(dims []int64, v ...float32) *onnxpb.TensorProto {
	return &onnxpb.TensorProto{Name: "other", DataType: typeFloat, Dims: dims, FloatData: v}
}

// refuses sees that changes to a file are refused with a sentence.
func refuses(t *testing.T, want string, changes map[string]func(m *onnxpb.ModelProto)) {
	t.Helper()
	for name, change := range changes {
		m := sum(t)
		if _, err := read(t, m); err != nil {
			t.Fatal(err)
		}
		change(m)
		_, err := read(t, m)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", name, err, want)
		}
	}
}

func TestBranches(t *testing.T) {
	m := sum(t)
	branch(m, floats([]int64{1}, 5))
	n, err := read(t, m)
	if err != nil {
		t.Fatal(err)
	}
	if got := outputs(t, n, []float32{0, 1, 2, 3}); got[0] != 5 || got[3] != 8 {
		t.Errorf("outputs %v, want 5 more than inputs", got)
	}
}

// A file that would have others opened is refused, whether or not its nodes read their values.
func TestOtherFiles(t *testing.T) {
	entries := []*onnxpb.StringStringEntryProto{{Key: "location", Value: "malformed_test.go"}}
	outside := func(t *onnxpb.TensorProto) *onnxpb.TensorProto {
		t.ExternalData, t.FloatData = entries, nil
		return t
	}
	refuses(t, "lie in another file, want them in this one", map[string]func(m *onnxpb.ModelProto){
		"location":      func(m *onnxpb.ModelProto) { m.Graph.Initializer[0].DataLocation = 1 },
		"no location":   func(m *onnxpb.ModelProto) { outside(m.Graph.Initializer[0]) },
		"beside values": func(m *onnxpb.ModelProto) { m.Graph.Initializer[0].ExternalData = entries },
		"not read": func(m *onnxpb.ModelProto) {
			m.Graph.Initializer = append(m.Graph.Initializer, outside(floats([]int64{1}, 1)))
		},
		"constant": func(m *onnxpb.ModelProto) { outside(m.Graph.Node[1].Attribute[0].T) },
		"branch":   func(m *onnxpb.ModelProto) { outside(branch(m, floats([]int64{1}, 1)).Initializer[0]) },
	})
}

// Sizes are those of the values that are there, of all types, before anything makes room for them.
func TestSizes(t *testing.T) {
	unread := func(o *onnxpb.TensorProto) func(m *onnxpb.ModelProto) {
		o.Name = "other"
		return func(m *onnxpb.ModelProto) { m.Graph.Initializer = append(m.Graph.Initializer, o) }
	}
	huge := []int64{1 << 20, 1 << 20, 1 << 10}
	refuses(t, " has sizes ", map[string]func(m *onnxpb.ModelProto){
		"weights":  func(m *onnxpb.ModelProto) { m.Graph.Initializer[0].Dims = huge },
		"constant": func(m *onnxpb.ModelProto) { m.Graph.Node[1].Attribute[0].T.Dims = huge },
		"branch":   func(m *onnxpb.ModelProto) { branch(m, floats(huge, 1)) },
	})
	refuses(t, `initializer "other" has `, map[string]func(m *onnxpb.ModelProto){
		"not read":    unread(floats(huge, 1)),
		"overflow":    unread(floats([]int64{1 << 32, 1 << 32}, 1)),
		"negative":    unread(floats([]int64{-1, -1}, 1)),
		"beside 0":    unread(floats([]int64{0, 1 << 40})),
		"too few":     unread(floats([]int64{1 << 28}, 1)),
		"too many":    unread(floats([]int64{2}, 1, 2, 3)),
		"none":        unread(floats([]int64{2})),
		"bytes":       unread(&onnxpb.TensorProto{DataType: 7, Dims: []int64{1 << 28}, RawData: []byte{1}}),
		"of 8 bits":   unread(&onnxpb.TensorProto{DataType: 3, Dims: []int64{5}, Int32Data: []int32{1}}),
		"half":        unread(&onnxpb.TensorProto{DataType: 10, Dims: []int64{1}, Int32Data: []int32{15360}}),
		"of one byte": unread(&onnxpb.TensorProto{DataType: 3, Dims: []int64{5}, RawData: []byte{1}}),
	})
	for i, o := range []*onnxpb.TensorProto{
		floats(nil, 1), floats([]int64{0, 3}), floats([]int64{2, 1}, 1, 2),
		{DataType: 2, Dims: []int64{2}, Int32Data: []int32{1, 2}}, {DataType: 2, RawData: []byte{1}},
		{DataType: 9, Dims: []int64{2}, Int32Data: []int32{1, 0}}, {DataType: 9, RawData: []byte{1}},
		{DataType: 10, Dims: []int64{2}, RawData: []byte{0, 60, 0, 61}},
		{DataType: 11, Dims: []int64{2}, DoubleData: []float64{1, 2}}, {DataType: 11, RawData: []byte{7: 1}},
		{DataType: 13, Dims: []int64{2}, Uint64Data: []uint64{1, 2}}, {DataType: 7, Int64Data: []int64{4}},
		{DataType: 12, Dims: []int64{1}, Uint64Data: []uint64{1}}, {DataType: 16, RawData: make([]byte, 2)},
	} {
		m := sum(t)
		unread(o)(m)
		if _, err := read(t, m); err != nil {
			t.Errorf("tensor %d: %v", i, err)
		}
	}
}

// What onnx-gomlx would answer with a panic, or with a stack without end, is refused with a sentence.
func TestMalformed(t *testing.T) {
	for want, change := range map[string]func(m *onnxpb.ModelProto){
		`"x" has no type of a tensor`: func(m *onnxpb.ModelProto) { m.Graph.Input[0].Type = nil },
		`" has no type of a tensor`:   func(m *onnxpb.ModelProto) { m.Graph.Output[0].Type = nil },
		"sparse initializers": func(m *onnxpb.ModelProto) {
			m.Graph.SparseInitializer = []*onnxpb.SparseTensorProto{{}}
		},
		`two values "w"`: func(m *onnxpb.ModelProto) {
			m.Graph.Initializer = append(m.Graph.Initializer, m.Graph.Initializer[0])
		},
		`two values "x"`: func(m *onnxpb.ModelProto) {
			m.Graph.Node[1].Output[0], m.Graph.Node[2].Input[1] = "x", "x"
		},
		"want nodes in order": func(m *onnxpb.ModelProto) {
			m.Graph.Node[0].Input[0] = m.Graph.Node[2].Output[0]
		},
		"else_branch: node": func(m *onnxpb.ModelProto) {
			g := branch(m, floats([]int64{1}, 1))
			g.Node = []*onnxpb.NodeProto{{OpType: "Relu", Input: []string{"chosen"}, Output: []string{"r"}}}
			at := m.Graph.Node[2]
			at.Attribute[0].G, at.Attribute[1].G = nil, g
			g.Output[0].Name = "r"
		},
		`then_branch: two values "w"`: func(m *onnxpb.ModelProto) {
			g := branch(m, floats([]int64{1}, 1))
			g.Node = []*onnxpb.NodeProto{{OpType: "Relu", Input: []string{"w"}, Output: []string{"w"}}}
			g.Output[0].Name = "w"
		},
		`no node makes its output "none"`: func(m *onnxpb.ModelProto) { m.Graph.Output[0].Name = "none" },
		"100001 nodes, want at most 100000": func(m *onnxpb.ModelProto) {
			for len(m.Graph.Node) <= mostNodes {
				m.Graph.Node = append(m.Graph.Node, m.Graph.Node[0])
			}
		},
		`"one/name" and "one|name"`: func(m *onnxpb.ModelProto) {
			a, b := floats([]int64{1}, 1), floats([]int64{1}, 1)
			a.Name, b.Name = "one/name", "one|name"
			m.Graph.Initializer = append(m.Graph.Initializer, a, b)
		},
		"not an ONNX file for onnx-gomlx: ": func(m *onnxpb.ModelProto) {
			m.Graph.Output[0] = value(m.Graph.Output[0].Name, typeFloat, -7)
		},
	} {
		refuses(t, want, map[string]func(m *onnxpb.ModelProto){"": change})
	}
}

// As many nodes as a file may have, one after another, are no stack without end.
func TestDeep(t *testing.T) {
	m := sum(t)
	relu := m.Graph.Output[0].Name
	for i := range mostNodes - len(m.Graph.Node) {
		name := fmt.Sprint("relu", i)
		m.Graph.Node = append(m.Graph.Node, &onnxpb.NodeProto{OpType: "Relu", Input: []string{relu},
			Output: []string{name}})
		relu = name
	}
	m.Graph.Output[0].Name = relu
	raw, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(raw, 0); err != nil {
		t.Fatal(err)
	}
}
