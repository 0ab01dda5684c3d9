package optimization

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"

	"weightsep/wslib/network/networktest"
	"weightsep/wslib/page"
)

// packed are two networks that are optimized, and a third beside them: pages 0 to 5 are
// theirs, the third has pages 6 to 8 and one of its pages lies on page 0.
func packed(t *testing.T) (set *page.Set, tasks []Task, o training) {
	t.Helper()
	o = trains(60, 20, 30, 1e-2)
	o.Seed, o.Precision, o.ExclusivePrecision, o.ScaleFormat = 3, page.Int4, page.Int8, page.ScaleLog8
	tasks = []Task{problem(t, "a", 1, 200), problem(t, "b", 2, 200)}
	first, err := o.joint(t, context.Background(), plan(t, members(t, tasks)).Set(true), tasks)
	if err != nil {
		t.Fatal(err)
	}
	set = first.Set
	values := set.SharedValues()
	for i := range set.Networks {
		set.Networks[i].Exclusive = page.PackFloats(set.ExclusiveValues(i))
	}
	set.Precision, set.ExclusivePrecision, set.ScaleFormat = 0, 0, ""
	const more = 3
	set.Shared += more
	for i := range set.Networks {
		table := &set.Networks[i].Table
		table.Shared += more
		table.Entries = slices.Clone(table.Entries)
		for b, e := range table.Entries {
			if int(e) >= sharedPages {
				table.Entries[b] += more
			}
		}
	}
	c := problem(t, "c", 3, 200)
	initial := networktest.Initial(t, c.Network, 7)
	set.Pages = page.PackFloats(append(values, initial[:more*pageSize]...))
	m := page.Member{Name: "c", Weights: c.Network.Weights(),
		Table:     page.Table{Shared: set.Shared, Entries: []int32{9, 6, 7, 8, 0, 7}},
		Exclusive: page.PackFloats(initial[:pageSize])}
	for range m.Table.Entries {
		m.Scales = append(m.Scales, 1)
	}
	set.Networks = append(set.Networks, m)
	if err := set.Validate(); err != nil {
		t.Fatal(err)
	}
	tasks[0].Held, tasks[1].Held = true, true
	return set, append(tasks, c), o
}

// Networks that are held keep their weights bit for bit while a third one learns, also
// where it lies on one of their pages, whatever interrupts it.
func TestHeldNetworksKeepTheirWeights(t *testing.T) {
	set, tasks, o := packed(t)
	o.Steps, o.RoundBy = 100, 0.7
	o.Distillation = 0.3
	tasks[2].Teacher.Weights = networktest.Initial(t, tasks[2].Network, 7) // held networks need none
	got, err := o.joint(t, context.Background(), set, tasks)
	if err != nil {
		t.Fatal(err)
	}
	if err := got.Set.Validate(); err != nil || got.Set.Precision != page.Int4 {
		t.Fatalf("%v: %v", got.Set.Precision, err)
	}
	for i, name := range []string{"a", "b"} {
		if !slices.Equal(got.Set.Weights(i), set.Weights(i)) {
			t.Errorf("weights of %s changed", name)
		}
	}
	if first, last := got.History[0].Validation,
		got.History[len(got.History)-1].Validation; last[2] < first[2]+0.2 || last[0] != first[0] {
		t.Errorf("validation from %v to %v: want c to learn and a to stay", first, last)
	}
	if slices.Equal(got.Set.ExclusiveValues(2), set.ExclusiveValues(2)) ||
		got.Set.Networks[2].Scales[4] == 1 {
		t.Error("exclusive pages of c, or its scale on a held page, did not learn")
	}

	if !reflect.DeepEqual(got, resumed(t, set, tasks, o, 45)) {
		t.Error("after an interruption the result is another")
	}
}

// With all networks held there is nothing to train: the set is returned as it is stored.
func TestAllNetworksHeld(t *testing.T) {
	set, tasks, o := packed(t)
	set.Networks, tasks = set.Networks[:2], tasks[:2]
	clear(set.Pages[4*sharedPages*pageSize:])
	got, err := o.joint(t, context.Background(), set, tasks)
	if err == nil {
		err = got.Set.Validate()
	}
	// The page that nobody uses is rounded.
	if err != nil || !slices.Equal(got.Set.SharedValues()[:sharedPages*pageSize],
		set.SharedValues()[:sharedPages*pageSize]) || len(got.History) != 1 {
		t.Fatalf("%d validations, pages changed or invalid: %v", len(got.History), err)
	}
}

func TestHeldNetworksMustBeAsStored(t *testing.T) {
	for what, spoil := range map[string]func(*page.Set){
		"shared page 0":   func(s *page.Set) { page.PutFloats(s.Pages[4*3:], []float32{0.25}) },
		"exclusive pages": func(s *page.Set) { page.PutFloats(s.Networks[1].Exclusive, []float32{0.3}) },
		"scale 2":         func(s *page.Set) { s.Networks[0].Scales[2] = 0.33 },
	} {
		set, tasks, o := packed(t)
		set.Networks[0].Table.Entries = slices.Clone(set.Networks[0].Table.Entries)
		spoil(set)
		_, err := o.joint(t, context.Background(), set, tasks)
		if err == nil || !strings.Contains(err.Error(), "is held") || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
