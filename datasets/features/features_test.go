package features

import (
	"math"
	"testing"
)

// near reports an error unless got is want, up to a relative and an absolute error of
// 1e-6. Outputs are float32.
func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-6*(1+math.Abs(want))) {
		t.Errorf("%s is %.9g, want %.9g", what, got, want)
	}
}

// weighted returns the sum of all values, each weighted by its place, as the snippets
// in the tests do it.
func weighted(x []float32) (sum float64) {
	for i, v := range x {
		sum += float64(v) * float64(i%7+1)
	}
	return sum
}

// sine returns n samples of a tone, the first at time 0.
func sine(n int, rate, freq, amplitude, phase float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = amplitude * math.Cos(2*math.Pi*freq*float64(i)/rate+phase)
	}
	return x
}

// bad are values that every extractor refuses.
var bad = []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e101}
