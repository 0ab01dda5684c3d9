package execution

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"weightsep/wslib/network"
)

// Many goroutines run, switch, read weights of networks and ask for memory, and one closes in the end: every
// output is the right one, or the engine was closed.
func TestConcurrently(t *testing.T) {
	nets, set := ten(t)
	nets, set.Networks = nets[1:4], set.Networks[1:4]
	e := open(t, set, nets, Options{Batches: []int{1}})
	var x, want [][]float32
	for i, n := range nets {
		x = append(x, random(n.Samples(), uint64(i)))
		want = append(want, offline(t, n, network.Values{Weights: set.Weights(i)}, 1, x[i]))
	}
	var all sync.WaitGroup
	for g := range 6 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 1))
			out, w := make([]float32, 100), make([]float32, 100000)
			for k := range 150 {
				i := r.IntN(len(nets))
				n := nets[i]
				var err error
				if m := e.Memory(); m != (Memory{}) && m.Working < 4*e.weights {
					t.Errorf("memory %+v", m)
				}
				switch k % 4 {
				case 0:
					err = e.Switch(n.Name)
				case 1:
					if err = e.Weights(w[:n.Weights()], n.Name); err == nil {
						err = same(n.Name, w[:n.Weights()], set.Weights(i))
					}
				default:
					o := out[:n.Outputs()]
					if err = e.Run(context.Background(), n.Name, o, x[i]); err == nil {
						err = same(n.Name, o, want[i])
					}
				}
				if errors.Is(err, ErrClosed) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				if g == 0 && k == 120 {
					e.Close()
				}
			}
		})
	}
	all.Wait()
}

// The network of the last call is ready, whatever it was; a call waits for another's turn to end, unless its
// context ends before. Close waits, too, and whoever still waits then is told.
func TestTurns(t *testing.T) {
	nets, set := ten(t)
	nets, set.Networks = nets[1:3], set.Networks[1:3]
	e := open(t, set, nets, Options{})
	in, out := make([]float32, 784), make([]float32, 10)
	ctx := context.Background()
	for i, n := range slices.Concat(nets, nets) {
		if err := e.Switch(n.Name); err != nil || e.slot.network != i%2 {
			t.Errorf("after %s: %d is ready (%v)", n.Name, e.slot.network, err)
		}
	}
	if err := e.Run(ctx, "mnist", out, in); err != nil || e.slot.network != 0 {
		t.Errorf("after a run: %d is ready (%v)", e.slot.network, err)
	}
	if err := e.take(ctx); err != nil {
		t.Fatal(err)
	}
	memory := e.Memory() // does not wait
	brief, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if err := e.Run(brief, "mnist", out, in); err != context.DeadlineExceeded {
		t.Errorf("waited: %v", err)
	}
	var all sync.WaitGroup
	waited := make(chan error, 1)
	all.Go(func() { waited <- e.Run(ctx, "mnist", out, in) })
	time.Sleep(10 * time.Millisecond)
	for range 2 {
		all.Go(func() {
			e.Close()
			if e.shared.Ok() {
				t.Error("Close returned before all was freed")
			}
		})
	}
	if err := <-waited; !errors.Is(err, ErrClosed) {
		t.Errorf("a run that waited for its turn: %v", err)
	}
	if !e.shared.Ok() || memory.Working != 4*(e.weights+784) {
		t.Errorf("freed while a call runs, or memory %+v", memory)
	}
	e.give()
	all.Wait()
}

// Goroutines that are the first to run a GoMLX function, in several batch sizes, compile it together.
func TestColdConcurrently(t *testing.T) {
	n := stateful(t, "a")
	e := open(t, statefulSet(n), []*network.Network{n}, Options{Batches: []int{1, 2, 3, 4}})
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			samples := 1 + g%4
			x, out := make([]float32, 2*samples), make([]float32, 2*samples)
			x[0] = float32(g)
			if err := e.Run(context.Background(), "a", out, x); err != nil ||
				out[0] != 0.5*float32(g)+10 {
				t.Errorf("%v (%v)", out, err)
			}
		})
	}
	all.Wait()
}
