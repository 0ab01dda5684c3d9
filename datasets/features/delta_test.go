package features

import (
	"math"
	"slices"
	"testing"
)

func TestDelta(t *testing.T) {
	line := make([]float64, 20) // two columns of 10 frames
	for i := range line {
		line[i] = float64(3 * (i / 2) * (1 + i%2))
	}
	got := delta(line, 2)
	for frame := 4; frame < 6; frame++ {
		if math.Abs(got[2*frame]-3) > 1e-12 || math.Abs(got[2*frame+1]-6) > 1e-12 {
			t.Errorf("frame %d: slopes %v, want 3 and 6", frame, got[2*frame:2*frame+2])
		}
	}
	// At frame 0 the past repeats frame 0: 3 (1 + 2*2 + 3*3 + 4*4) / 60.
	if math.Abs(got[0]-1.5) > 1e-12 || math.Abs(got[18]-1.5) > 1e-12 {
		t.Errorf("slopes %g and %g at the ends, want 1.5", got[0], got[18])
	}
	// At frame 1: (1*(6-0) + 2*(9-0) + 3*(12-0) + 4*(15-0)) / 60.
	if math.Abs(got[2]-2) > 1e-12 {
		t.Errorf("slope %g at frame 1, want 2", got[2])
	}
}

func TestDeltaOfStep(t *testing.T) {
	step := slices.Concat(make([]float64, 10), slices.Repeat([]float64{60}, 10))
	want := slices.Concat(make([]float64, 6), []float64{4, 7, 9, 10, 10, 9, 7, 4}, make([]float64, 6))
	for i, v := range delta(step, 1) {
		if math.Abs(v-want[i]) > 1e-12 {
			t.Errorf("frame %d: %g, want %g", i, v, want[i])
		}
	}
}

func TestDeltaShort(t *testing.T) {
	if got := delta(nil, 3); len(got) != 0 {
		t.Errorf("%v for no frames", got)
	}
	if got := delta([]float64{1, 2, 3}, 3); !slices.Equal(got, make([]float64, 3)) {
		t.Errorf("%v for one frame, want zeros", got)
	}
	// Two frames: (1+2+3+4) (5-2) / 60 at both.
	for _, v := range delta([]float64{2, 5}, 1) {
		if math.Abs(v-0.5) > 1e-12 {
			t.Errorf("slope %g, want 0.5", v)
		}
	}
}
