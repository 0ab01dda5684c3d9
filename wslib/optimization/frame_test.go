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

// A step on what some networks use against one on all of theta by the same networks, with
// moments of earlier steps: what they use changes alike, and nothing else.
func TestStepOnAFrameIsAStepOnTheta(t *testing.T) {
	for _, c := range []struct {
		name      string
		precision page.Precision
		start     overlapping.Start
		held      bool
	}{
		{"float32", page.Float32, overlapping.NormalizedPages, false},
		{"float32 with signs", page.Float32, overlapping.SignedPages, false},
		{"int4", page.Int4, overlapping.NormalizedPages, false},
		{"int2 around a held network", page.Int2, overlapping.NormalizedPages, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var tasks []Task
			for i, name := range []string{"a", "b", "c", "d"} {
				tasks = append(tasks, problem(t, name, uint64(i), 100))
			}
			set, err := plan(t, members(tasks)).StartSet(c.start, 1)
			if err != nil {
				t.Fatal(err)
			}
			if c.start == overlapping.SignedPages {
				set.Networks[2].Signs = nil
			}
			tasks[1].Held = c.held
			o := JointOptions{Steps: 10, Batch: 10, Seed: 3, Precision: c.precision}.withDefaults()
			all, err := newJoint(context.Background(), xlatest.Backend(t), set, tasks, o)
			if err != nil {
				t.Fatal(err)
			}
			defer all.close()
			o.Sample = 2
			some, err := newJoint(context.Background(), xlatest.Backend(t), set, tasks, o)
			if err != nil {
				t.Fatal(err)
			}
			defer some.close()
			if some.frame.size() >= all.frame.size() {
				t.Fatalf("a frame of %d values for theta's %d", some.frame.size(), all.frame.size())
			}
			rng := rand.New(rand.NewPCG(2, 2))
			m, v := make([]float32, all.frame.size()), make([]float32, all.frame.size())
			for i := range m {
				m[i], v[i] = float32(rng.NormFloat64())*1e-3, rng.Float32()*1e-4
			}
			for epoch := range 3 {
				k := epoch * (len(some.trained) + 1) / 2
				networks, _ := some.sample(k)
				x, err := some.newVariables(jointState{Theta: some.state.Theta, M: m, V: v})
				if err != nil {
					t.Fatal(err)
				}
				gotLoss, err := some.step(k, x)
				if err != nil {
					t.Fatal(err)
				}
				got, err := x.values()
				if err != nil {
					t.Fatal(err)
				}
				// The counts of Adam differ between the two but where they are the same.
				all.JointOptions.Sample = some.JointOptions.Sample
				want, wantLoss, err := all.stepOn(networks, epoch, k, newPlaces(all.frame, all.layout, networks), []*tensors.Tensor{vector(all.state.Theta), vector(m), vector(v)})
				if err != nil {
					t.Fatal(err)
				}
				if fmt.Sprint(gotLoss) != fmt.Sprint(wantLoss) {
					t.Errorf("step %d: losses %v, want %v", k, gotLoss, wantLoss)
				}
				changed := 0
				for i, what := range []string{"theta", "m", "v"} {
					before := [][]float32{all.state.Theta, m, v}[i]
					g, w := got[i], mustCopy(t, want[i])
					for at := range w {
						if d := math.Abs(float64(g[at] - w[at])); d > 1e-6*math.Abs(float64(w[at]))+1e-9 {
							t.Fatalf("step %d, networks %v: %s has %v at %d, want %v", k, networks, what, g[at], at, w[at])
						}
						if w[at] == before[at] && g[at] != w[at] {
							t.Fatalf("step %d: %s changes at %d", k, what, at)
						}
						if w[at] != before[at] {
							changed++
						}
					}
				}
				if changed == 0 || changed == 3*len(m) {
					t.Errorf("step %d: %d of %d values change", k, changed, 3*len(m))
				}
			}
		})
	}
}
