package features

import (
	"slices"
	"testing"
)

func TestNewSeries(t *testing.T) {
	all := []Motion{{5, [3]float64{1, 0, 9}}, {-1, [3]float64{2, 1, 8}}, {5, [3]float64{3, 0, 7}},
		{3, [3]float64{4, 1, 6}}, {5, [3]float64{8, 3, 5}}}
	before := slices.Clone(all)
	got := NewSeries(all)
	want := Series{{-1, [3]float64{2, 1, 8}}, {3, [3]float64{4, 1, 6}}, {5, [3]float64{4, 1, 7}}}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if !slices.Equal(all, before) {
		t.Error("the original is changed")
	}
	if got := NewSeries(nil); len(got) != 0 {
		t.Errorf("%v for no samples", got)
	}
}
