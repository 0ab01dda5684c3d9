package pipeline

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weightsep/datasets/npy"
	"weightsep/wslib/optimization"
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
	if err := r.setConfig(c); err != nil {
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
	if err := r.setConfig(c); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Set(); !errors.Is(err, ErrNotDone) {
		t.Errorf("pages of another method: %v", err)
	}
	if _, err := r.Summary(); !errors.Is(err, ErrNotDone) {
		t.Errorf("summary of another method: %v", err)
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
