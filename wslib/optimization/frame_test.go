package optimization

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/wslib/overlapping"
	"weightsep/wslib/page"
	"weightsep/xla/xlatest"
)

// Steps on what some networks use against steps on all of theta by the same networks, with
// moments of earlier steps: what they use changes alike, and nothing else.
func TestStepOnAFrameIsAStepOnTheta(t *testing.T) {
	for _, c := range []struct {
		name      string
		precision page.Precision
		keys      page.Precision
		shared    int // pages
		held      bool
		change    func(*page.Set)
	}{
		{"float32", page.Float32, 0, 16, false, func(*page.Set) {}},
		{"two without scales", page.Float32, 0, 16, false, func(s *page.Set) { s.Networks[0].Scales, s.Networks[3].Scales = nil, nil }},
		{"none with scales", page.Float32, 0, 16, false, func(s *page.Set) {
			for i := range s.Networks {
				s.Networks[i].Scales = nil
			}
		}},
		{"keys of all but one", page.Float32, page.Int2, 16, false, func(s *page.Set) { s.Networks[2].Keys = nil }},
		{"int4 on few pages", page.Int4, 0, 6, false, func(*page.Set) {}},
		{"int2 around a held network", page.Int2, 0, 14, true, func(*page.Set) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var tasks []Task
			for i, name := range []string{"a", "b", "c", "d"} {
				tasks = append(tasks, problem(t, name, uint64(i), 100))
			}
			p, err := overlapping.New(pageSize, c.shared)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range members(tasks) {
				if _, err := p.Add(n); err != nil {
					t.Fatal(err)
				}
			}
			set, err := p.StartSet(c.keys)
			if err != nil {
				t.Fatal(err)
			}
			c.change(set)
			tasks[1].Held = c.held
			compareSteps(t, set, tasks, c.precision)
		})
	}
}

func compareSteps(t *testing.T, set *page.Set, tasks []Task, precision page.Precision) {
	o := JointOptions{Steps: 10, Batch: 10, Seed: 3, Precision: precision}.withDefaults()
	open := func() *joint {
		j, err := newJoint(context.Background(), xlatest.Backend(t), set, tasks, o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(j.close)
		return j
	}
	all := open()
	o.Sample = 2
	some := open()
	all.JointOptions.Sample = o.Sample // Adam counts turns of all networks for what is a network's own
	if few := min(set.Shared, 10); some.frame.shared != few || some.frame.size() >= all.frame.size() {
		t.Fatalf("a frame of %d values, %d shared pages, for theta's %d; want %d pages", some.frame.size(), some.frame.shared, all.frame.size(), few)
	}
	size := all.frame.size()
	rng := rand.New(rand.NewPCG(2, 2))
	m, v := make([]float32, size), make([]float32, size)
	for i := range m {
		m[i], v[i] = float32(rng.NormFloat64())*1e-3, rng.Float32()*1e-4
	}
	before := [][]float32{all.state.Theta, m, v}
	x, err := some.newVariables(jointState{Theta: before[0], M: m, V: v})
	if err != nil {
		t.Fatal(err)
	}
	for k := range 4 {
		networks, epoch := some.sample(k)
		gotLoss, err := some.step(k, x)
		if err != nil {
			t.Fatal(err)
		}
		got, err := x.values()
		if err != nil {
			t.Fatal(err)
		}
		work := []*tensors.Tensor{vector(before[0]), vector(before[1]), vector(before[2])}
		if err := all.onDevice(work); err != nil {
			t.Fatal(err)
		}
		places := newPlaces(all.frame, all.layout, networks)
		next, wantLoss, err := all.stepOn(networks, epoch, k, places, work)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(gotLoss) != fmt.Sprint(wantLoss) {
			t.Errorf("step %d: losses %v, want %v", k, gotLoss, wantLoss)
		}
		changed := 0
		for i, what := range []string{"theta", "m", "v"} {
			want := mustCopy(t, next[i])
			for at, w := range want {
				if got[i][at] != w && (w == before[i][at] || math.Abs(float64(got[i][at]-w)) > 1e-6*math.Abs(float64(w))+1e-9) {
					t.Fatalf("step %d, networks %v: %s has %v at %d, want %v", k, networks, what, got[i][at], at, w)
				}
				if w != before[i][at] {
					changed++
				}
			}
			before[i] = got[i]
		}
		if changed == 0 || changed == 3*size {
			t.Errorf("step %d: %d of %d values change", k, changed, 3*size)
		}
		places.free()
		free(work...)
		free(next...)
	}
}
