package onnx

import (
	"fmt"
	"slices"
	"strings"

	"weightsep/wslib/onnx/onnxpb"
)

// plain writes windows as onnx-gomlx v0.5.1 reads them, which changes no value, and says whether it changed
// any. Every pooling names its strides, which are 1 where a file names none; it would take the window's sizes
// for them. Attributes go that say how zeros around an image count, which it has not, where there are none,
// that windows have no holes, and how fast batch normalization learns in training.
func (f *file) plain() (changed bool) {
	for _, n := range nodes(f.GraphProto) {
		pool := n.OpType == "MaxPool" || n.OpType == "AveragePool"
		if !pool && n.OpType != "Conv" && n.OpType != "BatchNormalization" {
			continue
		}
		attributes := map[string]*onnxpb.AttributeProto{}
		for _, a := range n.Attribute {
			attributes[a.Name] = a
		}
		padded := strings.HasPrefix(string(attributes["auto_pad"].GetS()), "SAME") ||
			slices.ContainsFunc(attributes["pads"].GetInts(), func(p int64) bool { return p != 0 })
		kept := slices.DeleteFunc(slices.Clone(n.Attribute), func(a *onnxpb.AttributeProto) bool {
			return !padded && (a.Name == "count_include_pad" && a.I != 0 ||
				a.Name == "auto_pad" && string(a.S) == "VALID") ||
				n.OpType == "MaxPool" && a.Name == "dilations" && ones(a.Ints) ||
				a.Name == "momentum" && a.F != 0.9 && attributes["training_mode"].GetI() == 0
		})
		if axes := len(attributes["kernel_shape"].GetInts()); pool && axes > 0 && attributes["strides"] == nil {
			kept = append(kept, integers("strides", slices.Repeat([]int64{1}, axes)...))
		}
		changed = changed || !slices.Equal(kept, n.Attribute)
		n.Attribute = kept
	}
	return changed
}

func ones(v []int64) bool { return !slices.ContainsFunc(v, func(x int64) bool { return x != 1 }) }

// opset is the version of ONNX's operators that a model has.
func opset(m *onnxpb.ModelProto) int64 {
	version := int64(1)
	for _, o := range m.OpsetImport {
		if o.Domain == "" || o.Domain == "ai.onnx" {
			version = o.Version
		}
	}
	return version
}

// adapted writes what older opsets have as onnx-gomlx v0.5.1 reads it, and says whether there is any. What a
// network keeps of its file must be as it was before.
func (f *file) adapted() (changed bool, err error) {
	err = checkNames(f.GraphProto)
	limited, flattened := f.limited(), f.flattened()
	if changed = limited || flattened; !changed {
		return false, nil
	}
	return true, err
}

// limited makes inputs of the limits that Clip has as attributes before opset 11.
func (f *file) limited() (changed bool) {
	for _, n := range nodes(f.GraphProto) {
		if n.OpType != "Clip" || len(n.Input) != 1 {
			continue
		}
		for _, a := range n.Attribute {
			i := slices.Index([]string{"min", "max"}, a.Name) + 1
			if i == 0 {
				continue
			}
			changed = true
			limit := &onnxpb.TensorProto{Name: fmt.Sprint(prefix, "limit", len(f.Initializer)),
				DataType: typeFloat, FloatData: []float32{a.F}}
			f.Initializer = append(f.Initializer, limit)
			for len(n.Input) <= i {
				n.Input = append(n.Input, "")
			}
			n.Input[i] = limit.Name
		}
	}
	return changed
}

// flattened makes Softmax one over the last axis. Before opset 13 it is one over all axes from its own on.
// The last of the graph, which is left out, stays.
func (f *file) flattened() (changed bool) {
	if opset(f.model) >= 13 {
		return false
	}
	for _, g := range graphs(f.GraphProto) {
		b := newBuilder(&onnxpb.GraphProto{}, nil)
		for _, n := range g.Node {
			axis := int64(1)
			for _, a := range n.Attribute {
				if a.Name == "axis" {
					axis = a.I
				}
			}
			if n.OpType != "Softmax" || axis == -1 || len(n.Input) != 1 || len(n.Output) != 1 ||
				n.Output[0] == f.Output[0].Name {
				b.Node = append(b.Node, n)
				continue
			}
			x, y := n.Input[0], n.Output[0]
			shape := b.nodeAs(prefix+"shape of "+y, "Shape", []string{x})
			rows := b.nodeAs(prefix+"rows of "+y, "Flatten", []string{x}, integer("axis", axis))
			rows = b.nodeAs(prefix+"softmax of "+y, "Softmax", []string{rows}, integer("axis", -1))
			b.nodeAs(y, "Reshape", []string{rows, shape})
			changed = true
		}
		g.Node = b.Node
	}
	return changed
}

// misread is what a node has that onnx-gomlx v0.5.1 takes for something else, without an error.
func misread(n *onnxpb.NodeProto) string {
	for _, a := range n.Attribute {
		text := string(a.S)
		switch n.OpType + " " + a.Name {
		case "Resize mode":
			if text == "cubic" {
				return "mode cubic"
			}
		case "Gelu approximate":
			if text == "tanh" {
				return "approximate tanh"
			}
		case "AveragePool dilations":
			if !ones(a.Ints) {
				return fmt.Sprint("dilations ", a.Ints)
			}
		case "ArgMax select_last_index", "ArgMin select_last_index":
			if a.I != 0 {
				return "select_last_index"
			}
		}
	}
	return ""
}
