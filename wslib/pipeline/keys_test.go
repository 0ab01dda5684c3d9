package pipeline

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weightsep/wslib/budget"
	"weightsep/wslib/page"
	"weightsep/xla/xlatest"
)

// A budget of float32 pages that are crowded gives networks keys: the run is trained,
// stored, executed and scored with them, and another network joins it with keys of its own.
func TestFloatBudgetHasKeys(t *testing.T) {
	xlatest.Long(t)
	c := tiny(t)
	c.Optimization.TeacherSteps = 0
	const total = 150_000
	plan, err := c.ApplyBudget(nil, budget.Budget{Total: total, Precision: page.Float32})
	if err != nil {
		t.Fatal(err)
	}
	r, old := optimized(t, c)
	if err := r.All(context.Background()); err != nil { // evaluates and executes
		t.Fatal(err)
	}
	s, err := r.Summary()
	if err != nil {
		t.Fatal(err)
	}
	pages := 0
	for _, m := range old.Networks {
		pages += len(m.Table.Entries) - len(m.Table.Exclusive())
	}
	if plan.KeyPrecision != page.Int2 || s.Stored.Keys != pages*128 || s.Stored.Total > total ||
		s.Stored.Total != plan.Bytes || old.Precision.Quantized() {
		t.Errorf("%d pages on shared ones, plan %+v, stored %+v", pages, plan, s.Stored)
	}
	var out bytes.Buffer
	if err := s.Write(&out); err != nil || !strings.Contains(out.String(), "scales and keys") {
		t.Errorf("%v: %s", err, out.String())
	}
	dir := r.Dir.Path
	r.Close()

	joined, _, err := Join(dir, "", nil, []string{"mnist", "svhn"}, 250_000, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, set := optimized(t, joined)
	if !slices.Equal(set.Weights(0), old.Weights(0)) {
		t.Error("weights of mnist changed when svhn joined")
	}
	if set.Networks[1].Keys == nil || set.Stored().Total > 250_000 || set.Stored().Total < 240_000 {
		t.Errorf("svhn has %d bytes of keys; %+v, were %+v", len(set.Networks[1].Keys), set.Stored(),
			old.Stored())
	}

	joined.Pages.KeyPrecision = 0
	other, err := Open(filepath.Join(t.TempDir(), "run"), joined, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := other.Optimize(context.Background()); err == nil ||
		!strings.Contains(err.Error(), "has keys of int2, want no keys") {
		t.Errorf("a run without keys goes on from one with keys: %v", err)
	}
}
