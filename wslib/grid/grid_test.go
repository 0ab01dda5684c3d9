package grid

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"weightsep/datasets"
	"weightsep/wslib/budget"
	"weightsep/wslib/comparison"
	"weightsep/wslib/npy"
	"weightsep/wslib/optimization"
	"weightsep/wslib/page"
	"weightsep/wslib/pipeline"
)

func TestParseCell(t *testing.T) {
	for text, want := range map[string]Cell{
		"further":           {Method: Further},
		"quantized-4":       {Method: Quantized, Bits: 4},
		"joint:80":          {Method: Joint, Ratio: 80},
		"joint-2:50:60.5":   {Method: Joint, Bits: 2, Ratio: 50, Level1: 60.5},
		"random-table:32":   {Method: RandomTable, Ratio: 32},
		"random-table-4:32": {Method: RandomTable, Bits: 4, Ratio: 32},
		"product-8":         {Method: Product, Length: 8},
		"alternating-10":    {Method: Alternating, Rounds: 10},
		"alternating-10:99": {Method: Alternating, Rounds: 10, First: 99},
	} {
		got, err := ParseCell(text)
		if err != nil || got != want {
			t.Errorf("%s: %+v (%v), want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "magic", "joint", "further:5", "joint:x", "joint:-3", "joint:50:20", "quantized", "quantized-x", "joint:1:2:3", "quantized-3", "further-8", "alternating:99", "alternating-10:0", "alternating-10:9:9"} {
		if c, err := ParseCell(text); err == nil {
			t.Errorf("%q is read as %+v", text, c)
		}
	}
}

// A part of the paper's schedule is as much less of first turns, unless these are named.
func TestAlternatingSchedule(t *testing.T) {
	for text, want := range map[string][2]int{"alternating": {100, 2000}, "alternating-10": {10, 200}, "alternating-90:2000": {90, 2000}} {
		g := &Grid{Spec: small(t, text)}
		config, _, err := g.cellConfig(g.Spec.Cells[0], 1)
		if o := config.Optimization; err != nil || o.Rounds != want[0] || o.FirstSteps != want[1] || o.Passes != 10 || o.TurnSteps != 32 {
			t.Errorf("%s: %d rounds of %d passes of %d steps after %d steps (%v), want %v", text, o.Rounds, o.Passes, o.TurnSteps, o.FirstSteps, err, want)
		}
	}
}

// Where a configuration has keys, float32 pages have these and not those that their budget chooses;
// methods without pages do not heed it.
func TestConfigDecidesKeys(t *testing.T) {
	var further string
	for _, c := range []struct{ config, keys, want page.Precision }{
		{0, 0, page.Int2}, {0, budget.NoKeys, 0}, {page.Int1, budget.NoKeys, page.Int1}, {page.Int2, budget.NoKeys, page.Int2},
	} {
		g := &Grid{Spec: small(t, "joint-32:5.8", "further")}
		g.Spec.Config.Pages.KeyPrecision, g.Spec.Keys = c.config, c.keys
		config, _, err := g.cellConfig(g.Spec.Cells[0], 1)
		if got := config.Pages.KeyPrecision; err != nil || got != c.want {
			t.Errorf("%+v: keys of %d bits, %v", c, got, err)
		}
		key, err := g.key(g.Spec.Cells[1], 1)
		if err != nil || further != "" && key != further {
			t.Errorf("%+v: the reference is another, %v", c, err)
		}
		further = key
	}
}

// small is a grid of two networks that runs in seconds.
func small(t *testing.T, cells ...string) Spec {
	t.Helper()
	s := Spec{Seeds: []uint64{1, 2}}
	var err error
	if s.Config, err = pipeline.Profile("smoke"); err != nil {
		t.Fatal(err)
	}
	s.Config.Networks = []string{"mnist", "fmnist"}
	s.Config.Data.MaxTrain, s.Config.Data.MaxTest = 120, 50
	s.Config.Pages.FisherSamples, s.Config.Baseline.Steps = 3, 4
	s.Config.Optimization.Steps, s.Config.Optimization.ValidateEvery, s.Config.Optimization.Batch = 6, 3, optimization.Each{"": 8}
	s.Config.Optimization.Distillation, s.Config.Optimization.Temperature, s.Config.Optimization.TeacherSteps = 0.5, 2, 6
	for _, text := range cells {
		c, err := ParseCell(text)
		if err != nil {
			t.Fatal(err)
		}
		s.Cells = append(s.Cells, c)
	}
	return s
}

// A grid runs every cell once, also when it is interrupted; its table says what the
// stored classes say, and cells keep to their budgets.
func TestGrid(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s := small(t, "further", "quantized-4", "joint:10")
	started := map[string]int{}
	stop, cancel := context.WithCancel(ctx)
	g, err := Open(dir, s, Options{Progress: func(cell string, done, _ int, _ string) {
		if strings.HasPrefix(cell, "joint-10 seed 1: optimize") && done == 4 {
			cancel()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Run(stop); err == nil || stop.Err() == nil {
		t.Fatalf("the grid was not interrupted: %v", err)
	}
	// What was interrupted had taken an hour.
	interrupted := filepath.Join(g.path(s.Cells[2], 1), runDir, secondsFile)
	took := 0.0
	if err := readJSON(interrupted, &took); err != nil || took <= 0 {
		t.Fatalf("the interrupted cell took %v s: %v", took, err)
	}
	if err := writeJSON(interrupted, 3600+took); err != nil {
		t.Fatal(err)
	}
	g, err = Open(dir, s, Options{Progress: func(cell string, done, _ int, _ string) {
		if strings.HasSuffix(cell, ": teachers") {
			t.Errorf("%s are trained again, they are the reference", cell)
		}
		if name, stage, _ := strings.Cut(cell, ": "); done == 1 && (stage == "training" || stage == "optimize") {
			started[name]++
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if started["further seed 1"] > 0 || started["quantized-4 seed 1"] > 0 || started["joint-10 seed 2"] == 0 {
		t.Errorf("trained after the interruption: %v", started)
	}
	rows, err := g.Table(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 3 {
		t.Fatalf("%d rows, want 3", len(rows))
	}
	if r, _, err := g.record(s.Cells[2], 1); err != nil || r.Seconds < 3600+took || r.Seconds > 7200 {
		t.Errorf("the cell that was interrupted after an hour took %v s (%v)", r.Seconds, err)
	} else if h := r.History; h[len(h)-1].Seconds < 3600 || h[len(h)-1].Seconds > r.Seconds || h[1].Step != 3 || math.Abs(2*h[1].Seconds-h[len(h)-1].Seconds) > 1 {
		t.Errorf("its course over time is %+v", h)
	}
	if _, err := os.Stat(interrupted); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is left: %v", interrupted, err)
	}
	check(t, g, rows)
	checkCourses(t, g, rows)
	files, err := g.Report(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"table.csv", "table.md", "pareto.svg", "convergence.svg"} {
		if !slices.Contains(files, want) {
			t.Errorf("no %s in %v", want, files)
		}
	}
	raw, _ := os.ReadFile(filepath.Join(dir, "table.md"))
	if !strings.Contains(string(raw), "Stand-in data (says that the system runs") || !strings.Contains(string(raw), "| joint-10 |") {
		t.Errorf("table:\n%s", raw)
	}
	// A smaller grid there keeps the rows of the larger one.
	part := s
	part.Cells = s.Cells[2:]
	if g, err = Open(dir, part, Options{}); err != nil {
		t.Fatal(err)
	}
	if rows, err := g.Table(ctx); err != nil || len(rows) != 3 || rows[0].Cell != s.Cells[2] {
		t.Errorf("%d rows (%v) for one cell of three, want all, the one first", len(rows), err)
	}
	// And with fewer seeds those of more.
	part.Cells, part.Seeds = s.Cells, s.Seeds[1:]
	if g, err = Open(dir, part, Options{}); err != nil {
		t.Fatal(err)
	}
	if rows, err = g.Table(ctx); err != nil {
		t.Fatal(err)
	}
	check(t, g, rows)
	// Cells of other data are found before anything is trained.
	old, _, err := g.record(s.Cells[1], 2)
	if err != nil {
		t.Fatal(err)
	}
	changed := old
	changed.Networks = slices.Clone(old.Networks)
	changed.Networks[1].Samples = "of last year"
	path := filepath.Join(g.path(s.Cells[1], 2), recordFile)
	if err := writeJSON(path, changed); err != nil {
		t.Fatal(err)
	}
	more := s
	more.Cells = append(slices.Clone(s.Cells), Cell{Method: Quantized, Bits: 2})
	if g, err = Open(dir, more, Options{Progress: func(cell string, _, _ int, _ string) { t.Errorf("%s runs", cell) }}); err != nil {
		t.Fatal(err)
	}
	if err := g.Run(ctx); err == nil || !strings.Contains(err.Error(), "other fmnist data: of last year") {
		t.Errorf("cells of other data: %v", err)
	}
	if err := writeJSON(path, old); err != nil {
		t.Fatal(err)
	}
	// Another configuration in the same directory is refused, not mixed in.
	s.Config.Optimization.Steps++
	if g, err = Open(dir, s, Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Table(ctx); err == nil || !strings.Contains(err.Error(), "another configuration") {
		t.Errorf("cells of another configuration: %v", err)
	}
}

// The one course over time is joint training's, after that of its teachers, which are the
// reference; changes are against the best mean of the reference, by hand from the files of
// its networks.
func checkCourses(t *testing.T, g *Grid, rows []Row) {
	t.Helper()
	lines, err := g.courses(rows)
	if err != nil || len(lines) != 1 {
		t.Fatalf("%d courses (%v), want that of joint training", len(lines), err)
	}
	best := map[int]float64{}
	for _, name := range []string{"mnist", "fmnist"} {
		var n struct{ History []comparison.Point }
		if err := readJSON(filepath.Join(g.networksDir(Cell{Method: Further}, 1), "further-"+name+".json"), &n); err != nil {
			t.Fatal(err)
		}
		for _, p := range n.History {
			best[p.Step] += p.Validation / 2
		}
	}
	goal := slices.Max(slices.Collect(maps.Values(best)))
	reference, _, err := g.record(Cell{Method: Further}, 1)
	if err != nil {
		t.Fatal(err)
	}
	history := rows[2].Records[0].History
	last := len(lines[0].At) - 1
	if lines[0].At[0] <= reference.Seconds || math.Abs(lines[0].Change[last]-100*(history[len(history)-1].Mean-goal)) > 1e-9 {
		t.Errorf("course %+v of %+v, the reference took %v s and had %v", lines[0], history, reference.Seconds, goal)
	}
}

func check(t *testing.T, g *Grid, rows []Row) {
	t.Helper()
	for _, r := range rows {
		if !reflect.DeepEqual(r.Seeds, []uint64{1, 2}) {
			t.Errorf("%s: seeds %v", r.Cell, r.Seeds)
		}
		if r.Cell.Method == Further && (r.All.Change != 0 || r.All.Low != 0 || r.All.High != 0 || r.Ratio != 1) {
			t.Errorf("the reference differs from itself: %+v", r.All)
		}
		if b := r.Cell.Ratio; b > 0 && (r.Ratio < b || r.Ratio > 1.05*b) {
			t.Errorf("%s packs %.2f times", r.Cell, r.Ratio)
		}
		change := 0.0
		for _, record := range r.Records {
			for i, n := range record.Networks {
				d, err := datasets.Open(context.Background(), n.Name, g.Spec.Config.Data.Options())
				if err != nil {
					t.Fatal(err)
				}
				classes, _, err := npy.ReadInts(filepath.Join(g.path(r.Cell, record.Seed), n.Name+".npy"))
				if err != nil {
					t.Fatal(err)
				}
				right := 0
				for k, c := range classes {
					if c == d.Test.Labels[k] {
						right++
					}
				}
				if got := float64(right) / float64(len(classes)); got != n.Test {
					t.Errorf("%s: %s: test accuracy %v, its classes say %v", r.Cell, n.Name, n.Test, got)
				}
				reference, ok, err := g.record(Cell{Method: Further}, record.Seed)
				if err != nil || !ok {
					t.Fatal(ok, err)
				}
				change += 100 * (n.Test - reference.Networks[i].Test) / 4
			}
		}
		if math.Abs(change-r.All.Change) > 1e-9 {
			t.Errorf("%s: mean change %v, by hand %v", r.Cell, r.All.Change, change)
		}
	}
	var table bytes.Buffer
	if err := WriteCSV(&table, rows); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&table).ReadAll()
	if err != nil || len(lines) != 1+3*4 {
		t.Errorf("%d lines (%v), want a head and four for each method", len(lines), err)
	}
}
