package firmware

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/proto"

	"weightsep/wslib/network"
	"weightsep/wslib/onnx/onnxpb"
)

// view is how a tensor of an ONNX graph shows a value.
type view int

const (
	raw  view = iota // the sample, of which nothing is known yet but its sizes
	chw              // an image, channels first
	hwc              // an image, channels last
	flat             // one axis
)

// tensor is one of an ONNX graph, without the batch.
type tensor struct {
	*value
	view
	dims   []int
	shared bool // something else reads it, too
}

// seen is the shape as a layer of single values has it: a vector's axis is that of channels.
func (t tensor) seen() shape {
	if t.view == flat {
		return shape{1, 1, t.size()}
	}
	return t.shape
}

// graph turns an ONNX graph into layers.
type graph struct {
	*onnxpb.GraphProto
	model
	weights   map[string]network.Layer
	constants map[string]*onnxpb.TensorProto
	tensors   map[string]tensor
	uses      map[string]int
}

// ofGraph is a network that came as an ONNX file, raw, as layers.
func ofGraph(n *network.Network, raw []byte) (*model, error) {
	file := &onnxpb.ModelProto{}
	if err := proto.Unmarshal(raw, file); err != nil {
		return nil, err
	}
	g := &graph{GraphProto: file.Graph, weights: map[string]network.Layer{}, tensors: map[string]tensor{},
		constants: map[string]*onnxpb.TensorProto{}, uses: map[string]int{}}
	for _, t := range g.Initializer {
		g.constants[t.Name] = t
	}
	for _, l := range n.Layers() {
		g.weights[l.Name] = l
	}
	output := g.Output[0].Name
	for _, node := range g.Node {
		if node.OpType == "Softmax" && slices.Contains(node.Output, output) && len(node.Input) > 0 {
			output = node.Input[0] // outputs are logits, as onnx.Load has it
			break
		}
	}
	g.uses[output]++
	g.Node = slices.Clone(g.Node)
	for i := len(g.Node) - 1; i >= 0; i-- {
		node := g.Node[i]
		if !slices.ContainsFunc(node.Output, func(name string) bool { return g.uses[name] > 0 }) {
			g.Node = slices.Delete(g.Node, i, i+1)
			continue
		}
		for _, name := range node.Input {
			g.uses[name]++
		}
	}
	for _, v := range g.Input {
		if g.constants[v.Name] == nil {
			g.sample = &value{shape: shape{1, 1, n.Samples()}}
			g.tensors[v.Name] = tensor{g.sample, 0, n.Input(), g.uses[v.Name] > 1}
		}
	}
	for _, node := range g.Node {
		if err := g.node(node); err != nil {
			name := node.Name
			if name == "" && len(node.Output) > 0 {
				name = node.Output[0]
			}
			return nil, fmt.Errorf("node %q (%s): %w", name, node.OpType, err)
		}
	}
	if !slices.ContainsFunc(g.layers, func(l *layer) bool { return l.kind == convolution }) {
		return nil, fmt.Errorf("output %q is made without weights, want layers with weights", output)
	}
	out, ok := g.tensors[output]
	if !ok {
		return nil, fmt.Errorf("output %q is computed of no sample, want layers of the sample", output)
	}
	out, err := g.flat(out)
	if err != nil {
		return nil, fmt.Errorf("output %q: %w", output, err)
	}
	g.output = out.value
	if out.size() != n.Outputs() {
		return nil, fmt.Errorf("output %q has %d values, want %d", output, out.size(), n.Outputs())
	}
	return &g.model, nil
}

// node adds what a node computes.
func (g *graph) node(node *onnxpb.NodeProto) (err error) {
	n := operator{graph: g, NodeProto: node}
	if node.OpType == "Constant" {
		t := n.attribute("value").GetT()
		if t == nil {
			return fmt.Errorf("a constant that is no tensor, want one")
		}
		g.constants[node.Output[0]] = t
		return nil
	}
	two := slices.Contains([]string{"Add", "Mul"}, node.OpType)
	if len(node.Input) == 0 || two && len(node.Input) != 2 {
		return fmt.Errorf("it has %d inputs, want as many as it reads", len(node.Input))
	}
	x, ok := g.tensors[node.Input[0]]
	if !ok && two {
		n.NodeProto = proto.Clone(node).(*onnxpb.NodeProto)
		n.Input[0], n.Input[1] = node.Input[1], node.Input[0]
		x, ok = g.tensors[n.Input[0]]
	}
	if !ok {
		return fmt.Errorf("its input %q is computed of no sample, want layers of the sample", node.Input[0])
	}
	out, err := n.apply(x)
	if err != nil {
		return err
	}
	name := node.Output[0]
	out.shared = g.uses[name] > 1 || out.shared && out.value == x.value
	g.tensors[name] = out
	return nil
}

// operator is a node of a graph.
type operator struct {
	*graph
	*onnxpb.NodeProto
}

func (n operator) apply(x tensor) (tensor, error) {
	switch n.OpType {
	case "Identity":
		return x, nil
	case "Transpose":
		return n.transpose(x)
	case "Reshape", "Flatten", "Squeeze", "Unsqueeze":
		return n.reshape(x)
	case "Conv":
		return n.convolution(x)
	case "MatMul", "Gemm":
		return n.dense(x)
	case "Add", "Mul":
		if w, ok := n.weights[n.Input[1]]; ok {
			return n.vector(x, w)
		}
		if y, ok := n.tensors[n.Input[1]]; ok && n.OpType == "Add" {
			return n.sum(x, y)
		}
		return x, fmt.Errorf("its other operand %q is neither weights nor, of a sum, computed of the "+
			"sample", n.Input[1])
	case "Relu", "Sigmoid", "Clip":
		return n.activation(x)
	case "MaxPool", "AveragePool", "GlobalAveragePool", "ReduceMean":
		return n.pool(x)
	case "BatchNormalization":
		return x, fmt.Errorf("want it folded into its convolution, as exports for inference do")
	}
	return x, fmt.Errorf("no engine in C has it, want Conv, Gemm, MatMul, Add of a bias or of two values, " +
		"Mul by a factor for each channel, Relu, Sigmoid, Clip from 0 on, MaxPool, AveragePool, " +
		"GlobalAveragePool, ReduceMean of images, Reshape, Flatten, Transpose and a last Softmax")
}

// add adds a layer and returns what it computes.
func (g *graph) add(l *layer, v view, dims ...int) tensor {
	g.layers = append(g.layers, l)
	return tensor{l.to, v, dims, false}
}

// maker is the layer that makes a tensor, if nothing else reads it.
func (g *graph) maker(x tensor) *layer {
	i := slices.IndexFunc(g.layers, func(l *layer) bool { return l.to == x.value })
	if i < 0 || x.shared {
		return nil
	}
	return g.layers[i]
}

// image is a tensor as an image. The sample becomes one of channels first.
func (g *graph) image(x tensor) (tensor, error) {
	if x.view == raw && (len(x.dims) == 2 || len(x.dims) == 3) {
		s := shape{1, x.dims[len(x.dims)-1], x.dims[0]}
		if len(x.dims) == 3 {
			s.rows = x.dims[1]
		}
		return g.settle(x, s, true, chw)
	}
	if x.view != chw {
		return x, fmt.Errorf("its input is %v, want an image, channels first", x.dims)
	}
	return x, nil
}

// flat is a tensor as a vector.
func (g *graph) flat(x tensor) (tensor, error) {
	switch x.view {
	case raw:
		return g.settle(x, shape{1, 1, x.size()}, false, flat)
	case chw, hwc:
		if !x.settle(x.view == chw) {
			return x, fmt.Errorf("its values are read in two orders, want one")
		}
		x.view, x.dims = flat, []int{x.size()}
	}
	return x, nil
}

// settle says what the sample is, which must be the same for all that read it.
func (g *graph) settle(x tensor, s shape, first bool, v view) (tensor, error) {
	if g.sample.settled && (g.sample.shape != s || g.sample.chw != first) {
		return x, fmt.Errorf("the sample is read in two orders, want one")
	}
	g.sample.shape, g.sample.chw, g.sample.settled = s, first, true
	x.view = v
	if v == flat {
		x.dims = []int{x.size()}
	}
	return x, nil
}

// attribute is that of a name, nil where there is none.
func (n operator) attribute(name string) *onnxpb.AttributeProto {
	for _, a := range n.Attribute {
		if a.Name == name {
			return a
		}
	}
	return nil
}

func (n operator) integer(name string, otherwise int) int {
	if a := n.attribute(name); a != nil {
		return int(a.I)
	}
	return otherwise
}

func (n operator) number(name string, otherwise float32) float32 {
	if a := n.attribute(name); a != nil {
		return a.F
	}
	return otherwise
}

// integers are those of an attribute; as many as of the value otherwise, where there is none.
func (n operator) integers(name string, count, otherwise int) ([]int, error) {
	a := n.attribute(name)
	if a == nil {
		return slices.Repeat([]int{otherwise}, count), nil
	}
	if len(a.Ints) != count {
		return nil, fmt.Errorf("its %s are %v, want %d", name, a.Ints, count)
	}
	return toInts(a.Ints), nil
}

// list is the whole numbers of a constant input, or of an attribute; nil where there is neither.
func (n operator) list(input int, attribute string) ([]int, error) {
	if a := n.attribute(attribute); a != nil {
		return toInts(a.Ints), nil
	}
	if input >= len(n.Input) || n.Input[input] == "" {
		return nil, nil
	}
	t := n.constants[n.Input[input]]
	if t.GetDataType() != int32(onnxpb.TensorProto_INT64) {
		return nil, fmt.Errorf("its input %q is no constant of whole numbers, want one", n.Input[input])
	}
	if len(t.Int64Data) > 0 || len(t.RawData)%8 != 0 {
		return toInts(t.Int64Data), nil
	}
	all := make([]int64, len(t.RawData)/8)
	for i := range all {
		all[i] = int64(binary.LittleEndian.Uint64(t.RawData[8*i:]))
	}
	return toInts(all), nil
}

// toInts are whole numbers; those that are far out become one that nothing takes.
func toInts(all []int64) []int {
	out := make([]int, len(all))
	for i, v := range all {
		out[i] = int(min(max(v, math.MinInt32), math.MaxInt32))
	}
	return out
}

// scalar is a constant input of one float32.
func (n operator) scalar(input int, otherwise float32) (float32, error) {
	if input >= len(n.Input) || n.Input[input] == "" {
		return otherwise, nil
	}
	t := n.constants[n.Input[input]]
	switch {
	case t.GetDataType() != int32(onnxpb.TensorProto_FLOAT):
	case len(t.FloatData) == 1:
		return t.FloatData[0], nil
	case len(t.RawData) == 4:
		return math.Float32frombits(binary.LittleEndian.Uint32(t.RawData)), nil
	}
	return 0, fmt.Errorf("its input %q is no constant number, want one", n.Input[input])
}
