package execution

import (
	"context"
	"fmt"
	"sync"

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
	s, err := e.take(ctx, i)
	if err != nil {
		return err
	}
	defer e.give(s)
	for at := 0; at < n; {
		if err := ctx.Err(); err != nil {
			return err
		}
		k := len(e.options.Batches) - 1
		for e.options.Batches[k] > n-at {
			k--
		}
		end := at + e.options.Batches[k]
		if err := e.run(s, i, k, outputs[at*width:end*width], inputs[at*size:end*size]); err != nil {
			return fmt.Errorf("execution: network %s: %w", name, err)
		}
		at = end
	}
	return nil
}

// runs is the executable of networks of one architecture.
type runs struct {
	// GoMLX compiles a model function into maps that calls read: whoever compiles is alone.
	mu       sync.RWMutex
	exec     network.Executable // nil: not yet
	compiled []bool             // for each of the engine's batch sizes
	alone    bool               // calls change variables, as random generators do: one at a time
}

func (r *runs) close() {
	if r.exec != nil {
		r.exec.Finalize()
	}
}

// runsOf is the executable that network i shares with others like it.
func (e *Engine) runsOf(i int) *runs {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.runs[i] == nil {
		n := e.nets[i]
		key := fmt.Sprint(n.Architecture(), n.Order)
		if e.alike[key] == nil {
			_, described := n.Model.(*network.Described)
			e.alike[key] = &runs{compiled: make([]bool, len(e.options.Batches)), alone: !described}
		}
		e.runs[i] = e.alike[key]
	}
	return e.runs[i]
}

// run runs one batch, of the engine's k-th size, in a slot.
func (e *Engine) run(s *slot, i, k int, outputs, inputs []float32) error {
	x, err := e.inputs(s, i, k, inputs)
	if err != nil {
		return err
	}
	return e.execute(s, i, k, x, outputs)
}

// inputs copies samples of network i to where executables take them from.
func (e *Engine) inputs(s *slot, i, k int, samples []float32) (*tensors.Tensor, error) {
	r := e.runsOf(i)
	key := input{r, k}
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

// build makes an executable, unless it is there. The caller is alone with r.
func (e *Engine) build(r *runs, i int) (err error) {
	if r.exec != nil {
		return nil
	}
	n := e.nets[i]
	r.exec, err = n.NewExec(e.backend, func(in []*Node) []*Node {
		// GoMLX takes only errors for what went wrong in a graph; others leave it waiting for ever.
		defer func() {
			if p := recover(); p != nil {
				panic(fmt.Errorf("%v", p))
			}
		}()
		// All slots are as large as the largest network; what is beyond is another's.
		b, in := network.Binding{Weights: front(in[0], n.Weights())}, in[1:]
		if n.StateSize() > 0 {
			b.State, in = front(in[0], n.StateSize()), in[1:]
		}
		return []*Node{n.Forward(b, in[0]).Output()}
	})
	return err
}

// front are the first n values of a vector.
func front(v *Node, n int) *Node {
	if v.Shape().Size() == n {
		return v
	}
	return Slice(v, AxisRange(0, n))
}

// execute runs one batch, of the k-th size, after a switch unless the slot has the network.
func (e *Engine) execute(s *slot, i, k int, x *tensors.Tensor, outputs []float32) error {
	if err := e.fetch(s, i); err != nil {
		return err
	}
	s.args = append(s.args[:0], s.weights)
	if e.nets[i].StateSize() > 0 {
		s.args = append(s.args, s.state)
	}
	s.args = append(s.args, x)
	e.settled(s)
	return e.call(i, k, s.args, outputs)
}

// call copies what network i's executable puts out. The first call of a batch size compiles.
func (e *Engine) call(i, k int, args []any, outputs []float32) error {
	r := e.runsOf(i)
	r.mu.RLock()
	if r.compiled[k] && !r.alone {
		defer r.mu.RUnlock()
		return call(r.exec, args, outputs)
	}
	r.mu.RUnlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	err := e.build(r, i)
	if err == nil {
		err = call(r.exec, args, outputs)
	}
	r.compiled[k] = err == nil
	return err
}

func call(exec network.Executable, args []any, outputs []float32) (err error) {
	defer errorOf(&err)
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
