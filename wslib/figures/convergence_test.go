package figures

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// testConvergence are a method that is at -0.22 after 200, and falls back, one on stand-in
// data that is never, and one of a single value.
func testConvergence() []ConvergenceLine {
	return []ConvergenceLine{
		{Name: "joint pages", At: []float64{50, 100, 200, 400}, Change: []float64{-30, -2, -0.1, -0.4}},
		{Name: "alternating", At: []float64{80, 900, 3000}, Change: []float64{-40, -5, -0.5}, StandIn: true},
		{Name: "quantized", At: []float64{20}, Change: []float64{-0.22}},
	}
}

func TestBadConvergence(t *testing.T) {
	of := func(change func(*ConvergenceLine)) func() (*Figure, error) {
		return func() (*Figure, error) {
			all := testConvergence()
			change(&all[1])
			return Convergence(all, ConvergenceOptions{Target: -0.22})
		}
	}
	with := func(o ConvergenceOptions) func() (*Figure, error) {
		return func() (*Figure, error) { return Convergence(testConvergence(), o) }
	}
	refused(t, map[string]func() (*Figure, error){
		"no lines":              func() (*Figure, error) { return Convergence(nil, ConvergenceOptions{}) },
		"no name":               of(func(l *ConvergenceLine) { l.Name = "" }),
		"no values":             of(func(l *ConvergenceLine) { l.At, l.Change = nil, nil }),
		"time without change":   of(func(l *ConvergenceLine) { l.Change = l.Change[:2] }),
		"time 0":                of(func(l *ConvergenceLine) { l.At[0] = 0 }),
		"time twice":            of(func(l *ConvergenceLine) { l.At[1] = l.At[0] }),
		"time no number":        of(func(l *ConvergenceLine) { l.At[1] = math.NaN() }),
		"time without end":      of(func(l *ConvergenceLine) { l.At[2] = math.Inf(1) }),
		"change no number":      of(func(l *ConvergenceLine) { l.Change[0] = math.NaN() }),
		"change over 100":       of(func(l *ConvergenceLine) { l.Change[0] = 101 }),
		"target no number":      with(ConvergenceOptions{Target: math.NaN()}),
		"target over 100":       with(ConvergenceOptions{Target: -101}),
		"floor above 0":         with(ConvergenceOptions{Target: 5, Floor: 3}),
		"floor over the target": with(ConvergenceOptions{Target: -5, Floor: -3}),
		"floor no number":       with(ConvergenceOptions{Floor: math.NaN()}),
		"floor below all":       with(ConvergenceOptions{Floor: -101}),
	})
}

func TestReach(t *testing.T) {
	all := testConvergence()
	for i, want := range []int{2, -1, 0} {
		if got := all[i].reach(-0.22); got != want {
			t.Errorf("%s is at -0.22 from index %d on: want %d", all[i].Name, got, want)
		}
	}
	for v, want := range map[float64]string{0.26: "0.3 s", 99.9: "99.9 s", 1234: "1,234 s"} {
		if got := seconds(v); got != want {
			t.Errorf("%v s is %q: want %q", v, got, want)
		}
	}
}

func TestConvergenceExtremes(t *testing.T) {
	var many []ConvergenceLine
	for i := range 60 {
		l := ConvergenceLine{Name: fmt.Sprint("a method of a name without end, ", i), StandIn: i%2 == 0}
		for k := range 1 + i {
			l.At = append(l.At, float64(k+1))
			l.Change = append(l.Change, -100+float64(3*k))
		}
		many = append(many, l)
	}
	zero := []ConvergenceLine{{Name: "a", At: []float64{1e-6}, Change: []float64{0}}}
	long := []ConvergenceLine{{Name: "a", At: []float64{1e-3, 1e9}, Change: []float64{-100, 100}}}
	for _, lines := range [][]ConvergenceLine{many, many[:1], zero, long} {
		for _, o := range []ConvergenceOptions{{}, {Target: -0.22, Floor: -1}, {Target: 100}} {
			f, err := Convergence(lines, o)
			if err != nil {
				t.Fatal(err)
			}
			s, err := f.SVG()
			if err != nil || strings.Contains(s, "NaN") || strings.Contains(s, "Inf") {
				t.Errorf("%d lines, %+v: error %v, or a coordinate that is no number", len(lines), o, err)
			}
		}
	}
}
