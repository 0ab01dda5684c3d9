package pipeline

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"weightsep/wslib/budget"
	"weightsep/wslib/page"
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

// A budget of fewer shared pages than a network has pages is kept by doubling.
func TestSmallBudgetDoubles(t *testing.T) {
	c := tiny(t)
	if _, err := c.ApplyBudget(budget.Budget{Total: 8_000}); err != nil {
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
	c := tiny(t)
	c.Placement, c.Loads = BalancedPlacement, map[string]float64{"mnist": 20}
	c.Optimization.TeacherSteps = 0
	const total = 24_000
	if _, err := c.ApplyBudget(budget.Budget{Total: total}); err != nil {
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
	if a, b := len(set.Networks[0].Table.Exclusive()), len(set.Networks[1].Table.Exclusive()); a <= b || b < 1 {
		t.Errorf("%d exclusive pages of mnist, %d of fmnist", a, b)
	}
	for _, change := range []func(*Config){
		func(c *Config) { c.Loads = map[string]float64{"mnist": 5} },
		func(c *Config) { c.MaxExclusives["mnist"]++ },
		func(c *Config) { c.LoadSpread = 0.5 },
	} {
		other := c
		other.MaxExclusives = maps.Clone(c.MaxExclusives)
		change(&other)
		if got := r.outdated(other); !slices.Contains(got, stageOverlap) {
			t.Errorf("a change of loads or exclusive pages outdates %v", got)
		}
	}
}

// The rate of pages and mixup are apart from the separate networks' training: others outdate
// the optimization, not the teachers.
func TestTeachersOutlastPages(t *testing.T) {
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
		"twice the rate": func(c *Config) { c.Optimization.PageRate = 2 },
		"mixup":          func(c *Config) { c.Optimization.Mixups = map[string]float64{"mnist": 0.5, "fmnist": 0.5} },
	} {
		other := c
		change(&other)
		if err := r.SetConfig(other); err != nil {
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
