package grid

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weightsep/datasets"
	"weightsep/datasets/files"
	"weightsep/wslib/budget"
	"weightsep/wslib/optimization"
	"weightsep/wslib/page"
	"weightsep/wslib/pipeline"
	"weightsep/xla/xlatest"
)

func TestMain(m *testing.M) { xlatest.Main(m) }

func TestParseCell(t *testing.T) {
	for text, want := range map[string]Cell{
		"further":           {Method: Further},
		"quantized-4":       {Method: Quantized, Bits: 4},
		"joint:80":          {Method: Joint, Ratio: 80},
		"joint-2:50.5":      {Method: Joint, Bits: 2, Ratio: 50.5},
		"random-table:32":   {Method: RandomTable, Ratio: 32},
		"random-table-4:32": {Method: RandomTable, Bits: 4, Ratio: 32},
		"alternating-10":    {Method: Alternating, Rounds: 10},
	} {
		got, err := ParseCell(text)
		if err != nil || got != want {
			t.Errorf("%s: %+v (%v), want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "magic", "joint", "further:5", "joint:x", "joint:-3", "joint:50:60",
		"joint:1:2:3",
		"quantized", "quantized-x", "quantized-3", "quantized-4:32",
		"trunk-2", "coded:32", "pruned:32:64", "further-8",
		"product-8",
		"alternating:99", "alternating-10:0", "alternating-10:9"} {
		if c, err := ParseCell(text); err == nil {
			t.Errorf("%q is read as %+v", text, c)
		}
	}
}

// A part of the paper's schedule is as much less of first turns.
func TestAlternatingSchedule(t *testing.T) {
	for text, want := range map[string][2]int{"alternating": {100, 2000}, "alternating-10": {10, 200}} {
		s := small(t, text)
		config, _, err := s.config(s.Cells[0], 1, unlooked)
		if o := config.Optimization; err != nil || o.Rounds != want[0] || o.FirstSteps != want[1] ||
			o.Passes != 10 || o.TurnSteps != 32 {
			t.Errorf("%s: %d rounds of %d passes of %d steps after %d steps (%v), want %v", text, o.Rounds,
				o.Passes, o.TurnSteps, o.FirstSteps, err, want)
		}
	}
}

// The reference, and what follows it as a float32 network, has the rate of teachers, joint training its own.
func TestRates(t *testing.T) {
	for text, want := range map[string]float64{"further": 5e-3, "distilled": 5e-3, "quantized-2": 1e-3,
		"joint:10": 1e-3} {
		s := small(t, text)
		s.Config.Optimization.LearningRate, s.Config.Optimization.TeacherRate = 1e-3, 5e-3
		config, _, err := s.config(s.Cells[0], 1, unlooked)
		if got := config.Optimization.LearningRate; err != nil || got != want {
			t.Errorf("%s: rate %v (%v), want %v", text, got, err, want)
		}
	}
}

// Crowded float32 pages have the keys that their budget chooses, or none where the grid rules them
// out; those that the configuration asks for stay. Methods without pages do not heed it.
func TestKeysOfBudgets(t *testing.T) {
	var further string
	for _, c := range []struct{ asked, keys, want page.Precision }{
		{0, 0, page.Int2}, {0, budget.NoKeys, 0}, {page.Int2, budget.NoKeys, page.Int2},
	} {
		s := small(t, "joint-32:5.8", "further")
		s.Config.Pages.KeyPrecision, s.Keys = c.asked, c.keys
		config, _, err := s.config(s.Cells[0], 1, unlooked)
		if got := config.Pages.KeyPrecision; err != nil || got != c.want {
			t.Errorf("%+v: keys of %v, %v", c, got, err)
		}
		key, err := s.key(s.Cells[1], 1)
		if err != nil || further != "" && key != further {
			t.Errorf("%+v: the reference is another, %v", c, err)
		}
		further = key
	}
}

// Rivals of weight separation get exclusive pages, by loads as it does, three of 8 bits on average, and its
// recipe.
func TestRivalsHaveExclusivePages(t *testing.T) {
	for text, want := range map[string]struct{ shared, own page.Precision }{
		"quantized-2": {page.Int2, page.Int8}, "quantized-4": {page.Int4, page.Int8},
	} {
		s := small(t, text, "joint-2:16")
		s.Config.Pages.Load = optimization.Each{"": 1, "fmnist": 3}
		c, _, err := s.config(s.Cells[0], 1, unlooked)
		if err != nil {
			t.Fatal(err)
		}
		joint, _, err := s.config(s.Cells[1], 1, unlooked)
		if err != nil {
			t.Fatal(err)
		}
		p := c.Pages
		if p.Precision != want.shared || p.ExclusivePrecision != want.own || p.ScaleFormat != page.ScaleLog8 ||
			!maps.Equal(p.Exclusive, joint.Pages.Exclusive) || p.Exclusive["fmnist"] <= p.Exclusive[""] {
			t.Errorf("%s: %v and %v, scales %s, %v exclusive, want %v and those of %v", text, p.Precision,
				p.ExclusivePrecision, p.ScaleFormat, p.Exclusive, want, joint.Pages.Exclusive)
		}
		if fmt.Sprint(c.Optimization) != fmt.Sprint(joint.Optimization) {
			t.Errorf("%s: recipe %+v, joint training has %+v", text, c.Optimization, joint.Optimization)
		}
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
	s.Config.Pages.Placement, s.Config.Pages.LoadSpread = pipeline.GreedyPlacement, 0
	s.Config.Optimization.Steps, s.Config.Optimization.ValidateEvery = 6, 3
	s.Config.Optimization.Batch = optimization.Each{"": 8}
	s.Config.Optimization.Distillation, s.Config.Optimization.Temperature,
		s.Config.Optimization.TeacherSteps = 0.5, 2, 6
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
// stored vectors say, and cells keep to their budgets.
func TestGrid(t *testing.T) {
	xlatest.Long(t)
	ctx := context.Background()
	dir := t.TempDir()
	s := small(t, "further", "quantized-4", "joint:10")
	started := map[string]int{}
	stop, cancel := context.WithCancel(ctx)
	err := Run(stop, dir, s, pipeline.Options{Progress: func(cell string, done, _ int, _ string) {
		if strings.HasPrefix(cell, "joint-10 seed 1: optimize") && done == 4 {
			cancel()
		}
	}})
	if err == nil || stop.Err() == nil {
		t.Fatalf("the grid was not interrupted: %v", err)
	}
	// What was interrupted had taken an hour.
	interrupted := filepath.Join(dir, "seed-1", "joint-10", "run", secondsFile)
	took := 0.0
	if err := readJSON(interrupted, &took); err != nil || took <= 0 {
		t.Fatalf("the interrupted cell took %v s: %v", took, err)
	}
	if err := files.WriteJSON(interrupted, 3600+took); err != nil {
		t.Fatal(err)
	}
	err = Run(ctx, dir, s, pipeline.Options{Progress: func(cell string, done, _ int, _ string) {
		if strings.HasSuffix(cell, ": teachers") {
			t.Errorf("%s are trained again, they are the reference", cell)
		}
		if name, stage, _ := strings.Cut(cell, ": "); done == 1 &&
			(stage == "training" || stage == "optimize") {
			started[name]++
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if started["further seed 1"] > 0 || started["quantized-4 seed 1"] > 0 ||
		started["joint-10 seed 2"] == 0 {
		t.Errorf("trained after the interruption: %v", started)
	}
	if _, err := os.Stat(interrupted); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is left: %v", secondsFile, err)
	}
	all, rows := tabled(t, dir)
	if len(rows) != 3 || rows[0].Cell != s.Cells[0] || rows[1].Cell != s.Cells[1] ||
		rows[2].Cell != s.Cells[2] {
		t.Fatalf("rows %v, want those of the three cells", rows)
	}
	r := rows[2].records[0]
	if r.Seconds < 3600+took || r.Seconds > 7200 {
		t.Errorf("the cell that was interrupted after an hour took %v s", r.Seconds)
	}
	check(t, s, all, rows)
	checkReport(t, dir)

	// Nothing that is finished runs again, and fewer cells and seeds do not take others away.
	before := contents(t, dir)
	quiet := pipeline.Options{Progress: func(cell string, _, _ int, _ string) { t.Errorf("%s runs", cell) }}
	part := s
	part.Cells, part.Seeds = s.Cells[2:], s.Seeds[1:]
	if err := Run(ctx, dir, part, quiet); err != nil {
		t.Fatal(err)
	}
	if after := contents(t, dir); !maps.Equal(before, after) {
		t.Error("a part of the grid changed its results")
	}
	// Cells of other data or of another configuration are found before anything is trained.
	more := s
	more.Cells = append(slices.Clone(s.Cells), Cell{Method: Quantized, Bits: 2})
	more.Config.Optimization.Steps++
	if err := Run(ctx, dir, more, quiet); err == nil ||
		!strings.Contains(err.Error(), "another configuration") {
		t.Errorf("cells of another configuration: %v", err)
	}
	more.Config.Optimization.Steps--
	all.records[4].Networks[1].Samples = "of last year"
	if err := files.WriteJSON(filepath.Join(dir, recordsFile), all.records); err != nil {
		t.Fatal(err)
	}
	if err := Run(ctx, dir, more, quiet); err == nil ||
		!strings.Contains(err.Error(), "other fmnist data: of last year") {
		t.Errorf("cells of other data: %v", err)
	}
}

// tabled is what a directory has, and its table.
func tabled(t *testing.T, dir string) (*results, []row) {
	t.Helper()
	all, err := readResults(dir)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := all.table(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return all, rows
}

// contents of the files with results.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, name := range []string{recordsFile, rightFile} {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(raw)
	}
	return files
}

// The two files are enough for table and charts, wherever they lie.
func checkReport(t *testing.T, dir string) {
	t.Helper()
	files, err := Report(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"table.csv", "table.md", "pareto.svg"} {
		if !slices.Contains(files, want) {
			t.Errorf("no %s in %v", want, files)
		}
	}
	raw, _ := os.ReadFile(filepath.Join(dir, "table.md"))
	if !strings.Contains(string(raw), "Stand-in data (says that the system runs") ||
		!strings.Contains(string(raw), "| joint-10 |") {
		t.Errorf("table:\n%s", raw)
	}
	elsewhere := t.TempDir()
	for name, content := range contents(t, dir) {
		if err := os.WriteFile(filepath.Join(elsewhere, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if again, err := Report(context.Background(), elsewhere); err != nil || !slices.Equal(again, files) {
		t.Fatalf("%v (%v) from the two files alone, want %v", again, err, files)
	}
	for _, name := range files {
		one, _ := os.ReadFile(filepath.Join(dir, name))
		other, _ := os.ReadFile(filepath.Join(elsewhere, name))
		if !bytes.Equal(one, other) {
			t.Errorf("another %s from the two files alone", name)
		}
	}
}

func check(t *testing.T, s Spec, all *results, rows []row) {
	t.Helper()
	for _, r := range rows {
		if r.seeds() != "1 2" {
			t.Errorf("%s: seeds %v", r.Cell, r.seeds())
		}
		if r.Method == Further && (r.all.Change != 0 || r.all.Low != 0 || r.all.High != 0 ||
			r.ratio() != 1) {
			t.Errorf("the reference differs from itself: %+v", r.all)
		}
		if b := r.Ratio; b > 0 && (r.ratio() < b || r.ratio() > 1.05*b) {
			t.Errorf("%s packs %.2f times", r.Cell, r.ratio())
		}
		change := 0.0
		for _, record := range r.records {
			for i, n := range record.Networks {
				d, err := datasets.Open(context.Background(), n.Name, s.Config.Data.Options())
				if err != nil {
					t.Fatal(err)
				}
				right := 0
				for _, v := range all.right[fmt.Sprintf("%s/%d/%s", r.Cell, record.Seed, n.Name)] {
					right += int(v)
				}
				if got := float64(right) / float64(d.Test.Len()); got != n.Test {
					t.Errorf("%s: %s: test accuracy %v, its samples say %v", r.Cell, n.Name, n.Test, got)
				}
				change += 100 * (n.Test - all.reference(record.Seed).Networks[i].Test) / 4
			}
		}
		if math.Abs(change-r.all.Change) > 1e-9 {
			t.Errorf("%s: mean change %v, by hand %v", r.Cell, r.all.Change, change)
		}
	}
	lines, err := csv.NewReader(bytes.NewReader(csvTable(rows))).ReadAll()
	if err != nil || len(lines) != 1+3*4 {
		t.Errorf("%d lines (%v), want a head and four for each method", len(lines), err)
	}
}
