package page

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestFormationIsInvertible(t *testing.T) {
	for _, n := range []int{1, 511, 512, 513, 64670} {
		w := make([]float32, n)
		for i := range w {
			w[i] = float32(i) + 0.5
		}
		pages := Form(w, DefaultSize)
		if len(pages)%DefaultSize != 0 || len(pages)-n >= DefaultSize {
			t.Errorf("%d weights: %d values in pages", n, len(pages))
		}
		for _, v := range pages[n:] {
			if v != 0 {
				t.Errorf("%d weights: padding holds %v", n, v)
			}
		}
		if !slices.Equal(pages[:n], w) {
			t.Errorf("%d weights: not the same after formation", n)
		}
	}
}

func TestGatherByHand(t *testing.T) {
	tab := Table{Shared: 2, Entries: []int32{1, 2, 0, 3}}
	shared := PackFloats([]float32{1, 2, 3, 4})
	own := PackFloats([]float32{5, 6, 7, 8})
	dst := make([]float32, 8)
	tab.gather(dst, 0, 4, Format{Size: 2}, shared, own, []float32{1, 1, 10, 1}, nil)
	if want := []float32{3, 4, 5, 6, 10, 20, 7, 8}; !slices.Equal(dst, want) {
		t.Errorf("gather %v, want %v", dst, want)
	}
	if got := tab.Exclusive(); !slices.Equal(got, []int{1, 3}) {
		t.Errorf("exclusive %v", got)
	}
	twice := Table{Shared: 2, Entries: []int32{0, 0}}
	if got := Occupancy([]Table{tab, twice}, 2); !slices.Equal(got, []int{2, 1}) {
		t.Errorf("occupancy %v", got)
	}
}

func TestTableValidate(t *testing.T) {
	for _, bad := range [][]int32{{-1}, {3}, {2, 2}, {3, 2}, {0, 2, 4}} {
		if err := (Table{Shared: 2, Entries: bad}).Validate(); err == nil {
			t.Errorf("table %v over 2 shared pages accepted", bad)
		}
	}
}

func TestCheckWeights(t *testing.T) {
	nan := float32(math.NaN())
	if err := CheckWeights("x", []float32{0, nan}, -1); err == nil ||
		!strings.Contains(err.Error(), "weight 1") {
		t.Errorf("NaN: %v", err)
	}
	if CheckWeights("x", []float32{0, 1}, 3) == nil || CheckWeights("x", nil, -1) == nil {
		t.Error("wrong length accepted")
	}
	if err := CheckWeights("x", []float32{0, 1}, 2); err != nil {
		t.Error(err)
	}
}
