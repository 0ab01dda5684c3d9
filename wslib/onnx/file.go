package onnx

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// file is what this package has to know of an ONNX file: the names in its graph.
type file struct {
	nodes        []node
	initializers map[string]initializer
	inputs       []value // but for initializers
	outputs      []value
}

type node struct {
	name, op        string
	inputs, outputs []string
}

// String names a node as ONNX tools do.
func (n node) String() string {
	name := n.name
	if name == "" && len(n.outputs) > 0 {
		name = n.outputs[0]
	}
	return fmt.Sprintf("node %q (%s)", name, n.op)
}

type initializer struct {
	dataType int64
	scalar   bool
	external bool
}

type value struct {
	name string
	dims []int // 0: not fixed
}

// typeFloat is float32 among the types of ONNX tensors, TensorProto.DataType.
const typeFloat = 1

// typeNames are those of weights that would be of another type.
var typeNames = map[int64]string{2: "uint8", 3: "int8", 10: "float16", 11: "float64", 16: "bfloat16"}

// parse reads the names of a model.
func parse(raw []byte) (*file, error) {
	// The library keeps the types to itself, but registers them.
	kind, err := protoregistry.GlobalTypes.FindMessageByName("protos.ModelProto")
	if err != nil {
		return nil, err
	}
	m := message{kind.New()}
	if err := proto.Unmarshal(raw, m.Interface()); err != nil {
		return nil, err
	}
	graph := m.message("graph")
	if !graph.IsValid() {
		return nil, errors.New("it has no graph")
	}
	f := &file{initializers: map[string]initializer{}, outputs: values(graph, "output")}
	for _, n := range graph.messages("node") {
		f.nodes = append(f.nodes,
			node{n.get("name").String(), n.get("op_type").String(), n.strings("input"), n.strings("output")})
	}
	for _, t := range graph.messages("initializer") {
		f.initializers[t.get("name").String()] = initializer{t.get("data_type").Int(),
			t.get("dims").List().Len() == 0, t.get("data_location").Enum() == 1}
	}
	f.inputs = slices.DeleteFunc(values(graph, "input"), func(v value) bool {
		_, found := f.initializers[v.name]
		return found
	})
	return f, nil
}

// values are inputs or outputs of a graph.
func values(graph message, field protoreflect.Name) []value {
	var all []value
	for _, m := range graph.messages(field) {
		v := value{name: m.get("name").String()}
		shape := m.message("type").message("tensor_type").message("shape")
		for _, d := range shape.messages("dim") {
			v.dims = append(v.dims, int(d.get("dim_value").Int()))
		}
		all = append(all, v)
	}
	return all
}

// message is a protobuf message whose fields go by the names of onnx.proto.
type message struct{ protoreflect.Message }

func (m message) get(field protoreflect.Name) protoreflect.Value {
	return m.Get(m.Descriptor().Fields().ByName(field))
}

func (m message) message(field protoreflect.Name) message { return message{m.get(field).Message()} }

func (m message) messages(field protoreflect.Name) []message {
	list := m.get(field).List()
	all := make([]message, list.Len())
	for i := range all {
		all[i] = message{list.Get(i).Message()}
	}
	return all
}

func (m message) strings(field protoreflect.Name) []string {
	list := m.get(field).List()
	all := make([]string, list.Len())
	for i := range all {
		all[i] = list.Get(i).String()
	}
	return all
}
