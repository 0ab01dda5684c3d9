package optimization

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"weightsep/datasets"
	"weightsep/datasets/files"
	"weightsep/wslib/network/networktest"
	"weightsep/wslib/overlapping"
	"weightsep/wslib/page"
)

func plan(t testing.TB, nets []overlapping.Network) *overlapping.Plan {
	t.Helper()
	p, err := overlapping.New(pageSize, sharedPages)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nets {
		if _, err := p.Add(n); err != nil {
			t.Fatal(err)
		}
		p.Average()
	}
	return p
}

// Adam works on each weight by itself, so networks that share no page must train
// jointly as they do separately.
func TestJointWithoutSharingIsSeparateTraining(t *testing.T) {
	tasks := []Task{problem(t, "a", 1, 200), problem(t, "b", 2, 150)}
	starts := [][]float32{networktest.Initial(t, tasks[0].Network, 7),
		networktest.Initial(t, tasks[1].Network, 7)}
	pages := page.Count(tasks[0].Network.Weights(), pageSize)
	set := &page.Set{Format: page.Format{Size: pageSize, Shared: pages}}
	set.Pages = page.PackFloats(page.Form(starts[0], pageSize))
	shared, own := make([]int32, pages), make([]int32, pages)
	for i := range shared {
		shared[i], own[i] = int32(i), int32(pages+i)
	}
	n := tasks[0].Network.Weights()
	set.Networks = []page.Member{
		{Name: "a", Weights: n, Table: page.Table{Shared: pages, Entries: shared}},
		{Name: "b", Weights: n, Table: page.Table{Shared: pages, Entries: own},
			Exclusive: page.PackFloats(page.Form(starts[1], pageSize))},
	}
	const steps = 9 // too few for a rise of the learning rate
	o := trains(steps, steps, 20, 1e-2)
	o.Seed = 7
	got, err := o.joint(t, context.Background(), set, tasks)
	if err != nil {
		t.Fatal(err)
	}
	last := got.History[len(got.History)-1]
	for i, task := range tasks {
		want := plainAdam(t, task, starts[i], steps, 20, 7, 1e-2)
		if v := accuracy(t, task, want); last.Validation[i] != v {
			t.Errorf("%s: validation %v jointly, %v separately", task.Network.Name, last.Validation[i], v)
		}
		if got.BestStep != steps {
			continue // the set is of another step
		}
		same(t, task.Network.Name, got.Set.Weights(i), want, 1e-5)
	}
	if got.BestStep != steps {
		t.Errorf("best step %d, want %d: the comparison of weights was skipped", got.BestStep, steps)
	}
}

func TestJointLearns(t *testing.T) {
	tasks := []Task{problem(t, "a", 1, 300), problem(t, "b", 2, 300), problem(t, "c", 3, 300)}
	few := *tasks[2].Data
	few.Validation = few.Validation.Slice(7)
	tasks[2].Data = &few
	set := plan(t, members(t, tasks)).Set(true)
	before := set.Clone()
	r, err := trains(300, 50, 30, 1e-2).joint(t, context.Background(), set, tasks)
	if err != nil {
		t.Fatal(err)
	}
	first, best := r.History[0], 0.0
	chosen, most := 0, -1.0
	for _, p := range r.History {
		best = max(best, p.Mean)
		right, all, variance := 0.0, 0.0, 0.0
		for i, task := range tasks {
			n, a := float64(task.Data.Validation.Len()), p.Validation[i]
			right, all, variance = right+math.Round(a*n), all+n, variance+n*a*(1-a)
		}
		if math.Abs(p.Pooled-right/all) > 1e-9 {
			t.Errorf("step %d: %v of all samples right, want %v", p.Step, p.Pooled, right/all)
		}
		if most = max(most, right); right >= most-math.Sqrt(variance) {
			chosen = p.Step
		}
	}
	if r.BestStep != chosen {
		t.Errorf("state of step %d, step %d is the last with as many samples right as any but for a deviation",
			r.BestStep, chosen)
	}
	if best < 0.9 || first.Mean > 0.7 {
		t.Errorf("mean validation accuracy from %.3f to %.3f, want to reach 0.9", first.Mean, best)
	}
	if !reflect.DeepEqual(set, before) {
		t.Error("the starting set was changed")
	}
	if r.Set.Stored() != set.Stored() {
		t.Error("optimization changed what is stored")
	}
}

// Interrupted anywhere and started again, the result is the same bit for bit.
func TestJointResumes(t *testing.T) {
	tasks := []Task{problem(t, "a", 1, 100), problem(t, "b", 2, 70)}
	set := plan(t, members(t, tasks)).Set(true)
	o := trains(40, 8, 10, 2e-3)
	o.Dropout, o.Seed = Each{"": 0.1}, 3
	want, err := o.joint(t, context.Background(), set, tasks)
	if err != nil {
		t.Fatal(err)
	}
	o.Checkpoint = filepath.Join(t.TempDir(), "checkpoint.npz")
	stopAt := map[int]bool{3: true, 8: true, 21: true, 39: true}
	runs := 0
	for {
		runs++
		ctx, cancel := context.WithCancel(context.Background())
		o.Progress = func(p Progress) {
			if stopAt[p.Step] {
				delete(stopAt, p.Step)
				cancel()
			}
		}
		got, err := o.joint(t, ctx, set, tasks)
		cancel()
		if errors.Is(err, context.Canceled) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Error("the result differs from that of an undisturbed run")
		}
		break
	}
	if runs != 5 {
		t.Errorf("%d runs, want 5", runs)
	}
	// A checkpoint of something else, or a damaged one, is refused by name.
	o.Seed++
	if _, err := o.joint(t, context.Background(), set, tasks); err == nil ||
		!strings.Contains(err.Error(), o.Checkpoint) {
		t.Errorf("another seed on an old checkpoint: %v", err)
	}
	o.Seed--
	other := tasks[1]
	data := *other.Data
	data.Train = problem(t, "b", 4, 70).Data.Train
	other.Data = &data
	if _, err := o.joint(t, context.Background(), set, []Task{tasks[0], other}); err == nil ||
		!strings.Contains(err.Error(), o.Checkpoint) {
		t.Errorf("other samples on an old checkpoint: %v", err)
	}
	raw, _ := os.ReadFile(o.Checkpoint)
	os.WriteFile(o.Checkpoint, raw[:len(raw)/2], 0o644)
	if _, err := o.joint(t, context.Background(), set, tasks); err == nil ||
		!strings.Contains(err.Error(), "damaged") {
		t.Errorf("truncated checkpoint: %v", err)
	}
	raw[middleOf(t, raw, "theta.npy")] ^= 0x40
	os.WriteFile(o.Checkpoint, raw, 0o644)
	if _, err := o.joint(t, context.Background(), set, tasks); err == nil ||
		!strings.Contains(err.Error(), "damaged") {
		t.Errorf("flipped bit in the checkpoint: %v", err)
	}
}

// middleOf is the place of a byte in the middle of a zip entry's data.
func middleOf(t *testing.T, raw []byte, name string) int64 {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		if at, err := f.DataOffset(); err == nil && f.Name == name {
			return at + int64(f.CompressedSize64/2)
		}
	}
	t.Fatalf("no entry %s", name)
	return 0
}

func TestDivergenceNamesTheNetwork(t *testing.T) {
	tasks := []Task{problem(t, "good", 1, 50), problem(t, "bad", 2, 50)}
	values := make([]float32, 36*50)
	values[36*49] = float32(math.NaN())
	s, _ := datasets.NewSplit(36, values, make([]int32, 50))
	tasks[1].Data.Train = s
	o := trains(30, 1, 5, 2e-3)
	o.Checkpoint = filepath.Join(t.TempDir(), "c.npz")
	_, err := o.joint(t, context.Background(), plan(t, members(t, tasks)).Set(true), tasks)
	var diverged *DivergedError
	if !errors.As(err, &diverged) || diverged.Network != "bad" {
		t.Fatalf("error %v, want a divergence of bad", err)
	}
	var r jointState
	raw, _, err := readCheckpoint(o.Checkpoint, files.MaxSize)
	if err := errors.Join(err, json.Unmarshal(raw, &r)); err != nil || r.Step != diverged.Step {
		t.Errorf("checkpoint of step %d (%v), want the last good one, %d", r.Step, err, diverged.Step)
	}
}

// Worked out by hand: half of the five samples of two groups and a single one, three independent ones, and
// half of five.
func TestDeviation(t *testing.T) {
	related, _ := datasets.NewSplit(1, make([]float32, 5), make([]int32, 5))
	related.Groups = []int32{7, 7, 3, 3, -1}
	others, _ := datasets.NewSplit(1, make([]float32, 5), make([]int32, 5))
	v := &validator{tasks: []Task{{Data: &datasets.Dataset{Validation: related}},
		{Data: &datasets.Dataset{Validation: others}}}}
	want := math.Sqrt(0.25*0.25/3 + 0.25*0.25/5)
	if got := v.deviation([]float64{0.5, 0.5}); math.Abs(got-want) > 1e-12 {
		t.Errorf("deviation %v, want %v", got, want)
	}
	if got := v.deviation([]float64{-3, -0.5}); got != 0 {
		t.Errorf("deviation %v of errors, want none", got)
	}
}

func TestJointRefusesMismatches(t *testing.T) {
	tasks := []Task{problem(t, "a", 1, 50)}
	set := plan(t, members(t, tasks)).Set(true)
	refused := func(want string, set *page.Set, tasks []Task, change func(o *training)) {
		t.Helper()
		o := trains(10, 5, 10, 1e-2)
		change(&o)
		if _, err := o.joint(t, context.Background(), set, tasks); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	as := func(*training) {}
	wrong := tasks[0]
	data := *wrong.Data
	data.Classes = 4
	wrong.Data = &data
	refused("4", set, []Task{wrong}, as)
	refused("0 tasks", set, nil, as)
	for want, change := range map[string]func(*training){
		"batch -1, want 1 or more, for network a": func(o *training) { o.Batch["a"] = -1 },
		"batch 2.5":                  func(o *training) { o.Batch[""] = 2.5 },
		"no value for every network": func(o *training) { o.Batch = nil },
		"dropout NaN":                func(o *training) { o.Dropout["a"] = math.NaN() },
		"rate +Inf":                  func(o *training) { o.LearningRate = math.Inf(1) },
		"dropout 1,":                 func(o *training) { o.Dropout["a"] = 1 },
		"mixup 1.5":                  func(o *training) { o.Mixup["a"] = 1.5 },
		"round-by 1.1":               func(o *training) { o.RoundBy = 1.1 },
		"round-by NaN":               func(o *training) { o.RoundBy = math.NaN() },
		`method "alternating"`:       func(o *training) { o.Method = AlternatingMethod },
		"no weights to distil from":  func(o *training) { o.Distillation = 0.5 },
	} {
		refused(want, set, tasks, change)
	}
	large := set.Clone()
	large.Networks[0].Scales[1] = 1e6
	refused("the scale of page 1 is 1e+06", large, tasks,
		func(o *training) { o.ScaleFormat = page.ScaleLog8 })
	dead, o := set.Clone(), trains(2, 1, 10, 1e-2) // a page of dead channels
	dead.Networks[0].Scales[1], o.ScaleFormat = 1e-30, page.ScaleLog8
	if _, err := o.joint(t, context.Background(), dead, tasks); err != nil {
		t.Error("a page that is next to nothing:", err)
	}
	set.Networks[0].Table.Entries[0] = 99
	refused("entry 0 is 99", set, tasks, as)
}
