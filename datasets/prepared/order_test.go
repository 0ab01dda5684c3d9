package prepared

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
)

// permutations calls f with all orders of 0 to n-1.
func permutations(n int, f func([]int)) {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	var from func(int)
	from = func(k int) {
		if k == n {
			f(order)
			return
		}
		for i := k; i < n; i++ {
			order[k], order[i] = order[i], order[k]
			from(k + 1)
			order[k], order[i] = order[i], order[k]
		}
	}
	from(0)
}

// An archive lists its files in another order than a directory: the set is the same.
func TestOrder(t *testing.T) {
	items := []item{
		{Sample{Name: "A", Label: 0, Part: Test, Group: "x", Clip: "p"}, []float32{10}},
		{Sample{Name: "a/1", Label: 1, Part: Train, Group: "y", Clip: "q"}, []float32{11}},
		{Sample{Name: "a/10", Label: 2, Part: Test, Group: "", Clip: "p"}, []float32{12}},
		{Sample{Name: "a/2", Label: 3, Part: Validation, Group: "x", Clip: ""}, []float32{13}},
	}
	parent := t.TempDir()
	permutations(len(items), func(order []int) {
		var shuffled []item
		for _, i := range order {
			shuffled = append(shuffled, items[i])
		}
		s := made(t, filepath.Join(parent, fmt.Sprint(order)), Layout{Size: 1, Period: 1}, nil, shuffled...)
		for i, want := range items {
			if got := s.floats(i)[0]; got != want.v[0] || s.Labels[i] != want.Label ||
				s.Parts[i] != want.Part {
				t.Errorf("added as %v: sample %d has value %v, label %d, part %d", order, i, got,
					s.Labels[i], s.Parts[i])
			}
			if got := s.Moments[2*s.Rows[i]]; got != float64(want.v[0]) {
				t.Errorf("added as %v: sample %d has the moments of %v", order, i, got)
			}
		}
		// Numbers too: 0 is the first one in the order of the names.
		if want := []int32{0, 1, -1, 0}; !slices.Equal(s.Groups, want) {
			t.Errorf("added as %v: groups %v, want %v", order, s.Groups, want)
		}
		if want := []int32{0, 1, 0, -1}; !slices.Equal(s.Clips, want) {
			t.Errorf("added as %v: clips %v, want %v", order, s.Clips, want)
		}
	})
}

func TestEqualNames(t *testing.T) {
	var items []item
	for i := range 100 {
		items = append(items, item{Sample{Name: string("ba"[i%2])}, []float32{float32(i)}})
	}
	s := made(t, filepath.Join(t.TempDir(), "set"), Layout{Size: 1}, nil, items...)
	for i := range 100 {
		want := float32(2*i + 1) // those named a were added second, fourth, ...
		if i >= 50 {
			want = float32(2 * (i - 50))
		}
		if got := s.floats(i)[0]; got != want {
			t.Errorf("sample %d is number %v that was added, want %v", i, got, want)
		}
	}
}

// Loaders learn some things only after the samples: labels, parts, even groups.
func TestSamplesCanChange(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "set")
	w := begin(t, dir, Layout{Size: 1}, item{Sample{Name: "b"}, []float32{1}},
		item{Sample{Name: "a"}, []float32{2}})
	if len(w.Samples()) != 2 {
		t.Errorf("%d samples so far, want 2", len(w.Samples()))
	}
	w.Samples()[0] = Sample{Name: "b", Label: 4, Part: Test, Group: "g"}
	w.Samples()[1].Name = "c" // and it comes last
	if err := w.Commit(nil); err != nil {
		t.Fatal(err)
	}
	s := opened(t, dir)
	if !slices.Equal(s.Labels, []int32{4, 0}) || !slices.Equal(s.Parts, []Part{Test, Train}) ||
		!slices.Equal(s.Groups, []int32{0, -1}) || s.floats(1)[0] != 2 {
		t.Errorf("labels %v, parts %v, groups %v, values %v", s.Labels, s.Parts, s.Groups, s.Floats)
	}
}

// The segments of a recording stay in their order among those of others.
func TestSegment(t *testing.T) {
	whole := Sample{Name: "rain.wav"}
	if got := whole.Segment(3); got != whole {
		t.Errorf("a sample that is no segment became %+v", got)
	}
	rain, rain2 := Sample{Name: "rain", Clip: "rain", Label: 3}, Sample{Name: "rain2", Clip: "rain2"}
	var all []string
	for _, s := range []Sample{rain, rain2} {
		for _, i := range []int{0, 1, 2, 9, 10, 11, 100} {
			at := s.Segment(i)
			if at.Clip != s.Clip || at.Label != s.Label {
				t.Errorf("segment %d of %+v is %+v", i, s, at)
			}
			all = append(all, at.Name)
		}
	}
	if !slices.IsSorted(all) {
		t.Errorf("names %v are not in order", all)
	}
	if len(slices.Compact(all)) != 14 {
		t.Errorf("names %v are not all different", all)
	}
}
