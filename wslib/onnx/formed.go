package onnx

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"weightsep/wslib/onnx/onnxpb"
)

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
