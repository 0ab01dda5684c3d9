package optimization

import (
	"context"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"weightsep/wslib/network"
	"weightsep/wslib/page"
	"weightsep/xla/xlatest"
)

// keyed is the start of joint training of two networks with keys and one without, which
// all share pages.
func keyed(t *testing.T) (*page.Set, []Task) {
	t.Helper()
	tasks := []Task{problem(t, "a", 1, 200), problem(t, "b", 2, 200), problem(t, "c", 3, 200)}
	set, err := plan(t, members(t, tasks)).StartSet(page.Int2)
	if err != nil {
		t.Fatal(err)
	}
	set.Networks[2].Keys = nil
	return set, tasks
}

// Latent values give back the keys they were made of: those of a start, and of trained
// pages, whose values may be negative or 0.
func TestKeysComeBackFromLatentValues(t *testing.T) {
	set, _ := keyed(t)
	page.PutFloats(set.Pages[4*3:], []float32{-0.5, 1, 1, 1, 0})
	l := newLayout(set, []int{0, 1, 2})
	theta := l.pack(set)
	if len(theta) != l.size() {
		t.Fatalf("%d values, want %d", len(theta), l.size())
	}
	if got := l.unpack(theta); !reflect.DeepEqual(got, set) {
		t.Error("the set did not come back")
	}
	// The latent value of one weight turns, and its key alone: page 1 of b is its second
	// page on a shared one, or its first where page 0 is exclusive.
	before := set.Weights(1)
	row := l.at[1].keys + int(set.Networks[1].Table.KeyRows()[2])
	at := l.latent + row*set.Size + 5
	theta[at] = -theta[at]
	got := l.unpack(theta).Weights(1)
	for k := range got {
		if k == 2*pageSize+5 {
			before[k] = -before[k]
		}
		if got[k] != before[k] {
			t.Errorf("weight %d is %v, want %v", k, got[k], before[k])
		}
	}
}

// Keys by hand, in the graph of a step and as they are stored: four keys in
// steps of a quarter; a latent value is in reach up to half a step beyond the last.
func TestKeysOfLatentValues(t *testing.T) {
	b := xlatest.Backend(t)
	latent := []float32{-9, -0.51, -0.49, -0.26, -0.25, -0.24, 0, 0.24, 0.25, 0.49, 0.51, 9}
	keys := []float32{-1.5, -1.5, -1.5, -1.5, -0.5, -0.5, 0.5, 0.5, 1.5, 1.5, 1.5, 1.5}
	reach := []float32{0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0}
	out, err := MustNewExec(b, func(x *Node) []*Node {
		codes, within := graphKeys(page.Int2, InsertAxes(x, 0))
		return []*Node{Reshape(codes, -1), Reshape(ConvertDType(within, dtypes.Float32), -1)}
	}).Call(latent)
	if err != nil {
		t.Fatal(err)
	}
	if got := mustCopy(t, out[0]); !slices.Equal(got, keys) {
		t.Errorf("keys %v in the graph, want %v", got, keys)
	}
	if got := mustCopy(t, out[1]); !slices.Equal(got, reach) {
		t.Errorf("in reach %v, want %v", got, reach)
	}
	if roundKeys(page.Int2, latent); !slices.Equal(latent, keys) {
		t.Errorf("keys %v, want %v", latent, keys)
	}
}

// A network's part of a step against the gradient of its loss at the weights that it
// executes, by automatic differentiation.
func TestGradientsThroughKeys(t *testing.T) {
	b := xlatest.Backend(t)
	set, tasks := keyed(t)
	j := trains(10, 10, 20, 2e-3).open(t, set, tasks)
	theta := vector(j.state.Theta)
	defer network.Free(theta)
	for i, task := range tasks {
		out, err := j.gradient(i, 0, theta, theta)
		if err != nil {
			t.Fatal(err)
		}
		onPages, onScales, onKeys := mustCopy(t, out[1]), mustCopy(t, out[2]), mustCopy(t, out[3])
		x, y := j.samplers[i].Batch(0)
		w := vector(set.Weights(i))
		g := mustCopy(t, MustExecOnce(b, func(w, x, y *Node) *Node {
			return crossEntropyGradient(task.Network, w, x, y)
		}, w, x, y))
		m, shared, exclusive := set.Networks[i], set.SharedValues(), set.ExclusiveValues(i)
		rows, keys := m.Table.KeyRows(), page.Int2.Unpack(m.Keys, set.Size)
		for e, on := range m.Table.Entries {
			sum, own := 0.0, int(on) >= set.Shared
			for k := range set.Size {
				at := e*set.Size + k
				if at >= m.Weights {
					break
				}
				value, key := float32(0), float32(1)
				if own {
					value = exclusive[(int(on)-set.Shared)*set.Size+k]
				} else {
					value = shared[int(on)*set.Size+k]
					if m.Keys != nil {
						key = keys[int(rows[e])*set.Size+k]
					}
				}
				near(t, m.Name+" page", onPages[at], g[at]*m.Scales[e]*key)
				if m.Keys != nil && !own {
					near(t, m.Name+" key", onKeys[at], g[at]*m.Scales[e]*value)
				}
				sum += float64(g[at] * value * key)
			}
			near(t, m.Name+" scale", onScales[e], float32(sum))
		}
	}
}

func near(t *testing.T, what string, got, want float32) {
	t.Helper()
	if math.Abs(float64(got-want)) > 1e-5+1e-4*math.Abs(float64(want)) {
		t.Fatalf("%s: gradient %v, want %v", what, got, want)
	}
}

// Networks learn, keys change, exclusive pages and the third network have none; what
// interrupts the training changes nothing.
func TestJointWithKeys(t *testing.T) {
	for _, c := range []struct {
		precision page.Precision
		gain      float64 // of every network's validation accuracy, at least
	}{{page.Float32, 0.05}, {page.Int4, 0.05}} {
		set, tasks := keyed(t)
		o := trains(160, 40, 30, 2e-2)
		o.Seed, o.Precision = 4, c.precision
		got, err := o.joint(t, context.Background(), set, tasks)
		if err != nil {
			t.Fatal(err)
		}
		if err := got.Set.Validate(); err != nil {
			t.Fatal(err)
		}
		first, last := got.History[0], got.History[len(got.History)-1]
		for i, v := range last.Validation {
			if v < first.Validation[i]+c.gain {
				t.Errorf("%+v: validation of %s from %v to %v", c, tasks[i].Network.Name,
					first.Validation[i], v)
			}
		}
		for i, m := range got.Set.Networks {
			turned := 0
			for k := range m.Keys {
				if m.Keys[k] != set.Networks[i].Keys[k] {
					turned++
				}
			}
			if (turned > 0) != (i < 2) {
				t.Errorf("%+v: %d of %d bytes of keys of %s changed", c, turned, len(m.Keys), m.Name)
			}
		}
		if !reflect.DeepEqual(got, resumed(t, set, tasks, o, 95)) {
			t.Errorf("%+v: after an interruption the result is another", c)
		}
	}
}

// A held network keeps its weights, keys among them, while others learn around it.
func TestHeldNetworksKeepTheirKeys(t *testing.T) {
	set, tasks := keyed(t)
	page.PutFloats(set.Pages[4*2:], []float32{0})
	tasks[0].Held = true
	o := trains(40, 20, 30, 2e-2)
	o.Seed = 4
	got, err := o.joint(t, context.Background(), set, tasks)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Set.Weights(0), set.Weights(0)) ||
		!slices.Equal(got.Set.Networks[0].Keys, set.Networks[0].Keys) {
		t.Error("weights of the held network changed")
	}
	if slices.Equal(got.Set.Networks[1].Keys, set.Networks[1].Keys) {
		t.Error("no key of another network changed")
	}
}
