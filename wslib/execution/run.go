package execution

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

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

// Modes says how networks run at each batch size; Measured where that is not known yet.
func (e *Engine) Modes() map[int]Mode {
	e.choosing.Lock()
	defer e.choosing.Unlock()
	modes := map[int]Mode{}
	for k, batch := range e.options.Batches {
		modes[batch] = e.modes[k]
	}
	return modes
}

// runs are the executables of networks of one architecture that are stored alike.
type runs struct {
	// GoMLX compiles a model function into maps that calls read: whoever compiles is alone.
	mu                sync.RWMutex
	switched, inPlace network.Executable // nil: not yet
	compiled          map[compiled]bool
	alone             bool // calls change variables, as random generators do: one at a time
}

// compiled is what an executable is compiled for: a mode and the engine's k-th batch size.
type compiled struct {
	mode Mode
	k    int
}

func (r *runs) of(mode Mode) network.Executable {
	if mode == InPlace {
		return r.inPlace
	}
	return r.switched
}

func (r *runs) close() {
	for _, e := range []network.Executable{r.switched, r.inPlace} {
		if e != nil {
			e.Finalize()
		}
	}
}

// runsOf are the executables that network i shares with others like it.
func (e *Engine) runsOf(i int) *runs {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.runs[i] == nil {
		n, m := e.nets[i], e.set.Networks[i]
		key := fmt.Sprint(n.Architecture(), n.Order, len(m.Exclusive), m.Scales == nil, len(m.Keys))
		if e.alike[key] == nil {
			_, described := n.Model.(*network.Described)
			e.alike[key] = &runs{compiled: map[compiled]bool{}, alone: !described}
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
	mode, err := e.mode(s, i, k, x, outputs)
	if err != nil {
		return err
	}
	return e.execute(mode, s, i, k, x, outputs)
}

// mode is how networks run at the k-th batch size.
func (e *Engine) mode(s *slot, i, k int, x *tensors.Tensor, outputs []float32) (Mode, error) {
	e.choosing.Lock()
	defer e.choosing.Unlock()
	if e.modes[k] == Measured {
		mode, err := e.measure(s, i, k, x, outputs)
		if err != nil {
			return Measured, err
		}
		e.modes[k] = mode
	}
	return e.modes[k], nil
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

// build makes the executable of a mode, unless it is there. The caller is alone with r.
func (e *Engine) build(r *runs, i int, mode Mode) (err error) {
	n, m, f := e.nets[i], e.set.Networks[i], e.set.Format
	// All slots are as large as the largest network; what is beyond is another's.
	forward := func(weights *Node, in []*Node) []*Node {
		// GoMLX takes only errors for what went wrong in a graph; others leave it waiting for ever.
		defer func() {
			if p := recover(); p != nil {
				panic(fmt.Errorf("%v", p))
			}
		}()
		b := network.Binding{Weights: front(weights, n.Weights())}
		if n.StateSize() > 0 {
			b.State, in = front(in[0], n.StateSize()), in[1:]
		}
		return []*Node{n.Forward(b, in[0]).Output()}
	}
	switch {
	case mode == Switched && r.switched == nil:
		r.switched, err = n.NewExec(e.backend, func(in []*Node) []*Node { return forward(in[0], in[1:]) })
	case mode == InPlace && r.inPlace == nil:
		r.inPlace, err = n.NewExec(e.backend, func(in []*Node) []*Node {
			w, rest := inPlace(in, f, m)
			return forward(w, rest)
		})
	}
	return err
}

// front are the first n values of a vector.
func front(v *Node, n int) *Node {
	if v.Shape().Size() == n {
		return v
	}
	return Slice(v, AxisRange(0, n))
}

// execute runs one batch, of the k-th size, in a mode.
func (e *Engine) execute(mode Mode, s *slot, i, k int, x *tensors.Tensor, outputs []float32) error {
	args := s.args[:0]
	if mode == InPlace {
		d, err := e.keep(i)
		if err != nil {
			return err
		}
		ofGather, ofDecode := d.args()
		args = append(append(append(args, e.shared), ofGather...), ofDecode...)
		if d.state != nil {
			args = append(args, d.state)
		}
	} else {
		if err := e.fetch(s, i); err != nil {
			return err
		}
		args = append(args, s.weights)
		if e.nets[i].StateSize() > 0 {
			args = append(args, s.state)
		}
	}
	s.args = append(args, x)
	e.settled(s)
	return e.call(mode, i, k, s.args, outputs)
}

// call copies what network i's executable of a mode puts out. The first call compiles.
func (e *Engine) call(mode Mode, i, k int, args []any, outputs []float32) error {
	r := e.runsOf(i)
	r.mu.RLock()
	if r.compiled[compiled{mode, k}] && !r.alone {
		defer r.mu.RUnlock()
		return call(r.of(mode), args, outputs)
	}
	r.mu.RUnlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	err := e.build(r, i, mode)
	if err == nil {
		err = call(r.of(mode), args, outputs)
	}
	r.compiled[compiled{mode, k}] = err == nil
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

// keep is network i's device, with its exclusive pages, keys and state on it to stay.
func (e *Engine) keep(i int) (*device, error) {
	d, err := e.device(i)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.keep {
		return d, nil
	}
	m := e.set.Networks[i]
	if err = d.fetch(e.backend, e.set.Format, m); err == nil && len(m.State) > 0 {
		d.state, err = onDevice(e.backend, stateArray(m.State))
	}
	d.keep = err == nil
	return d, err
}

func stateArray(state []float32) page.Array {
	return page.Array{Type: "F32", Shape: []int{len(state)}, Data: page.PackFloats(state)}
}

// measured is how often each mode runs before one is chosen.
const measured = 10

// measure is the faster mode: a switch and a run, or a run in place, by the shortest of a few times, which
// other work on the machine disturbs least.
func (e *Engine) measure(s *slot, i, k int, x *tensors.Tensor, outputs []float32) (Mode, error) {
	modes := []Mode{Switched, InPlace}
	best := []time.Duration{math.MaxInt64, math.MaxInt64}
	for round := range measured + 1 { // the first compiles
		for w, mode := range modes {
			if len(e.nets) > 1 { // one alone is switched to once
				e.ready(s, -1)
			}
			start := time.Now()
			err := e.execute(mode, s, i, k, x, outputs)
			if err != nil && mode == InPlace {
				return Switched, e.release(i) // what the backend cannot do is no error
			}
			if err != nil {
				return Measured, err
			}
			if round > 0 {
				best[w] = min(best[w], time.Since(start))
			}
		}
	}
	if best[1] < best[0]-best[0]/20 { // it takes more memory, so it must gain something
		return InPlace, nil
	}
	return Switched, e.release(i)
}

// release frees what only runs in place need, unless another batch size has them.
func (e *Engine) release(i int) error {
	if slices.Contains(e.modes, InPlace) {
		return nil
	}
	r := e.runsOf(i)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.inPlace != nil {
		r.inPlace.Finalize()
		r.inPlace = nil
		maps.DeleteFunc(r.compiled, func(c compiled, _ bool) bool { return c.mode == InPlace })
	}
	d, err := e.device(i)
	if err == nil {
		d.mu.Lock()
		d.drop()
		d.mu.Unlock()
	}
	return err
}

// errorOf makes a panic, which is how GoMLX and the backends report much, an error.
func errorOf(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%v", p)
	}
}
