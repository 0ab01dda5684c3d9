package prepared

import (
	"math"
	"path/filepath"
	"testing"
)

func TestMoments(t *testing.T) {
	for _, c := range []struct {
		name   string
		layout Layout
		v      []float32
		want   []float64 // sum and sum of squares of each number
	}{
		{"one number", Layout{Size: 4, Period: 1}, []float32{1, 2, 3, -4}, []float64{2, 30}},
		{"two numbers", Layout{Size: 4, Period: 2}, []float32{1, 2, 3, -4}, []float64{4, 10, -2, 20}},
		{"not a whole number of times", Layout{Size: 5, Period: 2}, []float32{1, 2, 3, 4, 5},
			[]float64{9, 35, 6, 20}},
		{"each value", Layout{Size: 3, Period: 3}, []float32{1, 2, -3}, []float64{1, 1, 2, 4, -3, 9}},
		{"bytes", Layout{Size: 4, Period: 2, Bytes: true}, []float32{51, 255, 102, 0},
			[]float64{0.6, 0.2, 1, 1}},
		{"beyond float32", Layout{Size: 2, Period: 1}, []float32{3e38, 3e38},
			[]float64{2 * float64(float32(3e38)), 2 * float64(float32(3e38)) * float64(float32(3e38))}},
	} {
		// Not the first and not the last one added, so that rows could be confused.
		zero := make([]float32, c.layout.Size)
		s := made(t, filepath.Join(t.TempDir(), "set"), c.layout, nil,
			item{Sample{Name: "c"}, zero}, item{Sample{Name: "a"}, c.v}, item{Sample{Name: "b"}, zero})
		k := 2 * c.layout.Period
		if len(s.Moments) != 3*k {
			t.Errorf("%s: %d moments, want %d", c.name, len(s.Moments), 3*k)
			continue
		}
		for row := range 3 {
			for i, got := range s.Moments[k*row : k*(row+1)] {
				want := 0.0
				if int32(row) == s.Rows[0] { // of a
					want = c.want[i]
				}
				if math.Abs(got-want) > 1e-12*max(1, math.Abs(want)) {
					t.Errorf("%s: row %d, moment %d is %v, want %v", c.name, row, i, got, want)
				}
			}
		}
	}
}
