package pipeline

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"weightsep/datasets"
	"weightsep/datasets/npy"
	"weightsep/wslib/bootstrap"
	"weightsep/wslib/internal/option"
	"weightsep/wslib/optimization"
	"weightsep/wslib/page"
	"weightsep/wslib/rundir"
	"weightsep/xla/xlatest"
)

func TestMain(m *testing.M) { xlatest.Main(m) }

// tiny is a configuration of two networks that runs in seconds.
func tiny(t *testing.T) Config {
	t.Helper()
	c, err := Profile("smoke")
	if err != nil {
		t.Fatal(err)
	}
	c.Networks = []string{"mnist", "fmnist"}
	c.Data.MaxTrain, c.Data.MaxTest = 100, 50
	c.Pages.FisherSamples, c.Baseline.Steps = 3, 4
	c.Pages.Placement, c.Pages.Doubling, c.Pages.LoadSpread = GreedyPlacement, false, 0
	c.Optimization.Steps, c.Optimization.ValidateEvery, c.Optimization.Batch = 6, 2, optimization.Each{"": 8}
	c.Optimization.Distillation, c.Optimization.Temperature, c.Optimization.TeacherSteps = 0.5, 2, 4
	c.Bench = Bench{Executions: 4, Samples: 50, Requests: 20}
	return c
}

// An interrupted run that is started again ends in the same files as an
// undisturbed one, and does completed stages only once.
func TestInterruptedRunEndsTheSame(t *testing.T) {
	undisturbed, disturbed := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	c := tiny(t)
	r, err := Open(undisturbed, c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.All(context.Background()); err != nil {
		t.Fatal(err)
	}
	checkSummary(t, r)
	r.Close()

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, err = Open(disturbed, c, Options{Progress: func(stage string, done, _ int, _ string) {
		if stage == "teachers" && done == 2 || stage == stageOptimize && done == 3 {
			cancel()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Teachers(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted training of teachers: %v", err)
	}
	r.Close()
	ctx, cancel = context.WithCancel(context.Background())
	defer cancel()
	r, err = Reopen(disturbed, "", Options{Progress: func(stage string, done, _ int, _ string) {
		if stage == stageOptimize && done == 3 {
			cancel()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.All(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted run: %v", err)
	}
	if _, err := r.Set(); !errors.Is(err, ErrNotDone) {
		t.Errorf("pages of an interrupted optimization: %v", err)
	}
	r.Close()
	again := map[string]bool{}
	r, err = Reopen(disturbed, "", Options{Progress: func(stage string, _, _ int, note string) {
		if strings.HasPrefix(note, "done in") {
			again[stage] = true
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.All(context.Background()); err != nil {
		t.Fatal(err)
	}
	if again["baseline mnist"] || again["fisher mnist"] || again["teacher mnist"] || again[stageOverlap] ||
		!again[stageOptimize] {
		t.Errorf("stages done after the interruption: %v", again)
	}
	for _, file := range []string{pagesFile, teacherFile("fmnist"), historyFile, evaluationFile} {
		a, err := os.ReadFile(filepath.Join(undisturbed, file))
		if err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(filepath.Join(disturbed, file)); err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs from that of an undisturbed run (%v)", file, err)
		}
	}
}

func checkSummary(t *testing.T, r *Run) {
	t.Helper()
	s, err := ReadSummary(r.Dir.File(SummaryFile))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Networks) != 2 || s.Networks[0].Data != "real" || s.Networks[1].Data != "stand-in" {
		t.Fatalf("networks %+v", s.Networks)
	}
	if n := s.Networks[0]; n.Weights != 65402 || n.Pages != 128 || !strings.Contains(n.Samples, "of 60000") {
		t.Errorf("mnist: %+v", n)
	}
	set, err := r.Set()
	if err != nil {
		t.Fatal(err)
	}
	own := 0
	for i, m := range set.Networks {
		own += len(m.Table.Exclusive())
		if got := s.Networks[i].ExclusivePages; got != len(m.Table.Exclusive()) {
			t.Errorf("%s: %d exclusive pages in the summary, %d in its table", m.Name, got,
				len(m.Table.Exclusive()))
		}
	}
	// 4 bytes for every weight in pages and for a scale, 1 for a table entry: 128+137 pages.
	if want := 4*((128+own)*512+128+137) + 128 + 137; s.Stored.Total != want {
		t.Errorf("%d bytes stored, want %d", s.Stored.Total, want)
	}
	if s.Executions != 4 || len(s.Bench) < 7 || s.Bench[0].SwitchMS <= 0 || s.Seconds[stageOptimize] <= 0 {
		t.Errorf("%d executions, bench %+v, seconds %v", s.Executions, s.Bench, s.Seconds)
	}
	if planned, err := r.Planned(); err != nil || planned != s.Stored {
		t.Errorf("planned %+v (%v), stored %+v", planned, err, s.Stored)
	}
	for i, n := range s.Networks {
		m := s.Means[i]
		if n.Change == nil || math.Abs(n.Change.Change-100*(n.After.Test-n.Before.Test)) > 1e-9 ||
			n.Change.Low > n.Change.Change || n.Change.High < n.Change.Change ||
			m.Data != n.Data || m.Networks != 1 || m.Interval != *n.Change {
			t.Errorf("%s: %+v, change %v, mean %+v", n.Name, n, n.Change, m)
		}
	}
}

// The table has real networks first, and no mean is of real data and stand-ins.
func TestSummaryHasRealDataFirst(t *testing.T) {
	of := func(name, data string, before, after float64) NetworkSummary {
		return NetworkSummary{Name: name, Data: data, Before: Accuracy{Test: before},
			After: Accuracy{Test: after}}
	}
	gain := bootstrap.Interval{Change: 1, Low: -0.5, High: 2.5}
	s := Summary{Networks: []NetworkSummary{of("svhn", datasets.StandIn, 0.9, 0.8),
		of("gtsrb", datasets.StandIn, 0.9, 0.8), of("mnist", datasets.Real, 0.97, 0.98),
		of("mine", datasets.OwnData, -2, -1.5)},
		Means: []MeanChange{{datasets.Real, 1, gain}, {datasets.StandIn, 2, bootstrap.Interval{}}}}
	s.Networks[2].Change, s.Networks[3].Score = &gain, "mean squared error"
	var text bytes.Buffer
	if err := s.Write(&text); err != nil {
		t.Fatal(err)
	}
	at := -1
	for _, want := range []string{"mnist", "+1.00 (-0.50 to +2.50)", "mine", "+0.5 (mean squared error)",
		"svhn", "-10.00", "gtsrb", "  +1.00 (-0.50 to +2.50) points: 1 network on real data.\n",
		"points: mean of 2 networks on stand-in data"} {
		i := strings.Index(text.String(), want)
		if i <= at {
			t.Errorf("%q is at %d, after %d, in\n%s", want, i, at, text.String())
		}
		at = i
	}
}

func TestDamageAndMismatchAreNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run")
	c := tiny(t)
	c.Networks = []string{"fmnist"} // its baseline comes with the project: no training
	r, err := Open(path, c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Overlap(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, c, Options{}); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("opened twice: %v", err)
	}
	// One more network does not redo the first one's stages.
	c.Networks = []string{"fmnist", "svhn"}
	if err := r.SetConfig(c); err != nil {
		t.Fatal(err)
	}
	before, _ := r.Dir.Stage(stageFisher("fmnist"))
	if err := r.Overlap(context.Background()); err != nil {
		t.Fatal(err)
	}
	if after, _ := r.Dir.Stage(stageFisher("fmnist")); after.Finished != before.Finished ||
		after.Seconds != before.Seconds {
		t.Error("Fisher information was computed again for a network that was there")
	}
	plan, err := r.Plan()
	if err != nil || len(plan.Members) != 2 {
		t.Fatalf("plan %v", err)
	}
	r.Close()

	c.Seed++
	if _, err := Open(path, c, Options{}); err == nil ||
		!strings.Contains(err.Error(), "another configuration") {
		t.Errorf("other configuration: %v", err)
	}
	// A damaged file is named to who only reads, and made anew by who may write; what was made from it
	// stands, as it comes out the same.
	file := filepath.Join(path, "fmnist", "weights.npy")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := npy.Write(file, []float32{1}); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	for _, readOnly := range []bool{true, false} {
		log.Reset()
		r, err := Reopen(path, "", Options{ReadOnly: readOnly, Log: &log})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if _, err := r.Weights(r.Networks()[0]); !errors.Is(err, rundir.ErrDamaged) ||
			!strings.Contains(err.Error(), filepath.Join("fmnist", "weights.npy")) {
			t.Errorf("reading a changed file: %v", err)
		}
		if err := r.Overlap(context.Background()); (err == nil) == readOnly {
			t.Errorf("overlapping with a changed file, read only %v: %v", readOnly, err)
		}
	}
	if again, _ := os.ReadFile(file); !bytes.Equal(again, whole) ||
		!strings.Contains(log.String(), "weights.npy is damaged") {
		t.Errorf("weights made anew are as they were: %v; said %q", bytes.Equal(again, whole), log.String())
	}
	if r, err = Reopen(path, "", Options{ReadOnly: true}); err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if after, _ := r.Dir.Stage(stageFisher("fmnist")); after.Finished != before.Finished ||
		after.Seconds != before.Seconds {
		t.Error("Fisher information of weights that came out the same was computed again")
	}
	if _, err := r.OverlappedSet(); err != nil {
		t.Error(err)
	}
	if _, err := r.Set(); !errors.Is(err, ErrNotDone) {
		t.Errorf("pages before optimization: %v", err)
	}
}

// The alternating method through the pipeline: tables are its own, nothing has scales.
func TestAlternatingRun(t *testing.T) {
	xlatest.Long(t)
	c := tiny(t)
	c.Networks = []string{"fmnist", "svhn"}
	o := &c.Optimization
	o.Method, o.FirstSteps, o.Rounds, o.Passes, o.TurnSteps, o.Batch = optimization.AlternatingMethod, 3, 1,
		1, 2, optimization.Each{"": 4}
	path := filepath.Join(t.TempDir(), "run")
	r, err := Open(path, c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Evaluate(context.Background()); err != nil {
		t.Fatal(err)
	}
	set, err := r.Set()
	if err != nil {
		t.Fatal(err)
	}
	record, err := r.Overlapped()
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range set.Networks {
		if m.Scales != nil || !slices.Equal(m.Table.Entries, record.Networks[i].Table) {
			t.Errorf("%s: scales %v, or a table that is not the one recorded", m.Name, m.Scales != nil)
		}
	}
	// With another method, the pages of this one are no result any more.
	o.Method = optimization.JointMethod
	if err := r.SetConfig(c); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Set(); !errors.Is(err, ErrNotDone) {
		t.Errorf("pages of another method: %v", err)
	}
	if _, err := r.Summary(); !errors.Is(err, ErrNotDone) {
		t.Errorf("summary of another method: %v", err)
	}
	if _, err := os.Stat(r.Dir.File(SummaryFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the other method's %s is left: %v", SummaryFile, err)
	}
	if _, err := r.FisherInformation(r.Networks()[0]); err != nil {
		t.Errorf("Fisher information does not depend on the method: %v", err)
	}
}

// A run made without a data directory is not continued, nor scored, with one.
func TestOtherDataIsRefused(t *testing.T) {
	c := tiny(t)
	c.Networks, c.Data.MinTrain = []string{"fmnist"}, 0
	path := filepath.Join(t.TempDir(), "run")
	r, err := Open(path, c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Overlap(context.Background()); err != nil {
		t.Fatal(err)
	}
	r.Close()
	before, _ := os.ReadFile(filepath.Join(path, "fmnist", "weights.npy"))

	dir := t.TempDir()
	writeFashionMNIST(t, filepath.Join(dir, "fmnist"))
	r, err = Reopen(path, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.CheckData(context.Background()); err == nil {
		t.Error("other data passed the check that comes before a change")
	}
	if err := r.Overlap(context.Background()); err == nil ||
		!strings.Contains(err.Error(), "made with other fmnist data") {
		t.Errorf("other data: %v", err)
	}
	if after, _ := os.ReadFile(filepath.Join(path, "fmnist", "weights.npy")); !bytes.Equal(before, after) {
		t.Error("the run's weights were overwritten")
	}
}

// writeFashionMNIST writes 20 training and 10 test images in the original's format.
func writeFashionMNIST(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for prefix, n := range map[string]int{"train": 20, "t10k": 10} {
		images := append([]byte{0, 0, 8, 3, 0, 0, 0, byte(n), 0, 0, 0, 28, 0, 0, 0, 28},
			make([]byte, n*28*28)...)
		labels := []byte{0, 0, 8, 1, 0, 0, 0, byte(n)}
		for i := range n {
			labels = append(labels, byte(i%10))
		}
		for name, data := range map[string][]byte{"-images-idx3-ubyte": images,
			"-labels-idx1-ubyte": labels} {
			if err := os.WriteFile(filepath.Join(dir, prefix+name), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestConfigErrors(t *testing.T) {
	if _, err := Profile("fast"); err == nil ||
		!strings.Contains(err.Error(), "quick, smoke, packing, paper") {
		t.Errorf("unknown profile: %v", err)
	}
	for want, change := range map[string]func(*Config){
		"unknown network": func(c *Config) { c.Networks = []string{"imagenet"} },
		"method":          func(c *Config) { c.Optimization.Method = "magic" },
		"no networks":     func(c *Config) { c.Networks = nil },
		"batch 0":         func(c *Config) { c.Optimization.Batch = optimization.Each{"": 0} },
		"keys":            func(c *Config) { c.Pages.KeyPrecision = 3 },
		"margin 7":        func(c *Config) { c.Pages.Margin = 7 },
		"dropout 1":       func(c *Config) { c.Optimization.Dropout = optimization.Each{"": 1} },
		"spread NaN":      func(c *Config) { c.Pages.LoadSpread = math.NaN() },
		"round-by 2":      func(c *Config) { c.Optimization.RoundBy = 2 },
		"mixup 1.5":       func(c *Config) { c.Optimization.Mixup = optimization.Each{"mnist": 1.5} },
		"lenet":           func(c *Config) { c.Pages.Load["lenet"] = 2 },
		"float32 pages only": func(c *Config) {
			c.Optimization.Method,
				c.Pages.Precision = optimization.AlternatingMethod, page.Int4
		},
		"no/such/dir": func(c *Config) { c.Data.Dir = "no/such/dir" },
	} {
		c := tiny(t)
		change(&c)
		dir := filepath.Join(t.TempDir(), "run")
		if _, err := Open(dir, c, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s: a refused configuration left a directory", want)
		}
	}
	if _, err := Reopen(filepath.Join(t.TempDir(), "none"), "", Options{}); err == nil ||
		!strings.Contains(err.Error(), "no run") {
		t.Errorf("missing run: %v", err)
	}
}

// Whatever is done to the configurations that go in and come out, the run's is what was set.
func TestConfigIsTheRunsOwn(t *testing.T) {
	c := tiny(t)
	r, err := Open(filepath.Join(t.TempDir(), "run"), c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, change := range []Config{c, r.Config()} {
		change.Networks[0] = "svhn"
		change.Optimization.Batch[""] = 99
		change.Seed = 7
	}
	if got := r.Config(); got.Networks[0] != "mnist" || got.Optimization.Batch.Of("mnist") != 8 ||
		got.Seed != 1 {
		t.Errorf("configuration %+v was changed from outside", got)
	}
}

// Every field of a configuration that says what is computed is part of the id of some stage: with
// another value there is no result. A new field that is not fails here.
func TestIDsHeedTheWholeConfig(t *testing.T) {
	c := tiny(t)
	r, err := Open(filepath.Join(t.TempDir(), "run"), c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.CheckData(context.Background()); err != nil {
		t.Fatal(err)
	}
	before, err := r.id(stageBench)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range option.Fields(c) {
		r.config = c.clone()
		v := option.Fields(&r.config)[i].Value
		switch v.Kind() {
		case reflect.Map:
			v.SetMapIndex(reflect.ValueOf("mnist"), reflect.ValueOf(0.123))
		case reflect.String:
			v.SetString(v.String() + "x")
		case reflect.Bool:
			v.SetBool(!v.Bool())
		case reflect.Float64:
			v.SetFloat(v.Float() + 0.123)
		case reflect.Int:
			v.SetInt(v.Int() + 1)
		case reflect.Uint64:
			v.SetUint(v.Uint() + 1)
		case reflect.Slice:
			v.Set(reflect.ValueOf([]string{"fmnist", "mnist"}))
		}
		if f.Name == "from" {
			r.Dir.Manifest.From = "id" // of the run there
		}
		now, err := r.id(stageBench)
		r.Dir.Manifest.From = ""
		if err != nil {
			t.Fatal(err)
		}
		// a name, what other fields follow from, and where the files lie
		decides := f.Name != "profile" && f.Name != "pilot" && f.Name != "-"
		if (now != before) != decides {
			t.Errorf("field %s changes the id: %v, want %v", f.Name, now != before, decides)
		}
	}
}

// A run takes finished stages from another one that is made from the same things, and nothing else: a
// backend that is not there would be needed to compute Fisher information.
func TestStagesAreAdopted(t *testing.T) {
	c := tiny(t)
	c.Networks = []string{"mnist"}
	first, err := Open(filepath.Join(t.TempDir(), "first"), c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Fisher(t.Context()); err != nil {
		t.Fatal(err)
	}
	want, err := first.FisherInformation(first.Networks()[0])
	if err != nil {
		t.Fatal(err)
	}
	first.Close()

	samples := c
	samples.Pages.FisherSamples++
	margin := c
	margin.Pages.Margin = 0.5
	for name, test := range map[string]struct {
		config  Config
		adopt   string
		adopted bool
	}{
		"another margin":       {margin, first.Dir.Path, true},
		"other Fisher samples": {samples, first.Dir.Path, false},
		"nothing to adopt":     {margin, "", false},
	} {
		o := Options{Backend: "none", Adopt: test.adopt}
		r, err := Open(filepath.Join(t.TempDir(), "second"), test.config, o)
		if err != nil {
			t.Fatal(err)
		}
		err = r.Overlap(t.Context())
		if (err == nil) != test.adopted {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			got, err := r.FisherInformation(r.Networks()[0])
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%s: other Fisher information, %v", name, err)
			}
		}
		r.Close()
	}
}
