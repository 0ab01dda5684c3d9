package execution

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/datasets"
	"weightsep/wslib/internal/train"
	"weightsep/wslib/network"
	"weightsep/wslib/page"
	"weightsep/wslib/score"
)

// Apart is a network of an engine as it was before weight separation, and its test samples.
type Apart struct {
	Values network.Values // in the order of the engine's network
	Test   *datasets.Split
	// Offline and Packed are what an offline evaluation on Test, in batches of 100, gives of these values
	// and of the packed ones. An execution that gives another score is an error.
	Offline, Packed float64
}

// BenchOptions of [Bench].
type BenchOptions struct {
	Executions int  // random ones, of each source of weights
	Requests   int  // of a stream, see [Load]; 0: none
	Runs       bool // also switches and runs of 1, 10 and 100 samples
	Seed       uint64
	Dir        string             // where the opponents' files are written; they are the caller's to remove
	Progress   func(done, of int) // nil: none
}

// Bench switches to random networks and runs their test samples, with the packed networks of an engine
// and with other sources of the same networks' weights, by turns and through the same executables. The
// timer of a switch runs from the request until the weights are usable.
//
// The engine is used by nobody else meanwhile and has a batch size of 100. apart are its networks, in
// its order.
func Bench(ctx context.Context, e *Engine, apart []Apart, o BenchOptions) (*Result, error) {
	b := &bench{Engine: e, apart: apart, options: o, result: &Result{Seed: o.Seed}}
	defer b.close()
	if err := b.open(); err != nil {
		return nil, fmt.Errorf("execution: %w", err)
	}
	err := b.executions(ctx)
	if err == nil {
		err = b.cold(ctx)
	}
	if err == nil && o.Runs {
		err = b.batches(ctx)
	}
	if err == nil && o.Requests > 0 {
		err = b.load(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("execution: %w", err)
	}
	b.result.Memory = e.Memory()
	return b.result, nil
}

type bench struct {
	*Engine
	apart   []Apart
	options BenchOptions
	result  *Result

	slot           *slot
	sources        []*source
	int8s          *page.Set
	whole, packed  []*tensors.Tensor // states, resident: they are no part of a switch; nil: none
	closers        []func()
	done, expected int
}

func (b *bench) open() (err error) {
	if !slices.Contains(b.Engine.options.Batches, batchSize) {
		return fmt.Errorf("batches of %v, want also %d", b.Engine.options.Batches, batchSize)
	}
	if len(b.apart) != len(b.nets) {
		return fmt.Errorf("%d networks apart, want %d", len(b.apart), len(b.nets))
	}
	b.slot, err = b.newSlot()
	if err != nil {
		return err
	}
	for i, a := range b.apart {
		for _, s := range []struct {
			to    *[]*tensors.Tensor
			state []float32
		}{{&b.whole, a.Values.State}, {&b.packed, b.set.Networks[i].State}} {
			t, err := b.resident(s.state, b.state)
			if err != nil {
				return err
			}
			*s.to = append(*s.to, t)
		}
	}
	b.sources, err = b.opponents()
	b.expected = b.options.Executions + b.options.Requests
	return err
}

func (b *bench) close() {
	for _, f := range b.closers {
		f()
	}
	network.Free(b.whole...)
	network.Free(b.packed...)
	if b.slot != nil {
		b.slot.close()
	}
}

func (b *bench) step() {
	b.done++
	if b.options.Progress != nil {
		b.options.Progress(b.done, b.expected)
	}
}

// resident puts values on the device, with room for as many as the engine's executables take.
func (b *bench) resident(values []float32, room int) (*tensors.Tensor, error) {
	if len(values) == 0 {
		return nil, nil
	}
	if !b.inHost() {
		room = len(values)
	}
	padded := make([]float32, room)
	copy(padded, values)
	return onDevice(b.backend, stateArray(padded))
}

// usable makes a source's weights of network i usable.
func (b *bench) usable(s *source, in *slot, i int) (*tensors.Tensor, error) {
	switch {
	case s.resident != nil:
		return s.resident[i], nil
	case s.load == nil:
		b.ready(in, -1)
		err := b.fetch(in, i)
		return in.weights, err
	}
	b.ready(in, -1)
	n := b.nets[i].Weights()
	if b.inHost() {
		return in.weights, s.load(in.flatWeights[:n], i)
	}
	network.Free(in.weights)
	t, flat, err := b.floats(n)
	in.weights = t
	if err == nil {
		err = s.load(flat, i)
	}
	if err == nil {
		err = t.MaterializeOnDevice(b.backend, false, 0)
	}
	return t, err
}

// stateOf is network i's state that belongs to a source's weights.
func (b *bench) stateOf(s *source, i int) *tensors.Tensor {
	if s.load == nil && s.resident == nil {
		return b.packed[i]
	}
	return b.whole[i]
}

// batchSize is that of executions and of offline evaluations, so that their outputs are the same.
const batchSize = 100

// outputs are those of all samples of a split, in batches; the last repeats a sample.
func (b *bench) outputs(ctx context.Context, i int, weights, state *tensors.Tensor,
	split *datasets.Split) ([]float32, error) {
	k, width := slices.Index(b.Engine.options.Batches, batchSize), b.nets[i].Outputs()
	all := make([]float32, split.Len()*width)
	index, flat := make([]int, batchSize), make([]float32, batchSize*split.Size())
	for at := 0; at < split.Len(); at += batchSize {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for j := range index {
			index[j] = min(at+j, split.Len()-1)
		}
		split.Batch(flat, index)
		if err := b.one(i, k, weights, state, flat, all[at*width:]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// one runs one batch, of the engine's k-th size.
func (b *bench) one(i, k int, weights, state *tensors.Tensor, samples, outputs []float32) error {
	return b.call(b.slot, i, k, weights, state, outputs, samples)
}

// executions measures switches, and runs of the test samples with the packed networks and with copied
// weights, whose scores are compared. After switches of other sources one batch runs, which takes the
// processor's caches likewise; its outputs are compared.
func (b *bench) executions(ctx context.Context) error {
	rng := train.Rand(b.options.Seed, "bench")
	times := make([]SourceTime, len(b.sources))
	for s, source := range b.sources {
		times[s].Name, times[s].Held = source.name, source.held
	}
	first := make([][]float32, len(b.nets)) // outputs of one batch of each network, with its own weights
	for k := range b.options.Executions {
		i := rng.IntN(len(b.nets))
		n, a := b.nets[i], b.apart[i]
		batch := a.Test.Slice(min(batchSize, a.Test.Len()))
		b.result.Networks = append(b.result.Networks, n.Name)
		if first[i] == nil { // compiles
			var err error
			if first[i], err = b.outputs(ctx, i, b.sources[1].resident[i], b.whole[i], batch); err != nil {
				return fmt.Errorf("network %s: %w", n.Name, err)
			}
		}
		for turn := range b.sources {
			s := (k + turn) % len(b.sources)
			source := b.sources[s]
			start := time.Now()
			weights, err := b.usable(source, b.slot, i)
			if err != nil {
				return fmt.Errorf("switch to %s, %s: %w", n.Name, source.name, err)
			}
			ready := time.Now()
			times[s].Warm.add(ready.Sub(start))
			test, want := batch, math.NaN()
			switch source.name {
			case PagesSource:
				test, want = a.Test, a.Packed
			case CopySource:
				test, want = a.Test, a.Offline
			}
			outputs, err := b.outputs(ctx, i, weights, b.stateOf(source, i), test)
			if err != nil {
				return fmt.Errorf("network %s: %w", n.Name, err)
			}
			if !math.IsNaN(want) {
				times[s].Execute.add(time.Since(ready))
				if got := score.Of(n, outputs, test); got != want {
					return fmt.Errorf("%s scores %v with %s, its offline evaluation %v", n.Name, got,
						source.name, want)
				}
			} else if source.name != int8Source && !slices.Equal(outputs, first[i]) {
				return fmt.Errorf("%s has other outputs with weights from %s", n.Name, source.name)
			}
		}
		b.step()
	}
	b.result.Sources = times
	b.summed(func(s *SourceTime) *Times { return &s.Warm })
	for s := range times {
		times[s].Execute.sum()
	}
	return nil
}

// cold measures switches to the same networks that find nothing in caches.
func (b *bench) cold(ctx context.Context) error {
	cache := make([]byte, 64<<20)
	for _, name := range b.result.Networks {
		i := b.index[name]
		for s, source := range b.sources {
			if err := ctx.Err(); err != nil {
				return err
			}
			if source.drop != nil {
				if err := source.drop(i); err != nil {
					return err
				}
			}
			for at := 0; at < len(cache); at += 64 {
				cache[at]++
			}
			start := time.Now()
			if _, err := b.usable(source, b.slot, i); err != nil {
				return fmt.Errorf("switch to %s, %s: %w", name, source.name, err)
			}
			b.result.Sources[s].Cold.add(time.Since(start))
		}
	}
	b.summed(func(s *SourceTime) *Times { return &s.Cold })
	return nil
}

// summed sums times of all sources up.
func (b *bench) summed(of func(*SourceTime) *Times) {
	for s := range b.result.Sources {
		of(&b.result.Sources[s]).sum()
	}
	bound := of(b.result.Source(CopySource)).Median
	for s := range b.result.Sources {
		t := of(&b.result.Sources[s])
		t.Copies = float64(t.Median) / float64(max(1, bound))
	}
}

// batches measures a run of every network, with its weights ready and with a switch, at batch sizes of 1, 10 and
// 100, by turns: as many rounds as three seconds hold.
func (b *bench) batches(ctx context.Context) error {
	const atLeast, atMost, enough = 5, 50, 3 * time.Second
	own, err := Open(b.backend, b.set, b.nets, Options{Batches: []int{1, 10, 100}})
	if err != nil {
		return err
	}
	defer own.Close()
	for i, n := range b.nets {
		for k, batch := range own.options.Batches {
			x, out := make([]float32, batch*n.Samples()), make([]float32, batch*n.Outputs())
			var times [2][]time.Duration
			begun := time.Now()
			for round := range atMost + 1 {
				if round == 1 {
					begun = time.Now() // the first compiles
				}
				if round > atLeast && time.Since(begun) > enough {
					break
				}
				for turn := range times {
					if err := ctx.Err(); err != nil {
						return err
					}
					way := (round + turn) % len(times)
					if way == 1 {
						own.ready(own.slot, -1)
					}
					start := time.Now()
					if err := own.run(i, k, out, x); err != nil {
						return fmt.Errorf("network %s: %w", n.Name, err)
					}
					if round > 0 {
						times[way] = append(times[way], time.Since(start))
					}
				}
			}
			b.result.Runs = append(b.result.Runs, RunTime{n.Name, batch, median(times[0]), median(times[1])})
		}
	}
	return nil
}
