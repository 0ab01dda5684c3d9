package pipeline

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"weightsep/wslib/budget"
	"weightsep/wslib/page"
)

// optimizedRun is the directory of a run of mnist and svhn in 60,000 bytes.
func optimizedRun(t *testing.T) string {
	t.Helper()
	c := tiny(t)
	c.Networks = []string{"mnist", "svhn"}
	if _, err := c.ApplyBudget(nil, budget.Budget{Total: 60_000}); err != nil {
		t.Fatal(err)
	}
	r, _ := optimized(t, c)
	dir := r.Dir.Path
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// recorded is what the run in a directory has.
func recorded(t *testing.T, dir string) (Config, *page.Set, History) {
	t.Helper()
	r, err := Reopen(dir, "", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	set, err := r.Set()
	if err != nil {
		t.Fatal(err)
	}
	h, err := r.History()
	if err != nil {
		t.Fatal(err)
	}
	return r.Config(), set, h
}

// withFMNIST is a run that goes on from another, which fmnist joins, and its pages. It
// checks that only fmnist's teacher is trained.
func withFMNIST(t *testing.T, c Config) (*Run, *page.Set) {
	t.Helper()
	trained := map[string]bool{}
	r, err := Open(filepath.Join(t.TempDir(), "second"), c,
		Options{Progress: func(stage string, _, _ int, note string) {
			if strings.HasPrefix(stage, "teachers") {
				trained[stage+" "+strings.Fields(note)[0]] = true
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	if err := r.Optimize(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !trained["teachers fmnist"] || len(trained) != 1 {
		t.Errorf("teachers trained: %v, want that of the network that joins", trained)
	}
	set, err := r.Set()
	if err != nil {
		t.Fatal(err)
	}
	return r, set
}

func TestRunsGoOnFromAnother(t *testing.T) {
	first := optimizedRun(t)
	t.Run("held", func(t *testing.T) { joinHoldsThoseThatStay(t, first) })
	t.Run("refused", func(t *testing.T) { joinRefusals(t, first) })
	t.Run("outlived", func(t *testing.T) { resultsOutlive(t, first) }) // removes the run
}

// A network joins, one leaves, and the one that stays keeps its weights bit for bit.
func joinHoldsThoseThatStay(t *testing.T, first string) {
	ctx := context.Background()
	_, old, _ := recorded(t, first)
	// The one that joins comes first: order does not matter.
	c, plan, err := Join(first, "", nil, []string{"fmnist", "mnist"}, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, set := withFMNIST(t, c)
	if !slices.Equal(set.Weights(set.Index("mnist")), old.Weights(old.Index("mnist"))) {
		t.Error("weights of mnist changed")
	}
	if b := set.Stored(); b.Total > plan.Bytes || b.RatioBytes < old.Stored().RatioBytes {
		t.Errorf("%+v, the plan %+v, the ratio was %v", b, plan, old.Stored().RatioBytes)
	}
	h, err := r.History()
	if err != nil {
		t.Fatal(err)
	}
	start, end := h.Points[0].Validation, h.Points[len(h.Points)-1].Validation
	if start[1] != end[1] || len(h.Points) < 2 {
		t.Errorf("validation from %v to %v: that of mnist changed", start, end)
	}
	if err := r.Evaluate(ctx); err != nil {
		t.Error(err)
	}
	itself := r.Config()
	itself.From = r.Dir.Path
	if err := r.setConfig(itself); err == nil || !strings.Contains(err.Error(), "itself") {
		t.Errorf("a run that goes on from itself: %v", err)
	}
	if kept, err := r.Set(); err != nil || !reflect.DeepEqual(kept, set) {
		t.Errorf("a change that cannot be lost the pages: %v", err)
	}

	// Only leaving: less is stored, and nothing is trained.
	leaving := func(c *Config) error { c.Optimization.Steps = 0; return nil }
	if c, plan, err = Join(first, "", nil, []string{"svhn"}, 0, leaving); err != nil || plan.Bytes != 0 {
		t.Fatalf("%+v, %v", plan, err)
	}
	left, err := Open(filepath.Join(t.TempDir(), "left"), c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer left.Close()
	if err := left.Optimize(ctx); err != nil {
		t.Fatal(err)
	}
	if set, err = left.Set(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(set.Weights(0), old.Weights(old.Index("svhn"))) ||
		set.Stored().Total >= old.Stored().Total {
		t.Errorf("svhn alone: %+v, were %+v", set.Stored(), old.Stored())
	}
}

func joinRefusals(t *testing.T, first string) {
	if _, _, err := Join(first, "", nil, []string{"mnist", "svhn", "fmnist"}, 60_000, nil); err == nil ||
		!strings.Contains(err.Error(), "budget") {
		t.Errorf("no room: %v", err)
	}
	if _, _, err := Join(first, "", nil, []string{"mnist", "nothing"}, 0, nil); err == nil ||
		!strings.Contains(err.Error(), "nothing") {
		t.Errorf("unknown network: %v", err)
	}
	c, _, err := Join(first, "", nil, []string{"mnist", "svhn", "fmnist"}, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Pages.Shared = 100
	r, err := Open(filepath.Join(t.TempDir(), "r"), c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Overlap(context.Background()); err == nil ||
		!strings.Contains(err.Error(), "want as many, and more") {
		t.Errorf("no shared pages for those that join: %v", err)
	}
}

// The results of a run that went on from another are its own when the other is gone.
func resultsOutlive(t *testing.T, first string) {
	c, _, err := Join(first, "", nil, []string{"mnist"}, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, set := optimized(t, c)
	dir := r.Dir.Path
	r.Close()
	if err := os.RemoveAll(first); err != nil {
		t.Fatal(err)
	}
	if r, err = Reopen(dir, "", Options{}); err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := r.Set(); err != nil || !reflect.DeepEqual(got, set) {
		t.Errorf("without the run that it goes on from: %v", err)
	}
	if err := r.Evaluate(context.Background()); err != nil {
		t.Error(err)
	}
	c.Seed++
	if err := r.setConfig(c); err != nil {
		t.Fatal(err)
	}
	if err := r.Optimize(context.Background()); err == nil ||
		!strings.Contains(err.Error(), "run to go on from") {
		t.Errorf("training anew from a run that is gone: %v", err)
	}
}
