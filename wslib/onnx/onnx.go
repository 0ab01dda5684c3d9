// Package onnx makes networks of ONNX files, and ONNX files of packed networks.
package onnx

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/exceptions"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/onnx-gomlx/onnx"
	"github.com/gomlx/onnx-gomlx/onnx/parser"
	"google.golang.org/protobuf/proto"

	"weightsep/datasets/files"
	"weightsep/wslib/network"
	"weightsep/wslib/onnx/onnxpb"
)

// Load reads an ONNX file as a network of the given name. The graph has one input and one
// output, both float32, the batch as their first axis, and sizes that are fixed but for it.
//
// Its float32 initializers are the network's weights, in the order in which the graph uses
// them, under their ONNX names; those with the statistics of batch normalization are its state,
// which stays as it is; limits and factors (the constants of Clip, Pad and Resize, scalars) are
// neither. A Softmax at the end is left out, so that the outputs are logits. Operators are those
// of onnx-gomlx v0.5.1.
func Load(backend compute.Backend, name, path string) (*network.Network, error) {
	raw, err := files.ReadPath(path, files.MaxSize)
	if err != nil {
		return nil, err
	}
	n, err := Parse(backend, name, raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return n, nil
}

// Parse is [Load] from a file's bytes.
func Parse(backend compute.Backend, name string, raw []byte) (*network.Network, error) {
	return ParseGraph(backend, name, raw, 0)
}

// ParseGraph reads what [GraphOf] gives, where weights and state have no values: they are 0 then. It is an
// error if they are more than so many values.
func ParseGraph(backend compute.Backend, name string, raw []byte, values int) (*network.Network, error) {
	f, err := open(raw, values)
	if err != nil {
		return nil, err
	}
	input, output := f.inputs[0], f.Output[0].Name
	ends := slices.IndexFunc(f.Node, func(n *onnxpb.NodeProto) bool {
		return n.OpType == "Softmax" && slices.Contains(n.Output, output) && len(n.Input) > 0
	})
	if ends >= 0 {
		output = f.Node[ends].Input[0]
	}
	var building sync.Mutex // the library's graphs are built one at a time
	call := func(scope *model.Scope, x *graph.Node) *graph.Node {
		building.Lock()
		defer building.Unlock()
		return f.library.CallGraph(scope, x.Graph(), map[string]*graph.Node{input.Name: x}, output)[0]
	}
	n, err := network.FromStore(backend, name, dims(input)[1:], f.store, call, variables(f.weights),
		variables(f.state))
	if err != nil {
		return nil, err
	}
	n.Model = &imported{Model: n.Model, Graph: f.kept, sum: fmt.Sprintf("%x", sha256.Sum256(f.kept)),
		softmax: ends >= 0}
	return n, nil
}

// opened is a file that onnx-gomlx has read.
type opened struct {
	*file
	weights, state []string // initializers
	kept           []byte   // the file without their values
	library        onnx.Model
	store          *model.Store // of all initializers
}

// open is what [ParseGraph] does before there is a graph of GoMLX.
func open(raw []byte, values int) (*opened, error) {
	f, err := parse(raw)
	if err != nil {
		return nil, fmt.Errorf("not an ONNX file: %v", firstLine(err))
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	o := &opened{file: f}
	o.weights, o.state = f.roles()
	named := slices.Concat(o.weights, o.state)
	filled, err := f.fill(named, values)
	if err != nil {
		return nil, err
	}
	for _, t := range f.tensors() {
		if err := t.whole(); err != nil {
			return nil, err
		}
	}
	changed := f.plain() || filled
	if o.kept, err = f.without(named); err != nil {
		return nil, err
	}
	adapted, err := f.adapted()
	if err != nil {
		return nil, err
	}
	if changed || adapted {
		if raw, err = proto.Marshal(f.model); err != nil {
			return nil, err
		}
	}
	problem := exceptions.Try(func() {
		if o.library, err = parser.Parse(raw); err != nil {
			return
		}
		o.library.DisableFusion()
		o.store = model.NewStore()
		err = o.library.VariablesToScope(o.store.RootScope())
	})
	if problem != nil {
		err = fmt.Errorf("%v", problem)
	}
	if err != nil {
		return nil, fmt.Errorf("not an ONNX file for onnx-gomlx: %v", firstLine(err))
	}
	return o, nil
}

// imported is a model with the file that it came from.
type imported struct {
	network.Model
	Graph []byte // the file without the values of weights and state
	sum   string

	softmax bool // a last one was left out: outputs are logits
}

// Architecture is that of the file, whatever its weights.
func (m *imported) Architecture() string { return "onnx " + m.sum }

// Layers have the names of the file's initializers.
func (m *imported) Layers() []network.Layer { return named(m.Model.Layers()) }

// State has the names of the file's initializers.
func (m *imported) State() []network.Layer { return named(m.Model.State()) }

func named(layers []network.Layer) []network.Layer {
	for i, l := range layers {
		layers[i].Name = strings.ReplaceAll(strings.TrimPrefix(l.Name, onnx.ModelScope+"/"), "|", "/")
	}
	return layers
}

// GraphOf is the ONNX file that a network came from, its weights and state without values; nil if it came
// from none.
func GraphOf(n *network.Network) []byte {
	if m, ok := n.Model.(*imported); ok {
		return m.Graph
	}
	return nil
}

// LeftOutSoftmax says that a network came from an ONNX file with a Softmax at its end, and outputs what goes
// into it.
func LeftOutSoftmax(n *network.Network) bool {
	m, ok := n.Model.(*imported)
	return ok && m.softmax
}

// variables are the paths of a store's variables for initializers.
func variables(names []string) []string {
	var paths []string
	for _, n := range names {
		paths = append(paths, "/"+onnx.ModelScope+"/"+strings.ReplaceAll(n, "/", "|"))
	}
	return paths
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// check returns an error for what cannot become a network.
func (f *file) check() error {
	if len(f.inputs) != 1 || len(f.Output) != 1 {
		return fmt.Errorf("%d inputs and %d outputs, want one of each", len(f.inputs), len(f.Output))
	}
	if err := f.formed(); err != nil {
		return err
	}
	in, sizes := f.inputs[0], dims(f.inputs[0])
	if len(sizes) < 2 {
		return fmt.Errorf("input %q has shape %v, want a batch and a sample", in.Name, sizes)
	}
	if sizes[0] > 1 {
		return fmt.Errorf("input %q has a batch of %d, want an axis without a fixed size", in.Name,
			sizes[0])
	}
	for i, d := range sizes[1:] {
		if d < 1 {
			return fmt.Errorf("input %q: axis %d has no fixed size, and only the batch may have none",
				in.Name, i+1)
		}
	}
	for _, t := range f.tensors() {
		if t.DataLocation == onnxpb.TensorProto_EXTERNAL || len(t.ExternalData) > 0 {
			return fmt.Errorf("%s: its values lie in another file, want them in this one", t.what)
		}
	}
	for _, n := range f.Node {
		if !slices.Contains(operators, n.OpType) {
			return fmt.Errorf("%s: the operator is not supported", nodeName(n))
		}
		for _, name := range n.Input {
			t := f.initializers[name]
			if kind := typeNames[t.GetDataType()]; kind != "" {
				return fmt.Errorf("%s: %q is of %s, want float32 weights", nodeName(n), name, kind)
			}
		}
	}
	for _, n := range nodes(f.GraphProto) {
		if what := misread(n); what != "" {
			return fmt.Errorf("%s: %s is not supported", nodeName(n), what)
		}
	}
	if weights, _ := f.roles(); len(weights) == 0 {
		return fmt.Errorf("the graph has no float32 weights")
	}
	return nil
}

// constants are inputs of operators that are limits, sizes or factors rather than weights.
var constants = map[string][]int{"Clip": {1, 2}, "Resize": {1, 2, 3}, "Pad": {1, 2, 3}, "Pow": {1},
	"ConstantOfShape": {0}}

// roles are the names of initializers that are weights and of those that are state, by their
// first use in the graph.
func (f *file) roles() (weights, state []string) {
	seen := map[string]bool{}
	for _, n := range f.Node {
		for k, name := range n.Input {
			t := f.initializers[name]
			if seen[name] || t.GetDataType() != typeFloat {
				continue
			}
			switch {
			case n.OpType == "BatchNormalization" && k >= 3:
				state = append(state, name)
			case slices.Contains(constants[n.OpType], k) || len(t.Dims) == 0:
				continue
			default:
				weights = append(weights, name)
			}
			seen[name] = true
		}
	}
	return weights, state
}

// operators are those that onnx-gomlx v0.5.1 converts and that have a gradient or need none.
var operators = strings.Fields(`Add Sub Mul Div Mod Pow And Or Xor Equal Less LessOrEqual Greater
	GreaterOrEqual Sqrt Exp Log Erf Relu Gelu FastGelu Abs Neg Sign Ceil Floor Identity Not
	Tanh Sin Cos Sigmoid HardSwish IsNaN
	Reciprocal MatMul Einsum Clip Where Min Max Constant Gather GatherElements GatherND Shape
	Size Concat Softmax Cast Transpose
	Gemm Flatten Squeeze Unsqueeze Slice Reshape ReduceMean ReduceMax ReduceMin ReduceSum ReduceProd ReduceL2
	ConstantOfShape Expand Tile Range CumSum LSTM Conv AveragePool MaxPool GlobalAveragePool Resize
	BatchNormalization LayerNormalization SimplifiedLayerNormalization RotaryEmbedding MultiHeadAttention
	GroupQueryAttention Pad Split Trilu If TopK ArgMax ArgMin`)
