package execution

import (
	"context"
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/wslib/network"
	"weightsep/wslib/page"
)

// Run runs a network on samples [n, Input...] and writes their outputs [n, Output...] to outputs. It
// keeps neither. It ends early, between batches, with the error of ctx.
func (e *Engine) Run(ctx context.Context, name string, outputs, inputs []float32) error {
	i, err := e.find(name)
	if err != nil {
		return err
	}
	size, width := e.nets[i].Samples(), e.nets[i].Outputs()
	n := len(inputs) / size
	if n == 0 || len(inputs) != n*size || len(outputs) != n*width {
		return fmt.Errorf("execution: network %s: %d values in and %d out, want %d and %d for "+
			"each sample", name,
			len(inputs), len(outputs), size, width)
	}
	if err := e.take(ctx); err != nil {
		return err
	}
	defer e.give()
	for at := 0; at < n; {
		if err := ctx.Err(); err != nil {
			return err
		}
		k := len(e.options.Batches) - 1
		for e.options.Batches[k] > n-at {
			k--
		}
		end := at + e.options.Batches[k]
		if err := e.run(i, k, outputs[at*width:end*width], inputs[at*size:end*size]); err != nil {
			return fmt.Errorf("execution: network %s: %w", name, err)
		}
		at = end
	}
	return nil
}

// exec is the executable that network i shares with others like it.
func (e *Engine) exec(i int) (network.Executable, error) {
	if e.execs[i] != nil {
		return e.execs[i], nil
	}
	n := e.nets[i]
	key := fmt.Sprint(n.Architecture(), n.Order)
	if e.alike[key] == nil {
		exec, err := e.build(n)
		if err != nil {
			return nil, err
		}
		e.alike[key] = exec
	}
	e.execs[i] = e.alike[key]
	return e.execs[i], nil
}

// run runs one batch, of the engine's k-th size, after a switch unless the network is ready.
func (e *Engine) run(i, k int, outputs, inputs []float32) error {
	if err := e.fetch(e.slot, i); err != nil {
		return err
	}
	state := e.slot.state
	if e.nets[i].StateSize() == 0 {
		state = nil
	}
	return e.call(e.slot, i, k, e.slot.weights, state, outputs, inputs)
}

// inputs copies samples of network i to where executables take them from.
func (e *Engine) inputs(s *slot, exec network.Executable, i, k int, samples []float32) (*tensors.Tensor,
	error) {
	key := input{exec, k}
	if s.inputs[key] == nil {
		t, _, err := e.floats(append([]int{e.options.Batches[k]}, e.nets[i].Input()...)...)
		if err != nil {
			return nil, err
		}
		e.mu.Lock()
		s.inputs[key] = t
		e.mu.Unlock()
	}
	return s.inputs[key], tensors.MutableFlatData(s.inputs[key],
		func(flat []float32) { copy(flat, samples) })
}

// build makes a network's executable.
func (e *Engine) build(n *network.Network) (network.Executable, error) {
	return n.NewExec(e.backend, func(in []*Node) []*Node {
		// GoMLX takes only errors for what went wrong in a graph; others leave it waiting for ever.
		defer func() {
			if p := recover(); p != nil {
				panic(fmt.Errorf("%v", p))
			}
		}()
		// A slot is as large as the largest network; what is beyond is another's.
		b, in := network.Binding{Weights: front(in[0], n.Weights())}, in[1:]
		if n.StateSize() > 0 {
			b.State, in = front(in[0], n.StateSize()), in[1:]
		}
		return []*Node{n.Forward(b, in[0]).Output()}
	})
}

// front are the first n values of a vector.
func front(v *Node, n int) *Node {
	if v.Shape().Size() == n {
		return v
	}
	return Slice(v, AxisRange(0, n))
}

// call runs one batch of network i, of the engine's k-th size, with weights and state that are ready, nil
// without state. Samples are copied to a slot.
func (e *Engine) call(s *slot, i, k int, weights, state *tensors.Tensor, outputs, samples []float32) (
	err error) {
	defer errorOf(&err)
	exec, err := e.exec(i)
	if err != nil {
		return err
	}
	x, err := e.inputs(s, exec, i, k, samples)
	if err != nil {
		return err
	}
	args := []any{weights, state, x}
	if state == nil {
		args = []any{weights, x}
	}
	out, err := exec.Call(args...)
	if err != nil {
		return err
	}
	defer out[0].FinalizeAll()
	return tensors.ConstFlatData(out[0], func(values []float32) { copy(outputs, values) })
}

func stateArray(state []float32) page.Array {
	return page.Array{Type: "F32", Shape: []int{len(state)}, Data: page.PackFloats(state)}
}

// errorOf makes a panic, which is how GoMLX and the backends report much, an error.
func errorOf(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%v", p)
	}
}
