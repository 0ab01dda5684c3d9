package optimization

import (
	"context"
	"math"
	"reflect"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"weightsep/wslib/network"
	"weightsep/wslib/overlapping"
	"weightsep/wslib/page"
	"weightsep/xla/xlatest"
)

// signed is the start of joint training of two networks with signs and one without, which
// all share pages.
func signed(t *testing.T) (*page.Set, []Task) {
	t.Helper()
	tasks := []Task{problem(t, "a", 1, 200), problem(t, "b", 2, 200), problem(t, "c", 3, 200)}
	set, err := plan(t, members(tasks)).StartSet(overlapping.SignedPages, 1)
	if err != nil {
		t.Fatal(err)
	}
	set.Networks[2].Signs = nil
	return set, tasks
}

// Latent values give back the signs they were made of: those of a start, and of trained
// pages, whose values may be negative or 0.
func TestSignsComeBackFromLatentValues(t *testing.T) {
	set, _ := signed(t)
	set.Pages[3], set.Pages[7], set.Pages[20] = -0.5, 0, 0
	l := newLayout(set, nil)
	theta := l.pack(set)
	if len(theta) != l.size() {
		t.Fatalf("%d values, want %d", len(theta), l.size())
	}
	if got := l.unpack(theta); !reflect.DeepEqual(got, set) {
		t.Error("the set did not come back")
	}
	// The latent value of one weight turns, and its sign alone: page 1 of b is its second
	// page on a shared one, or its first where page 0 is exclusive.
	before := set.Weights(1)
	row := l.signs[1] + int(set.Networks[1].Table.SignRows()[2])
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

// A network's part of a step against the gradient of its loss at the weights that it
// executes, by automatic differentiation.
func TestGradientsThroughSigns(t *testing.T) {
	b := xlatest.Backend(t)
	set, tasks := signed(t)
	j, err := newJoint(context.Background(), b, set, tasks, JointOptions{Batch: 20, Seed: 1}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	defer j.close()
	theta := vector(j.state.Theta)
	defer free(theta)
	for i, task := range tasks {
		out, err := j.gradient(i, 0, 0, j.places, i, theta, theta)
		if err != nil {
			t.Fatal(err)
		}
		onPages, onScales, onSigns := mustCopy(t, out[1]), mustCopy(t, out[2]), mustCopy(t, out[3])
		x, y := j.samplers[i].Batch(0)
		w := vector(set.Weights(i))
		g := mustCopy(t, MustExecOnce(b, func(w, x, y *Node) *Node {
			return Gradient(network.CrossEntropy(task.Network.Logits(w, x), y), w)[0]
		}, w, x, y))
		m := set.Networks[i]
		rows := m.Table.SignRows()
		for e, on := range m.Table.Entries {
			sum, own := 0.0, int(on) >= set.Shared
			for k := range set.Size {
				at := e*set.Size + k
				if at >= m.Weights {
					break
				}
				value, sign := float32(0), float32(1)
				if own {
					value = m.Exclusive[(int(on)-set.Shared)*set.Size+k]
				} else {
					value = set.Pages[int(on)*set.Size+k]
					if m.Signs != nil && m.Signs[int(rows[e])*page.Int1.Bytes(set.Size)+k/8]>>(k%8)&1 == 1 {
						sign = -1
					}
				}
				near(t, m.Name+" page", onPages[at], g[at]*m.Scales[e]*sign)
				if m.Signs != nil && !own {
					near(t, m.Name+" sign", onSigns[at], g[at]*m.Scales[e]*value)
				}
				sum += float64(g[at] * value * sign)
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

// Networks learn, signs turn, exclusive pages and the third network have none; what
// interrupts the training, or takes networks by turns, changes nothing.
func TestJointWithSigns(t *testing.T) {
	set, tasks := signed(t)
	for _, c := range []struct {
		sample    int
		precision page.Precision
	}{{0, page.Float32}, {2, page.Float32}, {0, page.Int4}} {
		o := JointOptions{Steps: 160, ValidateEvery: 40, LearningRate: 2e-2, Batch: 30, Seed: 4, Sample: c.sample, Precision: c.precision}
		got, err := Joint(context.Background(), xlatest.Backend(t), set, tasks, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := got.Set.Validate(); err != nil {
			t.Fatal(err)
		}
		first, last := got.History[0], got.History[len(got.History)-1]
		for i, v := range last.Validation {
			if v < first.Validation[i]+0.15 {
				t.Errorf("%+v: validation of %s from %v to %v", c, tasks[i].Network.Name, first.Validation[i], v)
			}
		}
		for i, m := range got.Set.Networks {
			turned := 0
			for k := range m.Signs {
				if m.Signs[k] != set.Networks[i].Signs[k] {
					turned++
				}
			}
			if (turned > 0) != (i < 2) {
				t.Errorf("%+v: %d of %d bytes of signs of %s changed", c, turned, len(m.Signs), m.Name)
			}
		}
		if !reflect.DeepEqual(got, resumed(t, set, tasks, o, 95)) {
			t.Errorf("%+v: after an interruption the result is another", c)
		}
	}
}

// A held network keeps its weights, signs among them, while others learn around it.
func TestHeldNetworksKeepTheirSigns(t *testing.T) {
	set, tasks := signed(t)
	set.Pages[2] = 0
	tasks[0].Held = true
	got, err := Joint(context.Background(), xlatest.Backend(t), set, tasks, JointOptions{Steps: 40, ValidateEvery: 20, LearningRate: 2e-2, Batch: 30, Seed: 4})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Set.Weights(0), set.Weights(0)) || !slices.Equal(got.Set.Networks[0].Signs, set.Networks[0].Signs) {
		t.Error("weights of the held network changed")
	}
	if slices.Equal(got.Set.Networks[1].Signs, set.Networks[1].Signs) {
		t.Error("no sign of another network turned")
	}
}
