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
	"weightsep/wslib/page"
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

func turns() training {
	o := trains(1, 4, 10, 1e-2)
	o.Method, o.FirstSteps, o.Rounds, o.Passes, o.TurnSteps = AlternatingMethod, 30, 2, 2, 6
	o.Format = page.Format{Size: pageSize, Shared: sharedPages}
	o.Seed, o.SaveEvery = 5, time.Nanosecond
	return o
}

func (o training) alternating(t *testing.T, ctx context.Context, nets []overlapping.Network,
	tasks []Task) (*Result, *overlapping.Plan, error) {
	return Alternating(ctx, xlatest.Backend(t), nets, tasks, o.Format, o.Recipe, o.Options)
}

func (o training) openAlternating(t *testing.T, nets []overlapping.Network, tasks []Task) *alternating {
	t.Helper()
	a, err := newAlternating(xlatest.Backend(t), nets, tasks, o.Format, o.Recipe, o.Options.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.close)
	return a
}

func TestAlternatingLearnsAndResumes(t *testing.T) {
	tasks := []Task{problem(t, "a", 1, 200), problem(t, "b", 2, 200), problem(t, "c", 3, 200)}
	nets := members(t, tasks)
	want, plan, err := turns().alternating(t, context.Background(), nets, tasks)
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
	o := turns()
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
		got, again, err := o.alternating(t, ctx, nets, tasks)
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
				t.Errorf("%s: cost %v after resuming, %v undisturbed", again.Members[i].Name,
					again.Members[i].Cost, plan.Members[i].Cost)
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
	nets := members(t, tasks)
	a := turns().openAlternating(t, nets, tasks)
	if err := a.add(0); err != nil {
		t.Fatal(err)
	}
	w := a.set.Weights(0)
	own := nets[0].Exclusive[0]
	sum := 0.0
	for i, v := range w {
		if i/pageSize == own {
			if v != nets[0].Weights[i] {
				t.Fatalf("weight %d of the exclusive page is %v, want the network's own %v", i, v,
					nets[0].Weights[i])
			}
		} else {
			sum += float64(v) * float64(v)
		}
	}
	if std := math.Sqrt(sum / float64(len(w)-pageSize)); std < 0.006 || std > 0.014 {
		t.Errorf("shared weights have deviation %v, want 0.01", std)
	}
	before := a.set.Clone()
	a.recipe.LearningRate = 0
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
	o := turns()
	o.Checkpoint = filepath.Join(t.TempDir(), "checkpoint.npz")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o.Progress = func(Progress) { cancel() }
	if _, _, err := o.alternating(t, ctx, members(t, tasks), tasks); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	saved, err := os.ReadFile(o.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = o.alternating(t, context.Background(), members(t, tasks), tasks)
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
	nets := members(t, tasks)
	a := turns().openAlternating(t, nets, tasks)
	for i := range nets {
		if err := a.add(i); err != nil {
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
			if at := c*pageSize + i%pageSize; e == mine.Entries[i/pageSize] && int(e) < sharedPages &&
				at < len(nets[0].Weights) {
				wantF, wantW = nets[0].Fisher[at], a.last[0][at]
			}
		}
		if gotF[i] != wantF || gotW[i] != wantW {
			t.Fatalf("weight %d: other F %v w %v, want %v %v", i, gotF[i], gotW[i], wantF, wantW)
		}
	}
}

// What a network's turn would find is found before the first.
func TestAlternatingChecksAllFirst(t *testing.T) {
	tasks := []Task{problem(t, "a", 1, 40), problem(t, "b", 2, 40)}
	for want, change := range map[string]func([]overlapping.Network, *training){
		"b Fisher information": func(n []overlapping.Network, _ *training) { n[1].Fisher[3] = -1 },
		"sharable pages":       func(n []overlapping.Network, o *training) { o.Shared = 2 },
		"want b of 82": func(n []overlapping.Network,
			_ *training) {
			n[1].Weights = n[1].Weights[1:]
		},
		"batch -1": func(_ []overlapping.Network,
			o *training) {
			o.Batch = Each{"": 5, "b": -1}
		},
		"turn 1, want 2":     func(_ []overlapping.Network, o *training) { o.TurnSteps = 1 },
		"has no mixup":       func(_ []overlapping.Network, o *training) { o.Mixup["b"] = 0.5 },
		`method "joint"`:     func(_ []overlapping.Network, o *training) { o.Method = JointMethod },
		"want float32 pages": func(_ []overlapping.Network, o *training) { o.Precision = page.Int2 },
		"network b is held":  func([]overlapping.Network, *training) { tasks[1].Held = true },
	} {
		nets, o := members(t, tasks), turns()
		change(nets, &o)
		o.Progress = func(Progress) { t.Errorf("%s: it trains", want) }
		_, _, err := o.alternating(t, context.Background(), nets, tasks)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
		tasks[1].Held = false
	}
}
