package optimization

import (
	"context"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"weightsep/wslib/network"
	"weightsep/wslib/network/networktest"
	"weightsep/wslib/page"
	"weightsep/xla/xlatest"
)

// sources against adding up by walking the tables, with networks left out, and with
// one that names a shared page twice.
func TestSourcesAddUpWhatTablesName(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 6))
	const shared, size = 5, 1
	set := &page.Set{Format: page.Format{Size: size, Shared: shared, KeyPrecision: page.Int2},
		Pages: make([]byte, 4*shared)}
	for _, pages := range []int{7, 3, 6} {
		m := page.Member{Name: string(rune('a' + pages)), Weights: pages, Table: page.Table{Shared: shared},
			Exclusive: []byte{}, Scales: make([]float32, pages)}
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
	l := newLayout(set, []int{0, 1, 2})
	for _, networks := range [][]int{{0, 1, 2}, {2, 0}, {1}} {
		onShared, onExclusive, onScales, onKeys := l.sources(networks)
		value := func(row int32) float64 { // of each network's page in its slot; 0 of the row after the last
			if int(row) == len(networks)*l.slots {
				return 0
			}
			return float64(1 + row*row)
		}
		want := make([]float64, l.pages)
		scales := make([]float64, l.scaled)
		for k, i := range networks {
			for b, e := range set.Networks[i].Table.Entries {
				row := int32(k*l.slots + b)
				at := int(e)
				if at >= shared {
					at += l.at[i].exclusive
				}
				want[at] += value(row)
				scales[l.at[i].scales+b] = value(row)
			}
		}
		for p := range l.pages {
			got := 0.0
			if p < shared {
				for _, row := range onShared[p*l.tenants : (p+1)*l.tenants] {
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
					want = value(int32(k*l.slots + b))
				}
				if at >= len(onKeys) || value(onKeys[at]) != want {
					t.Errorf("networks %v: keys of page %d of %s, row %d of %d, do not get %v", networks, b,
						m.Name, at, len(onKeys), want)
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
	set := plan(t, members(t, tasks)).Set(true)
	var results []*Result
	for _, workers := range []int{1, 3} {
		o := trains(30, 10, 10, 2e-3)
		o.Dropout, o.Seed, o.Workers = Each{"": 0.1}, 2, workers
		r, err := o.joint(t, context.Background(), set, tasks)
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
	o := trains(10, 10, 10, 2e-3)
	o.Mixup["c"] = 0.3
	j := o.open(t, plan(t, members(t, tasks)).Set(true), tasks)
	if g := j.graphs.gradient; g[0] != g[1] || g[0] == g[2] || len(j.graphs.distinct) != 2 {
		t.Errorf("%d executables, want one of a and b and one of c, which has mixup", len(j.graphs.distinct))
	}
}

// A network distilled from itself, on pages of its own, has nothing to learn; also of
// samples that are mixed, for its teacher sees the same.
func TestDistillationFromItself(t *testing.T) {
	xlatest.Long(t)
	task := problem(t, "a", 1, 100)
	teacher := networktest.Initial(t, task.Network, 7)
	pages := page.Count(len(teacher), pageSize)
	set := &page.Set{Format: page.Format{Size: pageSize, Shared: pages},
		Pages: page.PackFloats(page.Form(teacher, pageSize))}
	m := page.Member{Name: "a", Weights: len(teacher), Table: page.Table{Shared: pages}}
	for i := range pages {
		m.Table.Entries = append(m.Table.Entries, int32(i))
	}
	set.Networks = []page.Member{m}
	task.Teacher.Weights = teacher
	far := func(share, mixup float64) float64 {
		o := trains(1, 1, 50, 1e-3)
		o.Distillation, o.Temperature, o.Mixup = share, 3, Each{"": mixup}
		r, err := o.joint(t, context.Background(), set, []Task{task})
		if err != nil {
			t.Fatal(err)
		}
		loss := r.History[1].Loss[0]
		// The least that the loss can be is the entropy of the teacher, times 9.
		if share == 1 && (loss > 9*math.Log(3)+1e-4 || loss < 1) {
			t.Errorf("loss %v, want the teacher's entropy", loss)
		}
		o.Steps = 10
		j := o.open(t, set, []Task{task})
		theta := vector(j.state.Theta)
		defer network.Free(theta)
		out, err := j.gradient(0, 0, theta, theta)
		if err != nil {
			t.Fatal(err)
		}
		defer network.Free(out...)
		norm := 0.0
		for _, g := range mustCopy(t, out[1]) {
			norm += float64(g) * float64(g)
		}
		return math.Sqrt(norm)
	}
	if labels, mixed := far(0, 0), far(0, 0.5); labels < 1e-2 || mixed < 1e-2 || labels == mixed {
		t.Errorf("gradient of %v towards labels, of %v towards mixed ones", labels, mixed)
	}
	for _, mixup := range []float64{0, 0.5} {
		if own := far(1, mixup); own > 1e-5 {
			t.Errorf("gradient of %v towards itself, mixup %v", own, mixup)
		}
	}
}
