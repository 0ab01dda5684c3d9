package separation

import (
	"math"
	"slices"
	"testing"
)

func TestSeparateByHand(t *testing.T) {
	// Densities 0.5, 0.3, 0.15, 0.05: after two pages 0.2 is left, after three 0.05.
	density := Density([]float32{5, 0, 50, 0, 15, 0, 20, 10}, 2)
	if want := []float64{0.05, 0.5, 0.15, 0.3}; !near(density, want) {
		t.Fatalf("density %v, want %v", density, want)
	}
	for _, c := range []struct {
		o    Options
		want []int
	}{
		{Options{TPR: 1, Margin: 0.1, Shared: 4}, []int{1, 2, 3}},
		{Options{TPR: 1, Margin: 0.25, Shared: 4}, []int{1, 3}},
		{Options{TPR: 1, Margin: 0.1, Shared: 4, Max: 2}, []int{1, 3}},
		{Options{TPR: 1, Margin: 0.1, Shared: 1, Max: 2}, []int{1, 2, 3}},
		{Options{TPR: 0.4, Margin: 0.1, Shared: 4}, []int{1}},
		{Options{TPR: 0.05, Margin: 0.1, Shared: 4}, []int{}},
		{Options{TPR: 0.05, Margin: 0.1, Shared: 1}, []int{1, 2, 3}},
	} {
		got, err := Separate(density, c.o)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v %v, want %v", c.o, got, err, c.want)
		}
	}
}

func TestTiesAndZeroFisher(t *testing.T) {
	got, err := Separate([]float64{0.25, 0.25, 0.25, 0.25}, Options{TPR: 0.5, Margin: 0.2, Shared: 9})
	if err != nil || !slices.Equal(got, []int{0, 1}) {
		t.Errorf("ties: %v %v, want the lower pages", got, err)
	}
	zero := Density(make([]float32, 8), 2)
	if got, _ := Separate(zero, Options{TPR: 1, Margin: 0.1, Shared: 9}); len(got) != 0 {
		t.Errorf("zero Fisher information: %v, want none", got)
	}
	if got, _ := Separate(zero, Options{TPR: 1, Margin: 0.1, Shared: 3}); !slices.Equal(got, []int{0}) {
		t.Errorf("zero Fisher information, 3 shared pages: %v, want the forced page 0", got)
	}
}

func TestBadOptions(t *testing.T) {
	for _, o := range []Options{{}, {TPR: 3, Margin: 0.1, Shared: 1},
		{TPR: 1, Margin: math.NaN(), Shared: 1}, {TPR: 1, Margin: 0.1}} {
		if _, err := Separate([]float64{1}, o); err == nil {
			t.Errorf("%+v accepted", o)
		}
	}
}

func near(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return math.Abs(x-y) < 1e-12 })
}
