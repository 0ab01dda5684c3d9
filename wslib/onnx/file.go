package onnx

import (
	"errors"
	"fmt"

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
