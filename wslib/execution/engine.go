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
	"cmp"
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

// Engine runs the networks of a set. Its methods may be called by several goroutines at once.
//
// What a switch fills is a slot: room for the weights and the state of the largest network. A call
// takes a slot that has its network already, else the one that was used longest ago, and waits where
// all are taken. After the first call for a network and batch size, which compiles, a switch allocates
// nothing on a device whose memory is the host's, and a run only what GoMLX allocates for its output.
type Engine struct {
	backend compute.Backend
	options Options
	set     *page.Set          // its shared pages are the device's where that is the host's memory
	nets    []*network.Network // in the set's order
	index   map[string]int
	shared  *tensors.Tensor // shared pages as they are stored, on the device
	weights int             // of the largest network
	state   int

	mu      sync.Mutex
	given   sync.Cond // a slot was given back
	slots   []*slot
	uses    uint64 // of slots
	closed  bool
	devices []*device        // of each network; nil until it is used
	runs    []*runs          // of each network; nil until it runs
	alike   map[string]*runs // each once
	freed   chan struct{}    // Close is done
}

// Options of [Open]. The zero value will do.
type Options struct {
	// Slots is how many networks are ready at a time, and how many calls run at a time; 0: 1.
	Slots int
	// Batches are the numbers of samples that run at once; others are split into these. nil: 1 and 100.
	Batches []int
}

// ErrClosed says that an engine was used after [Engine.Close].
var ErrClosed = errors.New("execution: the engine is closed")

// Open checks a set, puts its shared pages on the device and makes slots. nets are the networks of the
// set in its order, which need no samples. The engine keeps the set's exclusive pages, keys and states
// and does not change them; they may lie in a mapped file.
func Open(backend compute.Backend, set *page.Set, nets []*network.Network, o Options) (*Engine, error) {
	o.Slots = cmp.Or(o.Slots, 1)
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
		devices: make([]*device, len(nets)), runs: make([]*runs, len(nets)), alike: map[string]*runs{},
		freed: make(chan struct{})}
	e.given.L = &e.mu
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
	if o.Slots < 1 || len(o.Batches) == 0 || o.Batches[0] != 1 {
		return fmt.Errorf("%d slots and batches of %v, want 1 slot or more and batches of 1 and "+
			"perhaps others",
			o.Slots, o.Batches)
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
	for range e.options.Slots {
		if err != nil {
			return err
		}
		var one *slot
		one, err = e.newSlot()
		e.slots = append(e.slots, one)
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

// Switch makes a network ready, so that the next run of it, unless others took its slot, need not. With
// several slots, one is made ready ahead by a call from another goroutine.
func (e *Engine) Switch(name string) error {
	i, err := e.find(name)
	if err != nil {
		return err
	}
	return e.with(i, func(s *slot) error { return e.fetch(s, i) })
}

// Weights puts a network's flat weights together in dst, in the caller's memory.
func (e *Engine) Weights(dst []float32, name string) error {
	i, err := e.find(name)
	if err != nil {
		return err
	}
	if want := e.set.Networks[i].Weights; len(dst) != want {
		return fmt.Errorf("execution: network %s: room for %d weights, want %d", name, len(dst), want)
	}
	return e.with(i, func(s *slot) error {
		if e.inHost() {
			e.set.Gather(dst, i)
			return nil
		}
		if err := e.fetch(s, i); err != nil {
			return err
		}
		return tensors.ConstFlatData(s.weights, func(w []float32) { copy(dst, w) })
	})
}

// Verify compares weights with those of a set that has some of the networks, bit for bit: as switched to, and as
// gathered by graphs, as a device does whose memory is not the host's.
func (e *Engine) Verify(set *page.Set) error {
	for k, m := range set.Networks {
		i, err := e.find(m.Name)
		if err != nil {
			return err
		}
		want := set.Weights(k)
		got := make([]float32, len(want))
		if err := e.Weights(got, m.Name); err != nil {
			return err
		}
		if err := same(m.Name, got, want); err != nil {
			return err
		}
		err = e.with(i, func(*slot) error {
			w, err := e.gathered(i)
			if err == nil {
				err = tensors.ConstFlatData(w, func(w []float32) { copy(got, w) })
				w.FinalizeAll()
			}
			if e.inHost() { // where nothing else gathers so
				e.forget(i)
			}
			return err
		})
		if err == nil {
			err = same(m.Name, got, want)
		}
		if err != nil {
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

// gathered are network i's weights, gathered by graphs from level 1 and a copy of its level 2. Only
// the caller's slot is with it.
func (e *Engine) gathered(i int) (*tensors.Tensor, error) {
	d, err := e.device(i)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	m := e.set.Networks[i]
	if err := d.fetch(e.backend, e.set.Format, m); err != nil {
		return nil, fmt.Errorf("execution: switch to %s: %w", m.Name, err)
	}
	defer d.drop()
	w, err := d.weights(e.shared)
	if err != nil {
		return nil, fmt.Errorf("execution: switch to %s: %w", m.Name, err)
	}
	return w, nil
}

// device is what gathers network i on the device, made at its first use.
func (e *Engine) device(i int) (*device, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.devices[i] == nil {
		d, err := newDevice(e.backend, e.set, e.set.Networks[i])
		if err != nil {
			return nil, fmt.Errorf("execution: network %s: %w", e.nets[i].Name, err)
		}
		e.devices[i] = d
	}
	return e.devices[i], nil
}

// forget frees network i's device.
func (e *Engine) forget(i int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if d := e.devices[i]; d != nil {
		d.close()
		e.devices[i] = nil
	}
}

// Close waits for calls that run, then frees device memory and executables. Calls after it fail with
// [ErrClosed].
func (e *Engine) Close() {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		<-e.freed
		return
	}
	defer close(e.freed)
	e.closed = true
	for slices.ContainsFunc(e.slots, func(s *slot) bool { return s != nil && s.busy }) {
		e.given.Wait()
	}
	e.given.Broadcast()
	e.mu.Unlock()
	network.Free(e.shared)
	for _, s := range e.slots {
		if s != nil {
			s.close()
		}
	}
	for _, d := range e.devices {
		if d != nil {
			d.close()
		}
	}
	for _, r := range e.alike {
		r.close()
	}
}
