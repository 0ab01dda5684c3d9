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
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
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

	choosing sync.Mutex
	modes    []Mode // for each of the batch sizes

	mu      sync.Mutex
	given   sync.Cond // a slot was given back
	slots   []*slot
	uses    uint64 // of slots
	closed  bool
	devices []*device        // of each network; nil until it is used
	runs    []*runs          // of each network; nil until it runs
	alike   map[string]*runs // each once
	ahead   chan int         // networks to prefetch
	freed   chan struct{}    // Close is done
	done    chan struct{}
}

// Options of [Open]. The zero value will do.
type Options struct {
	// Slots is how many networks are ready at a time, and how many calls run at a time; 0: 1.
	Slots int
	// Batches are the numbers of samples that run at once; others are split into these. nil: 1 and 100.
	Batches []int
	// Mode says how networks run; "": Measured.
	Mode Mode
}

// Mode is a way to run a network.
type Mode string

const (
	// Measured takes the faster of the other two for each batch size, as measured at its first use.
	Measured Mode = "measured"
	// Switched puts a network's weights together, once as long as its slot is its own, then runs it.
	Switched Mode = "switched"
	// InPlace runs from pages through the table and needs no switch. The network's exclusive pages and
	// keys stay on the device.
	InPlace Mode = "in place"
)

// ErrClosed says that an engine was used after [Engine.Close].
var ErrClosed = errors.New("execution: the engine is closed")

// Open checks a set, puts its shared pages on the device and makes slots. nets are the networks of the
// set in its order, which need no samples. The engine keeps the set's exclusive pages, keys and states
// and does not change them; they may lie in a mapped file.
func Open(backend compute.Backend, set *page.Set, nets []*network.Network, o Options) (*Engine, error) {
	o.Slots, o.Mode = cmp.Or(o.Slots, 1), cmp.Or(o.Mode, Measured)
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
		ahead: make(chan int, len(nets)), done: make(chan struct{}),
		freed: make(chan struct{}),
		modes: slices.Repeat([]Mode{o.Mode}, len(o.Batches))}
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
	err := e.allocate(set)
	go e.prefetch()
	if err != nil {
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
	if !slices.Contains([]Mode{Measured, Switched, InPlace}, o.Mode) {
		return fmt.Errorf("mode %q, want %q, %q or %q", o.Mode, Measured, Switched, InPlace)
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

// Switch makes a network ready, so that the next run of it, unless others took its slot, need not.
func (e *Engine) Switch(name string) error {
	i, err := e.find(name)
	if err != nil {
		return err
	}
	return e.with(i, func(s *slot) error { return e.fetch(s, i) })
}

// Prefetch begins to make a network ready while others run, and returns at once. It does nothing where
// there is only one slot, where the network is ready, or where very many wait already.
func (e *Engine) Prefetch(name string) error {
	i, err := e.find(name)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return ErrClosed
	}
	if len(e.slots) > 1 {
		select {
		case e.ahead <- i:
		default: // as many are waiting as there are networks
		}
	}
	return nil
}

// prefetch fetches networks until the engine closes. Its errors come back at the networks' next run.
func (e *Engine) prefetch() {
	defer close(e.done)
	for i := range e.ahead {
		e.mu.Lock()
		there := slices.ContainsFunc(e.slots,
			func(s *slot) bool { return s.network == i || s.busy && s.next == i })
		e.mu.Unlock()
		if there {
			continue
		}
		_ = e.with(i, func(s *slot) error { return e.fetch(s, i) })
	}
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

// Verify compares all networks' weights with those of a set, bit for bit: as switched to, and as
// gathered by graphs, as a device does whose memory is not the host's.
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
		err := e.with(i, func(*slot) error {
			w, err := e.gathered(i)
			if err == nil {
				err = tensors.ConstFlatData(w, func(w []float32) { copy(got, w) })
				w.FinalizeAll()
			}
			if e.inHost() { // where nothing else gathers so, but what runs in place
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
	if !d.keep {
		defer d.drop()
	}
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

// forget frees network i's device, unless it runs in place.
func (e *Engine) forget(i int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if d := e.devices[i]; d != nil && !d.kept() {
		d.close()
		e.devices[i] = nil
	}
}

// Memory is what an engine holds, in bytes. Executables, which belong to the backend, do not count.
type Memory struct {
	// Device is level 1: shared pages as they are stored and, of networks that were gathered by graphs
	// or run in place, tables and scales, and in place exclusive pages and keys.
	Device int `json:"device"`
	// Working is room in device memory: the slots' weights, states and inputs.
	Working int `json:"working"`
	// Host is level 2: exclusive pages, keys and states, and tables and scales. Of a mapped file the
	// system may take pages and keys back at any time.
	Host int `json:"host"`
}

// Memory says what the engine holds now.
func (e *Engine) Memory() Memory {
	e.mu.Lock()
	defer e.mu.Unlock()
	var m Memory
	if e.closed {
		return m
	}
	m.Device = int(e.shared.ByteSize())
	for _, d := range e.devices {
		if d != nil {
			m.Device += d.bytes()
		}
	}
	for _, s := range e.slots {
		m.Working += s.bytes(e)
	}
	for _, n := range e.set.Networks {
		m.Host += len(n.Exclusive) + len(n.Keys) + 4*(len(n.State)+len(n.Table.Entries)+len(n.Scales))
	}
	return m
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
	close(e.ahead)
	for slices.ContainsFunc(e.slots, func(s *slot) bool { return s != nil && s.busy }) {
		e.given.Wait()
	}
	e.given.Broadcast()
	e.mu.Unlock()
	<-e.done
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

// slot is room for one network that is ready, and for inputs.
type slot struct {
	network int // that is ready; -1: none
	next    int // that is being made ready in it; -1: none
	busy    bool
	used    uint64

	weights, state *tensors.Tensor
	// Where device memory is the host's, all of it stays, and these are its values. Elsewhere a
	// switch makes new tensors, and inputs are copied to the device by each run.
	flatWeights, flatState []float32
	inputs                 map[input]*tensors.Tensor
	args                   []any
}

// input is what samples are copied for: networks of one architecture, and the engine's k-th batch size.
type input struct {
	of *runs
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

// with calls f with a slot that nobody else has, if possible one where network i is ready.
func (e *Engine) with(i int, f func(*slot) error) error {
	s, err := e.take(context.Background(), i)
	if err != nil {
		return err
	}
	defer e.give(s)
	return f(s)
}

// take waits for a slot until ctx ends.
func (e *Engine) take(ctx context.Context, i int) (*slot, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	waits := false
	for {
		if e.closed {
			return nil, ErrClosed
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var best *slot
		coming := false // a slot is being filled with the network
		for _, s := range e.slots {
			switch {
			case s.busy:
				coming = coming || s.next == i
			case best == nil || s.network == i || best.network != i && s.used < best.used:
				best = s
			}
		}
		if best != nil && (best.network == i || !coming) {
			e.uses++
			best.busy, best.next, best.used = true, -1, e.uses
			if best.network != i {
				best.next = i
			}
			return best, nil
		}
		if !waits {
			waits = true
			defer context.AfterFunc(ctx, e.given.Broadcast)()
		}
		e.given.Wait()
	}
}

func (e *Engine) give(s *slot) {
	e.mu.Lock()
	s.busy = false
	e.mu.Unlock()
	e.given.Broadcast()
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
	w, err := e.gathered(i)
	if err != nil {
		return err
	}
	s.weights = w
	if len(m.State) > 0 {
		if s.state, err = onDevice(e.backend, stateArray(m.State)); err != nil {
			return fmt.Errorf("execution: switch to %s: %w", m.Name, err)
		}
	}
	e.ready(s, i)
	return nil
}

// ready notes which network is ready in a slot that the caller has; -1: none.
func (e *Engine) ready(s *slot, i int) {
	e.mu.Lock()
	s.network = i
	e.mu.Unlock()
}

// settled lets calls that wait for what is made ready in a slot look for another one.
func (e *Engine) settled(s *slot) {
	e.mu.Lock()
	s.next = -1
	e.mu.Unlock()
	e.given.Broadcast()
}
