package optimization

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"weightsep/wslib/network"
	"weightsep/wslib/page"
	"weightsep/xla/xlatest"
)

// sources against adding up by walking the tables, with networks left out, and with
// one that names a shared page twice.
func TestSourcesAddUpWhatTablesName(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 6))
	const shared, size = 5, 1
	set := &page.Set{Format: page.Format{Size: size, Shared: shared, KeyPrecision: page.Int2}, Pages: make([]byte, 4*shared)}
	for _, pages := range []int{7, 3, 6} {
		m := page.Member{Name: string(rune('a' + pages)), Weights: pages, Table: page.Table{Shared: shared}, Exclusive: []byte{}, Scales: make([]float32, pages)}
		for b := range pages {
			e := int32(rng.IntN(shared))
			if b%3 == 2 {
				e = shared + int32(b/3)
				m.Exclusive = append(m.Exclusive, 0, 0, 0, 0)
			}
			m.Table.Entries = append(m.Table.Entries, e)
		}
		set.Networks = append(set.Networks, m)
	}
	for i := range set.Networks[:2] { // the third has no keys
		m := &set.Networks[i]
		m.Keys = m.Table.PackKeys(make([]float32, m.Weights), size)
	}
	if err := set.Validate(); err != nil {
		t.Fatal(err)
	}
	l := newLayout(set, nil)
	for _, networks := range [][]int{{0, 1, 2}, {2, 0}, {1}} {
		f := l.frame([]int{0, 1, 2}, 3)
		onShared, onExclusive, onScales, onKeys := f.sources(l.whole(networks))
		value := func(row int32) float64 { // of each network's page in its slot; 0 of the row after the last
			if int(row) == len(networks)*f.slots {
				return 0
			}
			return float64(1 + row*row)
		}
		want := make([]float64, l.pages)
		scales := make([]float64, l.latent-l.pages)
		for k, i := range networks {
			for b, e := range set.Networks[i].Table.Entries {
				row := int32(k*f.slots + b)
				at := int(e)
				if at >= shared {
					at += l.exclusive[i]
				}
				want[at] += value(row)
				scales[l.scales[i]-l.pages+b] = value(row)
			}
		}
		for p := range l.pages {
			got := 0.0
			if p < shared {
				for _, row := range onShared[p*f.tenants : (p+1)*f.tenants] {
					got += value(row)
				}
			} else {
				got = value(onExclusive[p-shared])
			}
			if got != want[p] {
				t.Errorf("networks %v: page %d gets %v, want %v", networks, p, got, want[p])
			}
		}
		at := 0 // rows of keys: pages on shared ones, networks in order
		for i, m := range set.Networks[:2] {
			for b, e := range m.Table.Entries {
				if int(e) >= shared {
					continue
				}
				want := 0.0
				if k := slices.Index(networks, i); k >= 0 {
					want = value(int32(k*f.slots + b))
				}
				if at >= len(onKeys) || value(onKeys[at]) != want {
					t.Errorf("networks %v: keys of page %d of %s, row %d of %d, do not get %v", networks, b, m.Name, at, len(onKeys), want)
				}
				at++
			}
		}
		if at != len(onKeys) {
			t.Errorf("networks %v: %d rows of keys, want %d", networks, len(onKeys), at)
		}
		for i, row := range onScales {
			if value(row) != scales[i] {
				t.Errorf("networks %v: scale %d gets %v, want %v", networks, i, value(row), scales[i])
			}
		}
	}
}

func TestWorkersDoNotMatter(t *testing.T) {
	tasks := []Task{problem(t, "a", 1, 60), problem(t, "b", 2, 60), problem(t, "c", 3, 60)}
	set := plan(t, members(tasks)).Set(true)
	var results []*Result
	for _, workers := range []int{1, 3} {
		r, err := Joint(context.Background(), xlatest.Backend(t), set, tasks, JointOptions{Steps: 30, ValidateEvery: 10, Batch: 10, Dropout: 0.1, Seed: 2, Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, r)
	}
	if !reflect.DeepEqual(results[0], results[1]) {
		t.Error("one worker and three give different results")
	}
}

// Networks of one architecture share an executable where they are trained alike only.
func TestExecutablesAreOfOneTraining(t *testing.T) {
	tasks := []Task{problem(t, "a", 1, 60), problem(t, "b", 2, 60), problem(t, "c", 3, 60)}
	tasks[2].Mixup = 0.3
	set := plan(t, members(tasks)).Set(true)
	j, err := newJoint(t.Context(), xlatest.Backend(t), set, tasks, JointOptions{Steps: 10, Batch: 10, Seed: 1}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	defer j.close()
	if g := j.graphs.gradient; g[0] != g[1] || g[0] == g[2] || len(j.graphs.distinct) != 2 {
		t.Errorf("%d executables, want one of a and b and one of c, which has mixup", len(j.graphs.distinct))
	}
}

// With sampling every network takes part equally often, and interruption changes
// nothing.
func TestJointSamplesNetworks(t *testing.T) {
	b := xlatest.Backend(t)
	tasks := []Task{problem(t, "a", 1, 200), problem(t, "b", 2, 200), problem(t, "c", 3, 200)}
	tasks[1].Mixup = 0.3
	set := plan(t, members(tasks)).Set(true)
	o := JointOptions{Steps: 240, ValidateEvery: 40, LearningRate: 1e-2, Batch: 30, Seed: 1, Sample: 2}
	j := &joint{JointOptions: o, tasks: tasks, trained: []int{0, 1, 2}}
	orders := map[string]bool{}
	for k := 0; k < 40; k += 2 {
		first, epoch := j.sample(k)
		second, same := j.sample(k + 1)
		both := append(slices.Clone(first), second...)
		orders[string(rune('a'+both[0]))] = true
		slices.Sort(both)
		if epoch != k/2 || same != epoch || !slices.Equal(both, []int{0, 1, 2}) {
			t.Fatalf("steps %d and %d: networks %v, batches %d and %d", k, k+1, both, epoch, same)
		}
	}
	if len(orders) != 3 {
		t.Errorf("the order of networks is not drawn anew: %v", orders)
	}
	want, err := Joint(context.Background(), b, set, tasks, o)
	if err != nil {
		t.Fatal(err)
	}
	best := 0.0
	for _, p := range want.History {
		best = max(best, p.Mean)
	}
	if best < 0.85 {
		t.Errorf("mean validation accuracy %.3f, want 0.85", best)
	}
	o.Checkpoint = filepath.Join(t.TempDir(), "c.npz")
	ctx, cancel := context.WithCancel(context.Background())
	o.Progress = func(p Progress) {
		if p.Step == 91 {
			cancel()
		}
	}
	if _, err := Joint(ctx, b, set, tasks, o); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	o.Progress = nil
	got, err := Joint(context.Background(), b, set, tasks, o)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Error("the resumed result differs")
	}
}

// A network distilled from itself, on pages of its own, has nothing to learn; also of
// samples that are mixed, for its teachers see the same.
func TestDistillationFromItself(t *testing.T) {
	task := problem(t, "a", 1, 100)
	teacher := task.Network.Initial(7)
	pages := page.Count(len(teacher), pageSize)
	set := &page.Set{Format: page.Format{Size: pageSize, Shared: pages}, Pages: page.PackFloats(page.Form(teacher, pageSize))}
	m := page.Member{Name: "a", Weights: len(teacher), Table: page.Table{Shared: pages}}
	for i := range pages {
		m.Table.Entries = append(m.Table.Entries, int32(i))
	}
	set.Networks = []page.Member{m}
	far := func(share, mixup float64, teachers int) float64 {
		task.Mixup, task.Teachers = mixup, slices.Repeat([][]float32{teacher}, teachers)
		r, err := Joint(context.Background(), xlatest.Backend(t), set, []Task{task},
			JointOptions{Steps: 1, ValidateEvery: 1, Batch: 50, Seed: 1, Distillation: network.Distillation{Share: share, Temperature: 3}, LearningRate: 1e-3})
		if err != nil {
			t.Fatal(err)
		}
		loss := r.History[1].Loss[0]
		// The least that the loss can be is the entropy of the teacher, times 9.
		if share == 1 && (loss > 9*math.Log(3)+1e-4 || loss < 1) {
			t.Errorf("loss %v, want the teacher's entropy", loss)
		}
		j, err := newJoint(context.Background(), xlatest.Backend(t), set, []Task{task}, JointOptions{Steps: 10, Batch: 50, Distillation: network.Distillation{Share: share, Temperature: 3}, Seed: 1}.withDefaults())
		if err != nil {
			t.Fatal(err)
		}
		defer j.close()
		theta := vector(j.state.Theta)
		defer free(theta)
		out, err := j.gradient(0, 0, 0, j.places, 0, theta, theta)
		if err != nil {
			t.Fatal(err)
		}
		defer free(out...)
		norm := 0.0
		for _, g := range mustCopy(t, out[1]) {
			norm += float64(g) * float64(g)
		}
		return math.Sqrt(norm)
	}
	if labels, mixed := far(0, 0, 1), far(0, 0.5, 1); labels < 1e-2 || mixed < 1e-2 || labels == mixed {
		t.Errorf("gradient of %v towards labels, of %v towards mixed ones", labels, mixed)
	}
	for _, c := range []struct {
		mixup    float64
		teachers int
	}{{0, 1}, {0, 2}, {0.5, 1}, {0.5, 2}} {
		if own := far(1, c.mixup, c.teachers); own > 1e-5 {
			t.Errorf("gradient of %v towards itself, mixup %v, taught by %d", own, c.mixup, c.teachers)
		}
	}
}
