package execution

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/wslib/network"
)

// slot is room for the weights and the state of the largest network, and for inputs.
type slot struct {
	network int // that is ready; -1: none

	weights, state *tensors.Tensor
	// Where device memory is the host's, all of it stays, and these are its values. Elsewhere a
	// switch makes new tensors, and inputs are copied to the device by each run.
	flatWeights, flatState []float32
	inputs                 map[input]*tensors.Tensor
}

// input is what samples are copied for: networks of one architecture, and the engine's k-th batch size.
type input struct {
	of network.Executable
	k  int
}

func (e *Engine) newSlot() (*slot, error) {
	s := &slot{network: -1, inputs: map[input]*tensors.Tensor{}}
	if !e.inHost() {
		return s, nil
	}
	var err error
	if s.weights, s.flatWeights, err = e.floats(e.weights); err == nil && e.state > 0 {
		s.state, s.flatState, err = e.floats(e.state)
	}
	return s, err
}

// floats is room for n float32 values.
func (e *Engine) floats(n ...int) (t *tensors.Tensor, flat []float32, err error) {
	t, _, err = room(e.backend, shapes.Make(dtypes.Float32, n...))
	if err == nil {
		err = tensors.MutableFlatData(t, func(f []float32) { flat = f })
	}
	return t, flat, err
}

func (s *slot) bytes(e *Engine) int {
	n := 0
	for _, t := range s.inputs {
		n += int(t.ByteSize())
	}
	if e.inHost() {
		return n + 4*(e.weights+e.state)
	}
	if s.network >= 0 {
		n += 4 * (e.nets[s.network].Weights() + e.nets[s.network].StateSize())
	}
	return n
}

func (s *slot) close() {
	network.Free(s.weights, s.state)
	for _, t := range s.inputs {
		network.Free(t)
	}
}

// fetch makes network i ready in a slot, unless it is.
func (e *Engine) fetch(s *slot, i int) error {
	if s.network == i {
		return nil
	}
	m := &e.set.Networks[i]
	if e.inHost() {
		e.set.Gather(s.flatWeights[:m.Weights], i)
		copy(s.flatState, m.State)
		e.ready(s, i)
		return nil
	}
	e.ready(s, -1)
	network.Free(s.weights, s.state)
	s.weights, s.state = nil, nil
	d, err := e.device(i)
	if err == nil {
		s.weights, err = d.weights(e.backend, e.shared, e.set.Format, *m)
	}
	if err == nil && len(m.State) > 0 {
		s.state, err = onDevice(e.backend, stateArray(m.State))
	}
	if err != nil {
		return fmt.Errorf("execution: switch to %s: %w", m.Name, err)
	}
	e.ready(s, i)
	return nil
}

// ready notes which network is ready in a slot; -1: none.
func (e *Engine) ready(s *slot, i int) {
	e.mu.Lock()
	s.network = i
	e.mu.Unlock()
}
