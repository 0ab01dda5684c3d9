package optimization

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/datasets"
	"weightsep/wslib/overlapping"
	"weightsep/xla/xlatest"
)

// Two other networks on three weights. Weight 0: 2*(1-3)^2 = 8 and 1*(1-2)^2 = 1,
// two of them: 4.5. Weight 1: only the first differs: 0.5*(0-1)^2 = 0.5. Weight 2:
// F is 0 for both: 0.
func TestOverlappingLossByHand(t *testing.T) {
	loss, err := ExecOnce(xlatest.Backend(t), overlappingLoss,
		[]float32{1, 0, 5}, [][]float32{{2, 0.5, 0}, {1, 3, 0}}, [][]float32{{3, 1, 0}, {2, 0, 9}})
	if err != nil {
		t.Fatal(err)
	}
	if got := tensors.ToScalar[float32](loss); math.Abs(float64(got)-5) > 1e-6 {
		t.Errorf("loss %v, want 5", got)
	}
}

func alternatingOptions() AlternatingOptions {
	return AlternatingOptions{PageSize: pageSize, Shared: sharedPages, FirstSteps: 30, Rounds: 2, Passes: 2, TurnSteps: 6,
		Batch: 10, LearningRate: 1e-2, ValidateEvery: 4, Seed: 5, SaveEvery: time.Nanosecond}
}

func TestAlternatingLearnsAndResumes(t *testing.T) {
	b := xlatest.Backend(t)
	tasks := []Task{problem(t, "a", 1, 200), problem(t, "b", 2, 200), problem(t, "c", 3, 200)}
	nets := members(tasks)
	want, plan, err := Alternating(context.Background(), b, nets, tasks, alternatingOptions())
	if err != nil {
		t.Fatal(err)
	}
	if len(want.History) != 3 || want.History[2].Mean < 0.6 {
		t.Errorf("history %+v, want 3 points that end above 0.6", want.History)
	}
	for i, m := range plan.Members {
		if !reflect.DeepEqual(m.Table, want.Set.Networks[i].Table) {
			t.Errorf("%s: tables of plan and set differ", m.Name)
		}
	}
	o := alternatingOptions()
	o.Checkpoint = filepath.Join(t.TempDir(), "checkpoint.npz")
	stopped := 0
	for {
		ctx, cancel := context.WithCancel(context.Background())
		turns := 0
		o.Progress = func(Progress) {
			if turns++; turns == 4 {
				cancel()
			}
		}
		got, again, err := Alternating(ctx, b, nets, tasks, o)
		cancel()
		if errors.Is(err, context.Canceled) {
			stopped++
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Error("the result differs from that of an undisturbed run")
		}
		for i := range again.Members {
			if again.Members[i].Cost != plan.Members[i].Cost {
				t.Errorf("%s: cost %v after resuming, %v undisturbed", again.Members[i].Name, again.Members[i].Cost, plan.Members[i].Cost)
			}
		}
		break
	}
	if stopped != 3 { // 15 turns, 4 a run
		t.Errorf("stopped %d times, want 3", stopped)
	}
}

// The first network's turn starts from random shared pages with its own weights
// only in its exclusive page, and a turn that does not improve writes nothing.
func TestAlternatingStartAndKeep(t *testing.T) {
	tasks := []Task{problem(t, "a", 1, 50), problem(t, "b", 2, 50)}
	nets := members(tasks)
	a, err := newAlternating(xlatest.Backend(t), nets, tasks, alternatingOptions().withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	if err := a.add(context.Background(), 0); err != nil {
		t.Fatal(err)
	}
	w := a.set.Weights(0)
	own := nets[0].Exclusive[0]
	sum := 0.0
	for i, v := range w {
		if i/pageSize == own {
			if v != nets[0].Weights[i] {
				t.Fatalf("weight %d of the exclusive page is %v, want the network's own %v", i, v, nets[0].Weights[i])
			}
		} else {
			sum += float64(v) * float64(v)
		}
	}
	if std := math.Sqrt(sum / float64(len(w)-pageSize)); std < 0.006 || std > 0.014 {
		t.Errorf("shared weights have deviation %v, want 0.01", std)
	}
	before := a.set.Clone()
	a.LearningRate = 0
	if err := a.take(context.Background(), 0, 10); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a.set, before) {
		t.Error("a turn without improvement changed the pages")
	}
	if !reflect.DeepEqual(a.last[0], a.set.Weights(0)) || a.Batches[0] != 10 {
		t.Error("the turn did not note weights and batches")
	}
}

// A network whose loss is no number stops the run with its name and step, and what was
// saved before stays.
func TestAlternatingStopsAtDivergence(t *testing.T) {
	tasks := []Task{problem(t, "a", 1, 50), problem(t, "b", 2, 50)}
	values := make([]float32, 36*50)
	for i := range values {
		values[i] = float32(math.NaN())
	}
	var err error
	if tasks[1].Data.Train, err = datasets.NewSplit(36, values, make([]int32, 50)); err != nil {
		t.Fatal(err)
	}
	o := alternatingOptions()
	o.Checkpoint = filepath.Join(t.TempDir(), "checkpoint.npz")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o.Progress = func(Progress) { cancel() }
	if _, _, err := Alternating(ctx, xlatest.Backend(t), members(tasks), tasks, o); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	saved, err := os.ReadFile(o.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = Alternating(context.Background(), xlatest.Backend(t), members(tasks), tasks, o)
	var diverged *DivergedError
	if !errors.As(err, &diverged) || diverged.Network != "b" || diverged.Step != o.FirstSteps {
		t.Errorf("%v, want that b diverged at step %d", err, o.FirstSteps)
	}
	if now, err := os.ReadFile(o.Checkpoint); err != nil || !bytes.Equal(now, saved) {
		t.Errorf("the checkpoint is another (%v)", err)
	}
}

// What a network sees of its co-tenants is their Fisher information and last
// weights at the same place of the same shared page, and nothing elsewhere.
func TestOthers(t *testing.T) {
	tasks := []Task{problem(t, "a", 1, 50), problem(t, "b", 2, 50)}
	nets := members(tasks)
	a, err := newAlternating(xlatest.Backend(t), nets, tasks, alternatingOptions().withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	for i := range nets {
		if err := a.add(context.Background(), i); err != nil {
			t.Fatal(err)
		}
		a.last[i] = a.set.Weights(i)
	}
	f, w := a.others(1)
	gotF, gotW := tensors.MustCopyFlatData[float32](f), tensors.MustCopyFlatData[float32](w)
	mine, other := a.set.Networks[1].Table, a.set.Networks[0].Table
	for i := range nets[1].Weights {
		wantF, wantW := float32(0), float32(0)
		for c, e := range other.Entries {
			if at := c*pageSize + i%pageSize; e == mine.Entries[i/pageSize] && int(e) < sharedPages && at < len(nets[0].Weights) {
				wantF, wantW = nets[0].Fisher[at], a.last[0][at]
			}
		}
		if gotF[i] != wantF || gotW[i] != wantW {
			t.Fatalf("weight %d: other F %v w %v, want %v %v", i, gotF[i], gotW[i], wantF, wantW)
		}
	}
}

func TestAlternatingRefusesWhatItDoesNotDo(t *testing.T) {
	b := xlatest.Backend(t)
	for want, change := range map[string]func(*Task){
		"network b: batch -1": func(t *Task) { t.Batch = -1 },
		"network b: mixup":    func(t *Task) { t.Mixup = 0.5 },
		"held true":           func(t *Task) { t.Held = true },
	} {
		tasks := []Task{problem(t, "a", 1, 40), problem(t, "b", 2, 40)}
		change(&tasks[1])
		_, _, err := Alternating(context.Background(), b, members(tasks), tasks, alternatingOptions())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// What a network's turn would find is found before the first.
func TestAlternatingChecksAllFirst(t *testing.T) {
	tasks := []Task{problem(t, "a", 1, 40), problem(t, "b", 2, 40)}
	for want, change := range map[string]func([]overlapping.Network, *AlternatingOptions){
		"b Fisher information": func(n []overlapping.Network, _ *AlternatingOptions) { n[1].Fisher[3] = -1 },
		"sharable pages":       func(n []overlapping.Network, o *AlternatingOptions) { o.Shared = 2 },
		"want b of 82":         func(n []overlapping.Network, _ *AlternatingOptions) { n[1].Weights = n[1].Weights[1:] },
		"batches of -1":        func(_ []overlapping.Network, o *AlternatingOptions) { o.Batch = -1 },
		"turns of 30 and 1":    func(_ []overlapping.Network, o *AlternatingOptions) { o.TurnSteps = 1 },
	} {
		nets, o := members(tasks), alternatingOptions()
		change(nets, &o)
		o.Progress = func(Progress) { t.Errorf("%s: it trains", want) }
		_, _, err := Alternating(context.Background(), xlatest.Backend(t), nets, tasks, o)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
