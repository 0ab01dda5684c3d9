package pipeline

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weightsep/wslib/budget"
)

// A run goes on from another: its networks start as they are there, one joins, and one
// leaves.
func TestRunGoesOnFromAnother(t *testing.T) {
	ctx := context.Background()
	first, second := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	c := tiny(t)
	c.Networks = []string{"mnist", "svhn"}
	if _, err := c.ApplyBudget(budget.Budget{Total: 60_000}); err != nil {
		t.Fatal(err)
	}
	r, err := Open(first, c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Optimize(ctx); err != nil {
		t.Fatal(err)
	}
	old, err := r.Set()
	if err != nil {
		t.Fatal(err)
	}
	before, err := r.History()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	c.From, c.Networks = first, []string{"mnist", "fmnist"}
	trained := map[string]bool{}
	if r, err = Open(second, c, Options{Progress: func(stage string, _, _ int, note string) {
		if stage == "teachers" {
			trained[strings.Fields(note)[0]] = true
		}
	}}); err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Optimize(ctx); err != nil {
		t.Fatal(err)
	}
	if !trained["fmnist"] || trained["mnist"] {
		t.Errorf("teachers trained: %v, want that of the network that joins", trained)
	}
	set, err := r.Set()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(set.Networks[0].Table.Entries, old.Networks[0].Table.Entries) {
		t.Error("mnist moved to other pages")
	}
	after, err := r.History()
	if err != nil {
		t.Fatal(err)
	}
	best := 0.0
	for _, p := range before.Points {
		if p.Step == before.BestStep {
			best = p.Validation[0]
		}
	}
	// Rounding anew may move a code value that was near its border.
	if start := after.Points[0].Validation[0]; start < best-0.1 {
		t.Errorf("mnist starts at %v, was %v", start, best)
	}
	c.From = second
	if err := r.SetConfig(c); err != nil {
		t.Fatal(err)
	}
	if err := r.Overlap(ctx); err == nil || !strings.Contains(err.Error(), "itself") {
		t.Errorf("a run that goes on from itself: %v", err)
	}
}
