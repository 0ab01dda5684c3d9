package features

import (
	"reflect"
	"testing"
)

func TestSorted(t *testing.T) {
	s := Series{
		T: []int64{5, -1, 5, 3, 5},
		V: [3][]float64{{1, 2, 3, 4, 8}, {0, 1, 0, 1, 3}, {9, 8, 7, 6, 5}},
	}
	before := Series{T: append([]int64{}, s.T...)}
	got, err := s.Sorted()
	if err != nil {
		t.Fatal(err)
	}
	want := Series{
		T: []int64{-1, 3, 5},
		V: [3][]float64{{2, 4, 4}, {1, 1, 1}, {8, 6, 7}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if !reflect.DeepEqual(s.T, before.T) {
		t.Error("the original is changed")
	}
	if got, err := (Series{}).Sorted(); err != nil || got.Len() != 0 {
		t.Errorf("%v, error %v for no samples", got, err)
	}
}

func TestSortedErrors(t *testing.T) {
	if _, err := (Series{T: []int64{1}, V: [3][]float64{{1}, {1}, nil}}).Sorted(); err == nil {
		t.Error("no error for an axis that is missing")
	}
	for _, v := range bad {
		if _, err := (Series{T: []int64{1}, V: [3][]float64{{1}, {v}, {1}}}).Sorted(); err == nil {
			t.Errorf("no error for %g", v)
		}
	}
}
