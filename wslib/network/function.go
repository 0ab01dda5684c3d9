package network

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/exceptions"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"weightsep/xla"
)

// ModelFunc is a GoMLX model function: it runs a model on a batch x [batch, …], with its
// variables in the scope, and returns [batch, …].
type ModelFunc func(scope *model.Scope, x *graph.Node) *graph.Node

// FromFunction is a network of any GoMLX model function. input is the shape of a sample,
// without the batch. The backend makes the initial values of the variables.
//
// Trainable float32 variables are the weights, in the order in which the function makes them;
// other float32 variables, such as the averages of norm.BatchNorm, are state. The function is
// called with the scope in training and outside of it, so that layers like dropout know; all
// that is random comes from the training's seed.
//
// Batch normalization with UseBackendInference(false) has a wrong gradient in training (GoMLX
// v0.28.1): leave the default.
func FromFunction(backend compute.Backend, name string, input []int, f ModelFunc) (*Network, error) {
	m := &function{name: name, input: slices.Clone(input), f: f, backend: backend, dtype: dtypes.Float32}
	if err := m.discover(); err != nil {
		return nil, fmt.Errorf("network %s: %w", name, err)
	}
	return &Network{Name: name, Model: m}, nil
}

// FromStore is [FromFunction] of a function whose variables have values in a store already:
// they are the initial values whatever the seed. weights and state are the paths of float32
// variables; others are constants.
func FromStore(backend compute.Backend, name string, input []int, store *model.Store, f ModelFunc,
	weights, state []string) (*Network, error) {
	m := &function{name: name, input: slices.Clone(input), f: f, backend: backend, dtype: dtypes.Float32,
		store: store, given: true}
	for i, path := range slices.Concat(weights, state) {
		v := store.GetVariable(path)
		if v == nil || v.DType() != dtypes.Float32 {
			return nil, fmt.Errorf("network %s: no float32 variable %s", name, path)
		}
		if i < len(weights) {
			m.weights = append(m.weights, v)
		} else {
			m.state = append(m.state, v)
		}
	}
	if _, err := m.build(store); err != nil {
		return nil, fmt.Errorf("network %s: %w", name, err)
	}
	return &Network{Name: name, Model: m}, nil
}

// function is a model function with its variables.
type function struct {
	name    string
	input   []int
	output  []int
	f       ModelFunc
	backend compute.Backend
	store   *model.Store
	given   bool         // the store has the values
	graph   string       // a hash of what it computes: operations, what they read, shapes; not of constants
	dtype   dtypes.DType // float32; float64 in tests
	weights []*model.Variable
	state   []*model.Variable
}

// discover builds the function's graph, in training and outside of it, so that it makes its
// variables, gives them their initial values and lists them.
func (m *function) discover() error {
	if len(m.input) == 0 || slices.Min(m.input) < 1 {
		return fmt.Errorf("input %v, want the shape of a sample", m.input)
	}
	store, used, err := m.make(0)
	if err != nil {
		return err
	}
	m.store = store
	for v := range store.IterVariables() {
		switch {
		case !used[v.Path()] || !v.Trainable && v.DType() != m.dtype:
		case !v.Trainable:
			m.state = append(m.state, v)
		case v.DType() != m.dtype:
			return fmt.Errorf("variable %s is of %s: only float32 weights can be packed", v.Path(),
				v.DType())
		default:
			m.weights = append(m.weights, v)
		}
	}
	if len(m.weights) == 0 {
		return fmt.Errorf("the model function has no trainable float32 variables")
	}
	return nil
}

// make is a new store with the function's variables and initial values of a seed, and which of
// them it uses.
func (m *function) make(seed uint64) (store *model.Store, used map[string]bool, err error) {
	store = model.NewStore()
	if err := store.SetRNGStateFromSeed(int64(seed)); err != nil {
		return nil, nil, err
	}
	if used, err = m.build(store); err != nil {
		return nil, nil, err
	}
	return store, used, store.InitializeVariables(m.backend, nil)
}

// build runs the function for a batch of 2, in training and outside of it. It sets the shape of
// the output and says which variables the function uses.
func (m *function) build(store *model.Store) (used map[string]bool, err error) {
	xla.CorrectGradients()
	used = map[string]bool{}
	hash := sha256.New()
	for _, training := range []bool{true, false} {
		problem := exceptions.Try(func() {
			g := graph.NewGraph(m.backend, m.name)
			defer g.Finalize()
			model.SetStore(g, store)
			store.SetTraining(g, training)
			x := graph.Parameter(g, "x", shapes.Make(m.dtype, append([]int{2}, m.input...)...))
			y := m.f(store.RootScope(), x)
			if y.Rank() < 1 || y.Shape().Dimensions[0] != 2 || y.DType() != m.dtype {
				panic(fmt.Errorf("it returns %s for a batch of 2, want float32 [2, …]", y.Shape()))
			}
			m.output = slices.Clone(y.Shape().Dimensions[1:])
			for _, n := range g.Nodes() {
				fmt.Fprint(hash, n.Type(), n.Shape())
				for _, from := range n.Inputs() {
					fmt.Fprint(hash, " ", from.Id())
				}
			}
			for v := range store.IterVariables() {
				random := strings.Contains(v.Path(), model.RNGStateVariableName)
				used[v.Path()] = used[v.Path()] || v.InUseByGraph(g) && !random
			}
		})
		if problem != nil {
			first, _, _ := strings.Cut(fmt.Sprint(problem), "\n")
			return nil, fmt.Errorf("the model fails for a batch of 2: %s", first)
		}
	}
	m.graph = fmt.Sprintf("%.8x", hash.Sum(nil))
	return used, nil
}

func (m *function) Validate() error {
	for _, l := range append(m.Layers(), m.State()...) {
		if strings.ContainsAny(l.Name, "\n\x00") {
			return fmt.Errorf("variable %q: a name of one line is wanted", l.Name)
		}
	}
	return nil
}

func (m *function) Architecture() string {
	return fmt.Sprintf("function %s %v %v %v %s", m.name, m.input, m.Layers(), m.State(), m.graph)
}

func (m *function) Input() []int    { return m.input }
func (m *function) Output() []int   { return m.output }
func (m *function) Layers() []Layer { return layersOf(m.weights) }
func (m *function) State() []Layer  { return layersOf(m.state) }

func layersOf(variables []*model.Variable) []Layer {
	var layers []Layer
	at := 0
	for _, v := range variables {
		layers = append(layers, Layer{strings.TrimPrefix(v.Path(), "/"), at,
			slices.Clone(v.Shape().Dimensions)})
		at += v.Shape().Size()
	}
	return layers
}

// Initial runs the initializers of the variables with a seed.
func (m *function) Initial(seed uint64) (weights, state []float32, err error) {
	store := m.store
	if !m.given {
		if store, _, err = m.make(seed + 1); err != nil {
			return nil, nil, err
		}
	}
	for i, v := range slices.Concat(m.weights, m.state) {
		value, err := store.GetVariable(v.Path()).Value()
		if err != nil {
			return nil, nil, err
		}
		values, err := tensors.CopyFlatData[float32](value)
		if err != nil {
			return nil, nil, err
		}
		if i < len(m.weights) {
			weights = append(weights, values...)
		} else {
			state = append(state, values...)
		}
	}
	return weights, state, nil
}

// NewExec compiles a graph to which the store gives the variables that are neither weights
// nor state.
func (m *function) NewExec(backend compute.Backend,
	build func(in []*graph.Node) []*graph.Node) (Executable, error) {
	return model.NewExec(backend, m.store,
		func(_ *model.Scope, in []*graph.Node) []*graph.Node { return build(in) })
}

// Forward runs the function with its variables replaced by parts of the flat vectors.
func (m *function) Forward(b Binding, x *graph.Node) *Pass {
	g := x.Graph()
	model.SetStore(g, m.store) // as NewExec does; a graph may have been made without
	m.store.SetTraining(g, b.Training)
	var restore []func()
	bind := func(v *model.Variable, value *graph.Node) {
		own := v.NodeValue(g)
		v.SetNodeValue(value)
		// The executable then neither returns the variable nor gives its buffer away.
		restore = append(restore, func() { v.SetNodeValue(own) })
	}
	for i, v := range m.weights {
		bind(v, part(b.Weights, b.layers[i]))
	}
	for i, l := range m.State() {
		bind(m.state[i], part(b.State, l))
	}
	if v := m.store.GetVariable("/" + model.RNGStateVariableName); v != nil && b.RNG != nil {
		bind(v, b.RNG)
	}
	p := &Pass{output: m.f(m.store.RootScope(), x), gradient: func(loss *graph.Node) *graph.Node {
		return graph.Gradient(loss, b.Weights)[0]
	}}
	if len(m.state) > 0 {
		var parts []*graph.Node
		for _, v := range m.state {
			parts = append(parts, graph.Reshape(v.NodeValue(g), -1))
		}
		p.state = graph.Concatenate(parts, 0)
	}
	for _, undo := range restore {
		undo()
	}
	return p
}
