package pipeline

import (
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	dense "github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/layers/norm"
	variables "github.com/gomlx/gomlx/ml/model"

	"weightsep/wslib/budget"
	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
	"weightsep/wslib/page"
	"weightsep/xla/xlatest"
)

// optimized is a run in a directory of its own, and the pages it gives.
func optimized(t *testing.T, c Config) (*Run, *page.Set) {
	t.Helper()
	r, err := Open(filepath.Join(t.TempDir(), "run"), c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	if err := r.Optimize(context.Background()); err != nil {
		t.Fatal(err)
	}
	set, err := r.Set()
	if err != nil {
		t.Fatal(err)
	}
	return r, set
}

// The averages of batch normalization are stored, so a budget counts them.
func TestStateIsBudgeted(t *testing.T) {
	n, err := network.FromFunction(xlatest.Backend(t), "n", []int{8},
		func(s *variables.Scope, x *graph.Node) *graph.Node {
			return norm.BatchNorm(s.In("norm"), dense.Dense(s.In("dense"), x, true, 50), -1).Done()
		})
	if err != nil {
		t.Fatal(err)
	}
	weights, state := []int{n.Weights()}, 4*n.StateSize()
	want, err := budget.Choose(weights, 64, budget.Budget{Total: 500})
	if err != nil {
		t.Fatal(err)
	}
	got, err := choose([]*network.Network{n}, weights, 64, budget.Budget{Total: 500 + state})
	if want.Bytes += state; state == 0 || err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v (%v), want %+v", got, err, want)
	}
}

// A budget of fewer shared pages than a network has pages is kept by doubling.
func TestSmallBudgetDoubles(t *testing.T) {
	xlatest.Long(t)
	c := tiny(t)
	c.Optimization.TeacherSteps = 0
	if _, err := c.ApplyBudget(nil, budget.Budget{Total: 8_000}); err != nil {
		t.Fatal(err)
	}
	_, set := optimized(t, c)
	if stored := set.Stored().Total; stored > 8_000 || set.Shared >= 100 {
		t.Errorf("%d bytes on %d shared pages", stored, set.Shared)
	}
	on := map[int32]int{}
	for _, e := range set.Networks[0].Table.Entries {
		on[e]++
	}
	for e, n := range on {
		if most := 128/set.Shared + 1; n > most {
			t.Errorf("%d pages of one network on shared page %d, want at most %d", n, e, most)
		}
	}
}

// The network of the larger load has more exclusive pages and shares the others with
// fewer, within the budget.
func TestLoadsDecideRoom(t *testing.T) {
	xlatest.Long(t)
	c := tiny(t)
	c.Pages.Placement, c.Pages.Load = BalancedPlacement, optimization.Each{"": 1, "mnist": 20}
	c.Optimization.TeacherSteps = 0
	const total = 24_000
	if _, err := c.ApplyBudget(nil, budget.Budget{Total: total}); err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	r, set := optimized(t, c)
	if stored := set.Stored().Total; stored > total || stored < total*9/10 {
		t.Errorf("%d bytes stored of %d", stored, total)
	}
	pages := make([]int, set.Shared)
	for _, m := range set.Networks {
		for _, e := range m.Table.Entries {
			if int(e) < set.Shared {
				pages[e]++
			}
		}
	}
	crowd := func(i int) float64 { // pages on the shared pages of network i, mean over its own
		sum, n := 0, 0
		for _, e := range set.Networks[i].Table.Entries {
			if int(e) < set.Shared {
				sum, n = sum+pages[e], n+1
			}
		}
		return float64(sum) / float64(n)
	}
	if crowd(0) > crowd(1)/2 {
		t.Errorf("mnist's pages lie %.1f on one, fmnist's %.1f", crowd(0), crowd(1))
	}
	if a, b := len(set.Networks[0].Table.Exclusive()),
		len(set.Networks[1].Table.Exclusive()); a <= b || b < 1 {
		t.Errorf("%d exclusive pages of mnist, %d of fmnist", a, b)
	}
	for what, change := range map[string]func(*Config){
		"loads":           func(c *Config) { c.Pages.Load["mnist"] = 5 },
		"exclusive pages": func(c *Config) { c.Pages.Exclusive["mnist"]++ },
		"spread":          func(c *Config) { c.Pages.LoadSpread = 0.5 },
	} {
		other := r.Config()
		change(&other)
		if err := r.setConfig(other); err != nil {
			t.Fatal(err)
		}
		if err := r.done(stageOverlap); !errors.Is(err, ErrNotDone) {
			t.Errorf("with other %s the pages are those of before: %v", what, err)
		}
		if err := r.setConfig(c); err != nil {
			t.Fatal(err)
		}
		if got, err := r.Set(); err != nil || !reflect.DeepEqual(got, set) {
			t.Errorf("with the %s of before the pages are others: %v", what, err)
		}
	}
}

// Dropout of single networks and mixup are apart from the separate networks' training: others outdate the
// optimization, not the teachers.
func TestTeachersOutlastPages(t *testing.T) {
	xlatest.Long(t)
	c := tiny(t)
	r, _ := optimized(t, c)
	r.options.Progress = func(stage string, _, _ int, note string) {
		if stage == "teachers" {
			t.Errorf("teachers are trained again: %s", note)
		}
	}
	losses := func() []float64 {
		h, err := r.History()
		if err != nil {
			t.Fatal(err)
		}
		return h.Points[len(h.Points)-1].Loss
	}
	before := losses()
	for name, change := range map[string]func(*Config){
		"dropout": func(c *Config) {
			c.Optimization.Dropout = optimization.Each{"": c.Optimization.Dropout[""], "mnist": 0.4,
				"fmnist": 0.5}
		},
		"mixup": func(c *Config) { c.Optimization.Mixup = optimization.Each{"": 0.5} },
	} {
		other := r.Config()
		change(&other)
		if err := r.setConfig(other); err != nil {
			t.Fatal(err)
		}
		if err := r.Optimize(context.Background()); err != nil {
			t.Fatal(err)
		}
		for i, loss := range losses() {
			if loss == before[i] {
				t.Errorf("%s: network %d has the same loss as without", name, i)
			}
		}
	}
}
