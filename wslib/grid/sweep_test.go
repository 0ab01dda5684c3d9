package grid

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"weightsep/wslib/pipeline"
)

// The reference of each seed comes first, wherever it is among the methods.
func TestJobs(t *testing.T) {
	for _, cells := range [][]string{{"joint:10", "further", "quantized-4"}, {"joint:10", "quantized-4"}} {
		got := fmt.Sprint(small(t, cells...).Jobs())
		want := "[further, seed 1 joint-10, seed 1 quantized-4, seed 1" +
			" further, seed 2 joint-10, seed 2 quantized-4, seed 2]"
		if got != want {
			t.Errorf("%v: %s, want %s", cells, got, want)
		}
	}
}

// Merging names what is missing, and sorts what is there; it takes nothing away.
func TestMerge(t *testing.T) {
	dir := t.TempDir()
	s := small(t, "further", "quantized-4", "joint:10")
	s.Config.Networks = []string{"mnist"}
	if _, err := Merge(t.Context(), dir, s); err == nil || !strings.Contains(err.Error(), "no cell") {
		t.Errorf("nothing merged: %v", err)
	}
	other := Cell{Method: Quantized, Bits: 2}
	for _, j := range []Job{{other, 1}, {s.Cells[2], 2}, {s.Cells[1], 1}, {s.Cells[0], 2}} {
		record, vectors := made(j.Cell, j.Seed, 1, 0)
		record.Networks = nil // so that data is not looked at
		var err error
		if record.Key, err = s.key(j.Cell, j.Seed); err != nil {
			t.Fatal(err)
		}
		if err := add(t.Context(), dir, record, vectors); err != nil {
			t.Fatal(err)
		}
	}
	missing, err := Merge(t.Context(), dir, s)
	if want := []int{0, 2, 4}; err != nil || !slices.Equal(missing, want) {
		t.Errorf("missing %v (%v), want %v", missing, err, want)
	}
	all, err := readResults(dir)
	var got []Job
	for _, r := range all.records {
		got = append(got, Job{r.Cell, r.Seed})
	}
	want := []Job{{s.Cells[1], 1}, {s.Cells[0], 2}, {s.Cells[2], 2}, {other, 1}}
	if err != nil || !slices.Equal(got, want) || len(all.right) != 4 {
		t.Errorf("%v and %d vectors (%v), want %v", got, len(all.right), err, want)
	}
	finished, err := Finished(dir, s)
	if want := []bool{false, true, false, true, false, true}; err != nil || !slices.Equal(finished, want) {
		t.Errorf("finished: %v (%v), want %v", finished, err, want)
	}
	s.Config.Optimization.Steps++
	if _, err := Merge(t.Context(), dir, s); err == nil ||
		!strings.Contains(err.Error(), "another configuration") {
		t.Errorf("cells of another configuration merged: %v", err)
	}
}

// Jobs that run at the same time, each as if alone, give what one process gives: the same bits of
// every test sample. The reference of a seed, which all need, is trained once.
func TestJobsAtOnceAreOneGrid(t *testing.T) {
	if os.Getenv("WEIGHTSEP_SWEEP") == "" {
		t.Skip("takes a minute and a half: WEIGHTSEP_SWEEP=1 runs it")
	}
	ctx := context.Background()
	s := small(t, "quantized-4", "joint:10", "further")
	s.Seeds, s.Config.Networks = s.Seeds[:1], []string{"hhar"} // it has no convolution, which takes to compile
	one, many := t.TempDir(), t.TempDir()
	if err := Run(ctx, one, s, pipeline.Options{}); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	first := map[string]int{} // first steps of the reference's training
	o := pipeline.Options{Progress: func(stage string, done, _ int, _ string) {
		mu.Lock()
		defer mu.Unlock()
		if done == 1 && (stage == "further seed 1: training" || strings.HasSuffix(stage, ": teachers")) {
			first[stage]++
		}
	}}
	var group sync.WaitGroup
	for i := len(s.Jobs()) - 1; i >= 0; i-- {
		group.Go(func() {
			if err := RunJob(ctx, many, s, i, o); err != nil {
				t.Errorf("cell %d: %v", i, err)
			}
		})
	}
	group.Wait()
	if want := map[string]int{"further seed 1: training": 1}; !maps.Equal(first, want) {
		t.Errorf("first steps %v, want %v", first, want)
	}
	if missing, err := Merge(ctx, many, s); err != nil || missing != nil {
		t.Fatalf("missing %v: %v", missing, err)
	}
	a, _ := tabled(t, one)
	b, _ := tabled(t, many)
	for i := range a.records {
		for _, r := range []*Record{&a.records[i], &b.records[i]} {
			r.Seconds = 0
		}
	}
	if x, y := fmt.Sprintf("%+v", a.records), fmt.Sprintf("%+v", b.records); x != y {
		t.Errorf("in one process\n%s\nby jobs\n%s", x, y)
	}
	for name := range a.right {
		if !slices.Equal(a.right[name], b.right[name]) {
			t.Errorf("%s differs", name)
		}
	}
	// What is finished does not run again, and what is not in the list does not run.
	before := contents(t, many)
	quiet := pipeline.Options{Progress: func(cell string, _, _ int, _ string) { t.Errorf("%s runs", cell) }}
	if err := RunJob(ctx, many, s, 1, quiet); err != nil {
		t.Error(err)
	}
	if err := RunJob(ctx, many, s, 3, quiet); err == nil || !strings.Contains(err.Error(), "want 0 to 2") {
		t.Errorf("cell 3 of 3: %v", err)
	}
	if after := contents(t, many); !maps.Equal(before, after) {
		t.Error("a job that was finished changed the results")
	}
	if _, err := os.Stat(filepath.Join(many, "seed-1", lockFile)); err != nil {
		t.Error(err)
	}
}
