package datasets

import (
	"fmt"
	"slices"
	"testing"
)

// numbered makes a split of n samples of two values, i and 255-i, labelled i%classes.
func numbered(n, classes int) *Split {
	var b []byte
	var labels []int32
	for i := range n {
		b = append(b, byte(i), byte(255-i))
		labels = append(labels, int32(i%classes))
	}
	return &Split{size: 2, bytes: b, Labels: labels}
}

// key identifies a sample by its values.
func key(s *Split, i int) string { return fmt.Sprint(s.Sample(i)) }

func sampleSet(s *Split) map[string]bool {
	set := make(map[string]bool)
	for i := range s.Len() {
		set[key(s, i)] = true
	}
	return set
}

func classCounts(s *Split, classes int) []int {
	count := make([]int, classes)
	for _, c := range s.Labels {
		count[c]++
	}
	return count
}

func TestBatch(t *testing.T) {
	stored := numbered(9, 3)
	floats := &Split{size: 2, floats: []float32{-1, 2, 3, -4, 5, 6}, Labels: []int32{0, 1, 2}}
	for name, s := range map[string]*Split{
		"bytes":  stored,
		"picked": stored.pick([]int{8, 0, 5}),
		"twice":  stored.pick([]int{8, 0, 5}).pick([]int{2, 1, 0}),
		"sliced": stored.pick([]int{8, 0, 5}).Slice(3),
		"floats": floats,
		"chosen": floats.pick([]int{2, 0, 1}),
	} {
		index := []int{2, 0, 2, 1}
		dst := make([]float32, len(index)*s.Size())
		s.Batch(dst, index)
		for i, j := range index {
			if got, want := dst[2*i:2*i+2], s.Sample(j); !slices.Equal(got, want) {
				t.Errorf("%s: place %d of the batch is %v, sample %d is %v", name, i, got, j, want)
			}
		}
	}
	if got, want := stored.Sample(7), []float32{7.0 / 255, 248.0 / 255}; !slices.Equal(got, want) {
		t.Errorf("sample 7 is %v, want %v", got, want)
	}
	twice := stored.pick([]int{8, 0, 5}).pick([]int{2, 1, 0})
	if !slices.Equal(twice.Sample(0), stored.Sample(5)) || twice.Labels[0] != stored.Labels[5] {
		t.Error("picking from a picked split gives another sample")
	}
}

// The values must be exactly what dividing gives.
func TestUnit(t *testing.T) {
	for b := range 256 {
		if want := float32(b) / float32(255); unit[b] != want {
			t.Errorf("%d: %v, want %v", b, unit[b], want)
		}
	}
}

func TestSlice(t *testing.T) {
	s := numbered(9, 3)
	if s.Slice(9) != s || s.Slice(100) != s {
		t.Error("slice of all is not the split itself")
	}
	a := s.Slice(4)
	if a.Len() != 4 || a.Size() != 2 || !slices.Equal(a.Labels, []int32{0, 1, 2, 0}) {
		t.Errorf("%d samples, labels %v", a.Len(), a.Labels)
	}
	if b := s.Slice(0); b.Len() != 0 {
		t.Errorf("%d samples, want none", b.Len())
	}
}

func TestBatchPanics(t *testing.T) {
	s := numbered(9, 3).Slice(4)
	for name, f := range map[string]func(){
		"short destination":  func() { s.Batch(make([]float32, 3), []int{0, 1}) },
		"past the slice":     func() { s.Sample(4) }, // though it is stored
		"negative index":     func() { s.Batch(make([]float32, 2), []int{-1}) },
		"longer destination": func() { s.Batch(make([]float32, 5), []int{0, 1}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func TestHoldOut(t *testing.T) {
	s := numbered(200, 4)
	train, validation, _ := holdOut(s, 4, seeded(1, "a", streamHoldOut))
	if train.Len() != 180 || validation.Len() != 20 {
		t.Fatalf("%d and %d samples, want 180 and 20", train.Len(), validation.Len())
	}
	for c, n := range classCounts(validation, 4) {
		if n != 5 {
			t.Errorf("%d validation samples of class %d, want 5", n, c)
		}
	}
	all := sampleSet(train)
	for i := range validation.Len() {
		if k := key(validation, i); all[k] {
			t.Errorf("validation sample %d is in the training set", i)
		} else {
			all[k] = true
		}
	}
	if len(all) != 200 {
		t.Errorf("%d different samples, want 200", len(all))
	}
	for i := range train.Len() { // labels go with their samples
		if n := int(train.Sample(i)[0]*255 + 0.5); int32(n%4) != train.Labels[i] {
			t.Fatalf("sample %d has label %d", n, train.Labels[i])
		}
	}

	again, same, _ := holdOut(s, 4, seeded(1, "a", streamHoldOut))
	if !slices.Equal(again.rows, train.rows) || !slices.Equal(same.rows, validation.rows) {
		t.Error("the same seed gives another split")
	}
	for name, r := range map[string][]int32{
		"seed":    rows(holdOut(s, 4, seeded(2, "a", streamHoldOut))),
		"dataset": rows(holdOut(s, 4, seeded(1, "b", streamHoldOut))),
	} {
		if slices.Equal(r, validation.rows) {
			t.Errorf("another %s gives the same split", name)
		}
	}
}

func rows(_, validation *Split, _ bool) []int32 { return validation.rows }

// The split of a fixed seed is the same in every version of the program: results that
// were recorded depend on it.
func TestHoldOutPinned(t *testing.T) {
	_, validation, _ := holdOut(numbered(40, 2), 2, seeded(1, "mnist", streamHoldOut))
	if want := []int32{38, 16, 27, 23}; !slices.Equal(validation.rows, want) {
		t.Errorf("validation samples %v, want %v", validation.rows, want)
	}
}

func TestQuotas(t *testing.T) {
	labels := slices.Concat(slices.Repeat([]int32{0}, 70), slices.Repeat([]int32{2}, 25),
		slices.Repeat([]int32{3}, 5))
	for _, c := range []struct {
		n    int
		want []int
	}{
		{10, []int{7, 0, 3, 0}}, // 7, 0, 2.5, 0.5: the tie goes to class 2
		{20, []int{14, 0, 5, 1}},
		{1, []int{1, 0, 0, 0}},
		{100, []int{70, 0, 25, 5}},
	} {
		if got := quotas(labels, 4, c.n); !slices.Equal(got, c.want) {
			t.Errorf("%d of 100: %v, want %v", c.n, got, c.want)
		}
	}
}

// The numbers of the streams decide the order of real samples: another number would make
// the first n test samples others than those of documented runs.
func TestStreamsStay(t *testing.T) {
	for name, c := range map[string][2]int{
		"hold-out":     {streamHoldOut, 0},
		"test samples": {streamMaxTest, 3},
		"test order":   {streamTestOrder, 9},
	} {
		if c[0] != c[1] {
			t.Errorf("the stream of the %s is number %d: want %d", name, c[0], c[1])
		}
	}
}

// Samples of a group are related, or else those of a recording.
func TestRelated(t *testing.T) {
	groups, clips := []int32{1, 1, -1}, []int32{7, 8, 8}
	for _, c := range []struct{ groups, clips, want []int32 }{
		{nil, nil, nil}, {groups, nil, groups}, {nil, clips, clips}, {groups, clips, groups},
	} {
		s := Split{Groups: c.groups, Clips: c.clips}
		if got := s.Related(); !slices.Equal(got, c.want) {
			t.Errorf("groups %v, clips %v: %v, want %v", c.groups, c.clips, got, c.want)
		}
	}
}
