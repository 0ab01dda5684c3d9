// Package execution runs many networks from one set of pages.
//
// Shared pages are in device memory (level 1), exclusive pages, keys and states in host memory
// (level 2), all as they are stored: pages of 2 bits stay 2 bits. A switch puts the weights of one
// network together: where device memory is the host's, as with XLA's CPU plugin, on the host; else it
// copies the network's exclusive pages and keys to the device and gathers there.
//
// [Open] makes an [Engine] of a set and its networks; [Engine.Run] switches and runs. [Bench] measures
// switching and execution against what else could be done, and under a stream of requests.
package execution

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/wslib/network"
	"weightsep/wslib/page"
)

// Engine runs the networks of a set. Its methods may be called by several goroutines at once: one runs, the
// others wait.
//
// After the first call for a network and batch size, which compiles, a switch allocates nothing on a device
// whose memory is the host's, and a run little but what GoMLX allocates for its output.
type Engine struct {
	backend compute.Backend
	options Options
	set     *page.Set          // its shared pages are the device's where that is the host's memory
	nets    []*network.Network // in the set's order
	index   map[string]int
	shared  *tensors.Tensor // shared pages as they are stored, on the device
	weights int             // of the largest network
	state   int

	turn   chan struct{} // holds one while a call runs, whose are slot, execs and alike
	closed chan struct{} // Close was called
	once   sync.Once     // of Close
	slot   *slot
	execs  []network.Executable          // of each network; nil until it runs
	alike  map[string]network.Executable // each once

	mu      sync.Mutex // of what Memory reads: devices and what is in the slot
	devices []*device  // of each network; nil until it is used
}

// Options of [Open]. The zero value will do.
type Options struct {
	// Batches are the numbers of samples that run at once; others are split into these. nil: 1 and 100.
	Batches []int
}

// ErrClosed says that an engine was used after [Engine.Close].
var ErrClosed = errors.New("execution: the engine is closed")

// Open checks a set and puts its shared pages on the device. nets are the networks of the
// set in its order, which need no samples. The engine keeps the set's exclusive pages, keys and states
// and does not change them; they may lie in a mapped file.
func Open(backend compute.Backend, set *page.Set, nets []*network.Network, o Options) (*Engine, error) {
	if o.Batches == nil {
		o.Batches = []int{1, 100}
	}
	o.Batches = slices.Sorted(slices.Values(o.Batches))
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("execution: %w", err)
	}
	if err := set.Validate(); err != nil {
		return nil, fmt.Errorf("execution: %w", err)
	}
	if len(nets) != len(set.Networks) {
		return nil, fmt.Errorf("execution: %d networks for a set of %d", len(nets), len(set.Networks))
	}
	e := &Engine{backend: backend, options: o, nets: nets, index: map[string]int{},
		turn: make(chan struct{}, 1), closed: make(chan struct{}), alike: map[string]network.Executable{},
		execs: make([]network.Executable, len(nets)), devices: make([]*device, len(nets))}
	for i, m := range set.Networks {
		n := nets[i]
		if n.Name != m.Name || n.Weights() != m.Weights || n.StateSize() != len(m.State) {
			return nil, fmt.Errorf("execution: network %d of the set is %s of %d weights and %d of state, "+
				"want %s "+
				"of %d and %d", i, m.Name, m.Weights, len(m.State), n.Name, n.Weights(), n.StateSize())
		}
		if _, twice := e.index[m.Name]; twice {
			return nil, fmt.Errorf("execution: network %s is there twice", m.Name)
		}
		e.index[m.Name] = i
		e.weights, e.state = max(e.weights, m.Weights), max(e.state, len(m.State))
	}
	if err := e.allocate(set); err != nil {
		e.Close()
		return nil, fmt.Errorf("execution: %w", err)
	}
	return e, nil
}

func (o Options) validate() error {
	if len(o.Batches) == 0 || o.Batches[0] != 1 {
		return fmt.Errorf("batches of %v, want batches of 1 and perhaps others", o.Batches)
	}
	if len(o.Batches) > mostBatches || len(slices.Compact(slices.Clone(o.Batches))) < len(o.Batches) {
		return fmt.Errorf("batches of %v, want at most %d different ones", o.Batches, mostBatches)
	}
	return nil
}

// mostBatches is how many sizes an executable is compiled for: GoMLX keeps 32.
const mostBatches = 16

// allocate puts level 1 on the device.
func (e *Engine) allocate(set *page.Set) error {
	var err error
	s := *set
	e.set = &s
	pages := s.Precision.Array(s.Pages, s.Size)
	if !e.inHost() {
		e.shared, err = onDevice(e.backend, pages)
	} else if e.shared, s.Pages, err = room(e.backend, shapeOf(pages)); err == nil {
		copy(s.Pages, pages.Data)
	}
	if err == nil {
		e.slot, err = e.newSlot()
	}
	return err
}

// inHost says that device memory is the host's.
func (e *Engine) inHost() bool { return e.backend.HasSharedBuffers() }

// Names are those of the networks, in the set's order.
func (e *Engine) Names() []string { return network.Names(e.nets) }

func (e *Engine) find(name string) (int, error) {
	i, ok := e.index[name]
	if !ok {
		return 0, fmt.Errorf("execution: no network %q, there are %v", name, e.Names())
	}
	return i, nil
}

// Switch makes a network ready, so that the next run, if it is of that network, need not.
func (e *Engine) Switch(name string) error {
	i, err := e.find(name)
	if err != nil {
		return err
	}
	return e.with(func() error { return e.fetch(e.slot, i) })
}

// Weights switches to a network and copies its flat weights to dst.
func (e *Engine) Weights(dst []float32, name string) error {
	i, err := e.find(name)
	if err != nil {
		return err
	}
	if want := e.set.Networks[i].Weights; len(dst) != want {
		return fmt.Errorf("execution: network %s: room for %d weights, want %d", name, len(dst), want)
	}
	return e.with(func() error {
		if err := e.fetch(e.slot, i); err != nil {
			return err
		}
		return tensors.ConstFlatData(e.slot.weights, func(w []float32) { copy(dst, w) })
	})
}

// Verify switches to the networks of a set, some or all of the engine's, and compares their weights with the
// set's, bit for bit.
func (e *Engine) Verify(set *page.Set) error {
	for i, m := range set.Networks {
		want := set.Weights(i)
		got := make([]float32, len(want))
		if err := e.Weights(got, m.Name); err != nil {
			return err
		}
		if err := same(m.Name, got, want); err != nil {
			return err
		}
	}
	return nil
}

func same(name string, got, want []float32) error {
	for k := range want {
		if math.Float32bits(got[k]) != math.Float32bits(want[k]) {
			return fmt.Errorf("execution: %s: weight %d is %v on the device, %v in "+
				"the pages", name, k, got[k],
				want[k])
		}
	}
	return nil
}

// device is what gathers network i on the device, made at its first use.
func (e *Engine) device(i int) (*device, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.devices[i] == nil {
		d, err := newDevice(e.backend, e.set, e.set.Networks[i])
		if err != nil {
			return nil, err
		}
		e.devices[i] = d
	}
	return e.devices[i], nil
}

// Close waits for a call that runs, then frees device memory and executables. Calls after it fail with
// [ErrClosed].
func (e *Engine) Close() {
	e.once.Do(func() {
		e.mu.Lock()
		close(e.closed)
		e.mu.Unlock()
		e.turn <- struct{}{} // for ever
		network.Free(e.shared)
		if e.slot != nil {
			e.slot.close()
		}
		for _, d := range e.devices {
			if d != nil {
				d.close()
			}
		}
		for _, exec := range e.alike {
			exec.Finalize()
		}
	})
}

// with calls f when it is the caller's turn.
func (e *Engine) with(f func() error) error {
	if err := e.take(context.Background()); err != nil {
		return err
	}
	defer e.give()
	return f()
}

// take waits for the caller's turn, until ctx ends.
func (e *Engine) take(ctx context.Context) error {
	select {
	case <-e.closed:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	case e.turn <- struct{}{}:
	}
	if e.isClosed() { // meanwhile
		e.give()
		return ErrClosed
	}
	return nil
}

func (e *Engine) give() { <-e.turn }

func (e *Engine) isClosed() bool {
	select {
	case <-e.closed:
		return true
	default:
		return false
	}
}
