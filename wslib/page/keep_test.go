package page

import (
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// Page 1 is the only one that b does not use; c uses pages 1 and 2.
func TestKeepByHand(t *testing.T) {
	s := example()
	s.Shared, s.Pages = 3, append(s.Pages, PackFloats([]float32{9, 10})...)
	s.Networks = []Member{
		{Name: "b", Weights: 5, Table: Table{3, []int32{3, 0, 2}}, Exclusive: PackFloats([]float32{5, 6}),
			Scales: []float32{1, 2, 3}},
		{Name: "c", Weights: 4, Table: Table{3, []int32{1, 2}}},
	}
	before := s.Clone()
	k, err := s.Keep("b")
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Validate(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(k.SharedValues(), []float32{1, 2, 9, 10}) || k.Shared != 2 ||
		!slices.Equal(k.Networks[0].Table.Entries, []int32{2, 0, 1}) {
		t.Errorf("%+v", k)
	}
	if !slices.Equal(k.Weights(0), s.Weights(0)) {
		t.Errorf("weights %v, were %v", k.Weights(0), s.Weights(0))
	}
	k.Pages[0], k.Networks[0].Scales[0] = 77, 77
	all, err := s.Keep("c", "b")
	if err != nil {
		t.Fatal(err)
	}
	if all.Shared != 3 || !slices.Equal(all.Weights(0), s.Weights(1)) ||
		!slices.Equal(all.Weights(1), s.Weights(0)) {
		t.Errorf("%+v", all)
	}
	if !reflect.DeepEqual(s, before) {
		t.Error("the set was changed")
	}
	// One page, its own: a set has a shared page all the same.
	s.Networks = append(s.Networks, Member{Name: "d", Weights: 2, Table: Table{3, []int32{3}},
		Exclusive: PackFloats([]float32{7, 8}), Scales: []float32{1}})
	own, err := s.Keep("d")
	if err != nil {
		t.Fatal(err)
	}
	if err := own.Validate(); err != nil || own.Shared != 1 || !slices.Equal(own.Weights(0), []float32{7, 8}) {
		t.Errorf("%v: %+v", err, own)
	}
	for _, names := range [][]string{{"a"}, {"b", "b"}} {
		if _, err := s.Keep(names...); err == nil || !strings.Contains(err.Error(), names[0]) {
			t.Errorf("%v: %v", names, err)
		}
	}
	if none, err := s.Keep(); err != nil || none.Shared != 0 || len(none.Networks) != 0 {
		t.Errorf("%+v, %v", none, err)
	}
}

// Few bytes may name a large page many times: they do not decide how much is allocated.
func TestValidateAllocatesLittle(t *testing.T) {
	const size, entries = 400_000, 1300
	s := &Set{Format: Format{Size: size, Shared: 1, Precision: Int2, ScaleFormat: ScaleLog8}}
	s.Pages = Int2.Pack(slices.Repeat([]float32{0.5}, size), size)
	s.Networks = []Member{{Name: "a", Weights: size * entries, Table: Table{1, make([]int32, entries)},
		Scales: slices.Repeat([]float32{1}, entries)}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := s.Validate()
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; err != nil || n > 1<<20 {
		t.Errorf("%d bytes allocated: %v", n, err)
	}
	m := &s.Networks[0]
	m.Weights = size * 2 * entries
	m.Table.Entries = make([]int32, 2*entries)
	if err := s.Validate(); err == nil || !strings.Contains(err.Error(), "1040000000 weights") {
		t.Errorf("more than 2^29 weights: %v", err)
	}
}
