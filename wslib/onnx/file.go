package onnx

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"weightsep/wslib/onnx/onnxpb"
)

// file is what this package has to know of an ONNX file.
type file struct {
	*onnxpb.GraphProto
	model        *onnxpb.ModelProto
	initializers map[string]*onnxpb.TensorProto
	inputs       []*onnxpb.ValueInfoProto // but for initializers
}

// typeFloat is float32 among the types of ONNX tensors.
const typeFloat = int32(onnxpb.TensorProto_FLOAT)

// typeNames are those of weights that would be of another type.
var typeNames = map[int32]string{2: "uint8", 3: "int8", 10: "float16", 11: "float64", 16: "bfloat16"}

// parse reads a model.
func parse(raw []byte) (*file, error) {
	m, err := unmarshal(raw)
	if err != nil {
		return nil, err
	}
	f := &file{GraphProto: m.Graph, model: m, initializers: map[string]*onnxpb.TensorProto{}}
	for _, t := range m.Graph.Initializer {
		f.initializers[t.Name] = t
	}
	for _, v := range m.Graph.Input {
		if f.initializers[v.Name] == nil {
			f.inputs = append(f.inputs, v)
		}
	}
	return f, nil
}

// unmarshal reads a model, which has a graph.
func unmarshal(raw []byte) (*onnxpb.ModelProto, error) {
	m := &onnxpb.ModelProto{}
	if err := proto.Unmarshal(raw, m); err != nil {
		return nil, err
	}
	if m.Graph == nil {
		return nil, errors.New("it has no graph")
	}
	return m, nil
}

// dims are the sizes of a value's axes, 0 where not fixed.
func dims(v *onnxpb.ValueInfoProto) (sizes []int) {
	for _, d := range v.GetType().GetTensorType().GetShape().GetDim() {
		sizes = append(sizes, int(d.GetDimValue()))
	}
	return sizes
}

// nodeName names a node as ONNX tools do.
func nodeName(n *onnxpb.NodeProto) string {
	name := n.Name
	if name == "" && len(n.Output) > 0 {
		name = n.Output[0]
	}
	return fmt.Sprintf("node %q (%s)", name, n.OpType)
}

// mostValues is how many values a tensor has at most.
const mostValues = 1 << 29

// widths are the bytes of a value in raw data, by types.
var widths = map[onnxpb.TensorProto_DataType]int{onnxpb.TensorProto_FLOAT: 4, onnxpb.TensorProto_UINT8: 1,
	onnxpb.TensorProto_INT8: 1, onnxpb.TensorProto_UINT16: 2, onnxpb.TensorProto_INT16: 2,
	onnxpb.TensorProto_INT32: 4, onnxpb.TensorProto_INT64: 8, onnxpb.TensorProto_BOOL: 1,
	onnxpb.TensorProto_FLOAT16: 2, onnxpb.TensorProto_DOUBLE: 8, onnxpb.TensorProto_UINT32: 4,
	onnxpb.TensorProto_UINT64: 8, onnxpb.TensorProto_COMPLEX64: 8, onnxpb.TensorProto_COMPLEX128: 16,
	onnxpb.TensorProto_BFLOAT16: 2}

// graphs are a graph and those in it, as the branches of If.
func graphs(g *onnxpb.GraphProto) []*onnxpb.GraphProto {
	all := []*onnxpb.GraphProto{g}
	for i := 0; i < len(all); i++ {
		for _, n := range all[i].Node {
			for _, a := range n.Attribute {
				if a.G != nil {
					all = append(all, a.G)
				}
			}
		}
	}
	return all
}

// nodes are those of a graph and of the graphs in it.
func nodes(g *onnxpb.GraphProto) (all []*onnxpb.NodeProto) {
	for _, g := range graphs(g) {
		all = append(all, g.Node...)
	}
	return all
}

// tensor is one that a file holds, and what it is there.
type tensor struct {
	*onnxpb.TensorProto
	what string
}

// tensors are initializers and what attributes of nodes hold, of the graphs in the graph too.
func (f *file) tensors() (all []tensor) {
	for _, g := range graphs(f.GraphProto) {
		for _, t := range g.Initializer {
			all = append(all, tensor{t, fmt.Sprintf("initializer %q", t.Name)})
		}
		for _, n := range g.Node {
			for _, a := range n.Attribute {
				if a.T != nil {
					all = append(all, tensor{a.T, fmt.Sprintf("%s: attribute %q", nodeName(n), a.Name)})
				}
			}
		}
	}
	return all
}

// whole returns an error for a tensor that has not as many values as its sizes say, for which onnx-gomlx
// makes room before it looks. Types that it does not know it refuses itself.
func (t tensor) whole() error {
	want := 1
	for _, d := range t.Dims {
		if d < 0 || d > int64(mostValues/max(want, 1)) {
			return fmt.Errorf("%s has sizes %v, want at most %d values", t.what, t.Dims, mostValues)
		}
		want *= int(d)
	}
	width := widths[onnxpb.TensorProto_DataType(t.DataType)]
	if width == 0 {
		return nil
	}
	if bytes := len(t.RawData); bytes > 0 {
		if bytes != want*width {
			return fmt.Errorf("%s has %d bytes, want %d for sizes %v", t.what, bytes, want*width, t.Dims)
		}
		return nil
	}
	// Shorter types lie among those of 32 bits, and of the lists one is there.
	have := cmp.Or(len(t.DoubleData), len(t.FloatData), len(t.Int64Data), len(t.Uint64Data), len(t.Int32Data))
	if width == 2 && strings.HasSuffix(typeNames[t.DataType], "float16") && have > 0 {
		return fmt.Errorf("%s has values of %s in a list, want raw data", t.what, typeNames[t.DataType])
	}
	if have != want {
		return fmt.Errorf("%s has %d values, want %d for sizes %v", t.what, have, want, t.Dims)
	}
	return nil
}

// mostNodes is how many a file has at most: onnx-gomlx goes from node to node by recursion.
const mostNodes = 100_000

// formed returns an error for a file that is none by ONNX's definition, where onnx-gomlx fails without one.
func (f *file) formed() error {
	for _, v := range slices.Concat(f.Input, f.Output) {
		if v.GetType().GetTensorType() == nil {
			return fmt.Errorf("%q has no type of a tensor, want one of inputs and outputs", v.Name)
		}
	}
	if count := len(nodes(f.GraphProto)); count > mostNodes {
		return fmt.Errorf("%d nodes, want at most %d", count, mostNodes)
	}
	variables := map[string]string{} // GoMLX's names
	for _, t := range f.Initializer {
		name := strings.ReplaceAll(t.Name, "/", "|")
		if other, found := variables[name]; found && other != t.Name {
			return fmt.Errorf("initializers %q and %q have one name where / is |", other, t.Name)
		}
		variables[name] = t.Name
	}
	return ordered(f.GraphProto, map[string]bool{})
}

// ordered returns an error unless all nodes of a graph read what is there before them and no two values have
// one name: so nothing goes in circles. It leaves there, the names around the graph, as it is.
func ordered(g *onnxpb.GraphProto, there map[string]bool) error {
	if len(g.SparseInitializer) > 0 {
		return errors.New("it has sparse initializers, want dense ones")
	}
	var own []string
	defer func() {
		for _, name := range own {
			delete(there, name)
		}
	}()
	give := func(name string) error {
		if there[name] {
			return fmt.Errorf("two values %q, want one of a name", name)
		}
		if name != "" { // an output that is left out
			there[name], own = true, append(own, name)
		}
		return nil
	}
	initializers := map[string]bool{}
	for _, t := range g.Initializer {
		initializers[t.Name] = true
		if err := give(t.Name); err != nil {
			return err
		}
	}
	for _, v := range g.Input {
		if initializers[v.Name] { // until 2019 all were inputs, too
			continue
		}
		if err := give(v.Name); err != nil {
			return err
		}
	}
	for _, n := range g.Node {
		for _, name := range n.Input {
			if name != "" && !there[name] {
				return fmt.Errorf("%s: its input %q is not there before it, want nodes in order",
					nodeName(n), name)
			}
		}
		for _, a := range n.Attribute {
			if a.G != nil {
				if err := ordered(a.G, there); err != nil {
					return fmt.Errorf("%s: %s: %w", nodeName(n), a.Name, err)
				}
			}
		}
		for _, name := range n.Output {
			if err := give(name); err != nil {
				return err
			}
		}
	}
	for _, v := range g.Output {
		if !there[v.Name] {
			return fmt.Errorf("no node makes its output %q", v.Name)
		}
	}
	return nil
}

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

// fill gives initializers that have no values zeros, at most so many in all. It says whether there are any.
func (f *file) fill(names []string, most int) (filled bool, err error) {
	for _, name := range names {
		t := f.initializers[name]
		if len(t.RawData) > 0 || len(t.FloatData) > 0 {
			continue
		}
		count := 1
		for _, d := range t.Dims {
			if d < 1 || d > int64(most/count) {
				return false, fmt.Errorf("its weights %q have no values, and room for at most %d is left", name,
					most)
			}
			count *= int(d)
		}
		most -= count
		t.RawData, filled = make([]byte, 4*count), true
	}
	return filled, nil
}

// without is the file without the values of initializers, which keep them here.
func (f *file) without(names []string) ([]byte, error) {
	for _, name := range names {
		t := f.initializers[name]
		raw, floats := t.RawData, t.FloatData
		defer func() { t.RawData, t.FloatData = raw, floats }()
		t.RawData, t.FloatData = nil, nil
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(f.model)
}
