// Package network describes networks and runs them from one flat weight vector.
//
// A [Network] has a name, a [Model], which says what it computes, and an [Objective], which
// says what it is for. Its weights are one float32 vector, layer after layer unless [Order]
// says otherwise. That vector is what gets cut into pages; nothing else in this module knows
// what a layer is. What a network keeps beside its weights, such as the statistics of batch
// normalization, is its state, a second vector.
//
// There are three kinds of models: [Described], convolutions and dense layers as data, with
// gradients written by hand; any GoMLX model function ([FromFunction]); and, in package onnx,
// an ONNX file.
package network

import (
	"fmt"
	"weightsep/wslib/page"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// Network is a model with a name. The zero value is not valid; see [Network.Validate].
type Network struct {
	Name string
	Model
	Objective Objective // nil: [Classification]
	Order     Order     // of the flat weight vector
}

// Model is what a network computes.
type Model interface {
	// Validate returns an error for a description that contradicts itself.
	Validate() error
	// Architecture is equal for models that compute the same from the same weights and state.
	Architecture() string
	// Input and Output are the shapes of one sample and of its output, without the batch.
	Input() []int
	Output() []int
	// Layers are the weights, in the order in which the model lists them, with their offsets.
	Layers() []Layer
	// State is what is kept beside the weights, with offsets in a vector of its own.
	State() []Layer
	// Initial gives seeded weights and state to train from, in the model's own order.
	Initial(seed uint64) (weights, state []float32, err error)
	// NewExec compiles a graph in which the model takes part.
	NewExec(backend compute.Backend, build func(in []*graph.Node) []*graph.Node) (Executable, error)
	// Forward runs the model on a batch x [batch, Input...]. It panics, as graph functions do.
	Forward(b Binding, x *graph.Node) *Pass
}

// Executable is a compiled graph.
type Executable interface {
	Call(args ...any) ([]*tensors.Tensor, error)
	Finalize()
}

// Binding is what a forward pass runs with.
type Binding struct {
	Weights *graph.Node // flat [Weights]
	State   *graph.Node // [StateSize]; nil without state
	RNG     *graph.Node // state of the random generator; nil where nothing is random
	// batch normalization takes the batch's statistics, the function's own dropout drops
	Training bool
	Dropout  float64 // of described networks, before each dense layer
	layers   []Layer // where each layer lies in Weights
}

// Pass is a forward pass.
type Pass struct {
	output, state *graph.Node
	gradient      func(loss *graph.Node) *graph.Node // with respect to the flat weights
}

// Output is [batch, Output...].
func (p *Pass) Output() *graph.Node { return p.output }

// State is the state after the pass, nil without state.
func (p *Pass) State() *graph.Node { return p.state }

// LossGradient is a loss, a scalar function of the output, and its gradient with respect to
// the flat weights.
func (p *Pass) LossGradient(loss func(output *graph.Node) *graph.Node) (value, gradient *graph.Node) {
	value = loss(p.output)
	return value, p.gradient(value)
}

// Layer is one array of weights, or of state, inside its flat vector.
type Layer struct {
	Name   string `json:"name"`   // as in "conv0/kernel"
	Offset int    `json:"offset"` // of its first value
	Shape  []int  `json:"shape"`
}

// Size is the number of values of the layer.
func (l Layer) Size() int { return volume(l.Shape) }

// part is a layer of a flat vector in a graph.
func part(flat *graph.Node, l Layer) *graph.Node {
	return graph.Reshape(graph.Slice(flat, graph.AxisRange(l.Offset, l.Offset+l.Size())), l.Shape...)
}

// volume is the number of values of a shape, at most tooMany.
func volume(shape []int) int {
	n := 1
	for _, d := range shape {
		if d > 0 && n > tooMany/d {
			return tooMany
		}
		n *= d
	}
	return n
}

// tooMany weights, or values of a sample, are those of 2 GiB in float32.
const tooMany = 1 << 29

// size is the length of the vector that layers lie in, at most tooMany.
func size(layers []Layer) int {
	n := 0
	for _, l := range layers {
		n = min(n+l.Size(), tooMany)
	}
	return n
}

// Validate returns an error for a name that cannot name a file, or a wrong model.
func (n *Network) Validate() error {
	if err := page.CheckName(n.Name); err != nil {
		return err
	}
	if n.Model == nil {
		return fmt.Errorf("network %s has no model", n.Name)
	}
	if err := n.Model.Validate(); err != nil {
		return fmt.Errorf("network %s: %w", n.Name, err)
	}
	if _, classifies := n.For().(Classification); classifies && (len(n.Output()) != 1 || n.Outputs() < 2) {
		return fmt.Errorf("network %s: output %v, want logits of 2 classes or more", n.Name, n.Output())
	}
	switch size(n.Model.Layers()) {
	case 0:
		return fmt.Errorf("network %s has no weights", n.Name)
	case tooMany:
		return fmt.Errorf("network %s has %d weights or more, want less", n.Name, tooMany)
	}
	if err := n.Order.Validate(); err != nil {
		return fmt.Errorf("network %s: %w", n.Name, err)
	}
	return nil
}

// For is the network's objective: [Classification] unless it has one.
func (n *Network) For() Objective {
	if n.Objective == nil {
		return Classification{}
	}
	return n.Objective
}

// Architecture tells networks apart that differ in more than their name: those that are equal
// in it share executables.
func (n *Network) Architecture() string {
	return fmt.Sprintf("%s; %s; order %q", n.Model.Architecture(), n.For().Name(), n.Order)
}

// Layers lists the weights in the model's order, each with its place in the flat vector.
func (n *Network) Layers() []Layer {
	layers := n.Model.Layers()
	n.Order.arrange(layers)
	return layers
}

// Weights is the length of the flat weight vector.
func (n *Network) Weights() int { return size(n.Model.Layers()) }

// StateSize is the length of the state; 0 of networks that have none.
func (n *Network) StateSize() int { return size(n.Model.State()) }

// Samples is the number of values of one sample.
func (n *Network) Samples() int { return volume(n.Input()) }

// Outputs is the number of values of one output: the classes of a classification.
func (n *Network) Outputs() int { return volume(n.Output()) }

// Initial gives seeded weights, in the network's order, and state.
func (n *Network) Initial(seed uint64) (weights, state []float32, err error) {
	weights, state, err = n.Model.Initial(seed)
	if err != nil {
		return nil, nil, fmt.Errorf("network %s: initial weights: %w", n.Name, err)
	}
	return n.FromLayerOrder(weights), state, nil
}

// Bind takes weights and, of networks with state, state from the front of a graph's inputs, and
// returns those that are left.
func (n *Network) Bind(in []*graph.Node) (Binding, []*graph.Node) {
	b := Binding{Weights: in[0]}
	if n.StateSize() > 0 {
		b.State, in = in[1], in[1:]
	}
	return b, in[1:]
}

// Forward runs the network on a batch x [batch, Input...]. It panics, as graph functions do,
// when shapes do not match.
func (n *Network) Forward(b Binding, x *graph.Node) *Pass {
	b.layers = n.Layers()
	b.Weights.AssertDims(size(b.layers))
	x.AssertDims(append([]int{-1}, n.Input()...)...)
	return n.Model.Forward(b, x)
}

// Values are what a network has learned: weights in its order, and state.
type Values struct {
	Weights []float32
	State   []float32 // nil without state
}

// On makes arguments of an executable of the values, to be freed by [Free].
func (v Values) On() []*tensors.Tensor {
	ts := []*tensors.Tensor{tensors.FromFlatDataAndDimensions(v.Weights, len(v.Weights))}
	if len(v.State) > 0 {
		ts = append(ts, tensors.FromFlatDataAndDimensions(v.State, len(v.State)))
	}
	return ts
}

// Free frees tensors, but for nil ones.
func Free(ts ...*tensors.Tensor) {
	for _, t := range ts {
		if t != nil {
			t.FinalizeAll()
		}
	}
}
