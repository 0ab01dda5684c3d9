package onnx

import (
	"strings"
	"testing"

	"weightsep/wslib/onnx/onnxpb"
)

// sum is a file whose output is its input times weights, plus a constant.
func sum(t *testing.T) *onnxpb.ModelProto {
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
