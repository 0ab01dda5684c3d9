package synth

import (
	"math"
	"testing"
)

func TestSeries(t *testing.T) {
	const seconds = 20
	for i := range uint64(40) {
		r := seeded(1, i)
		m, p := NewMotion(r), NewPerson(r)
		rates := [2]float64{between(r, 100, 200), between(r, 100, 200)}
		a, g := m.Record(seconds, p, rates[0], rates[1], r)
		for k, s := range []Series{a, g} {
			most := []float64{100, 30}[k] // m/s² and rad/s
			for axis, v := range s.V {
				if len(v) != len(s.T) {
					t.Fatalf("axis %d has %d values for %d times", axis, len(v), len(s.T))
				}
				for _, x := range v {
					if !(math.Abs(x) < most) {
						t.Fatalf("sensor %d measured %v", k, x)
					}
				}
			}
			if full := seconds * rates[k]; float64(len(s.T)) > full || float64(len(s.T)) < 0.94*full {
				t.Errorf("%d samples in %d seconds at %.1f Hz", len(s.T), seconds, rates[k])
			}
			checkTimes(t, s.T, seconds, rates[k])
		}
	}
}

// checkTimes checks that times rise by about a period, unevenly, with a few gaps.
func checkTimes(t *testing.T, times []int64, seconds, rate float64) {
	t.Helper()
	period := 1e9 / rate
	if times[0] < 0 || times[len(times)-1] >= int64(seconds*1e9) {
		t.Errorf("times from %d to %d ns in a recording of %v s", times[0], times[len(times)-1], seconds)
	}
	even, gaps := 0, 0
	for i, at := range times[1:] {
		step := float64(at - times[i])
		switch {
		case step <= 0:
			t.Fatalf("time %d, %d ns, is not after %d ns", i+1, at, times[i])
		case step > 14*period:
			t.Errorf("a gap of %.0f ms", step/1e6)
		case step > 1.6*period+1:
			gaps++
		case math.Abs(step-period) < 0.001*period:
			even++
		}
	}
	if n := len(times); gaps > n/50 || even > n/20 {
		t.Errorf("of %d steps %d are gaps and %d even", n, gaps, even)
	}
}

func TestRestMeasuresGravity(t *testing.T) {
	for i := range uint64(10) {
		r := seeded(2, i)
		m := NewMotion(r)
		for m.pace > 0.5 {
			m = NewMotion(r)
		}
		m.change = 1 // no fidgets
		a, g := m.Record(5, NewPerson(r), 100, 100, r)
		for k := range a.T {
			if n := math.Hypot(math.Hypot(a.V[0][k], a.V[1][k]), a.V[2][k]); math.Abs(n-gravity) > 3 {
				t.Fatalf("acceleration %.2f m/s² at rest", n)
			}
		}
		for axis := range 3 {
			if n := rms(g.V[axis]); n > 0.6 {
				t.Errorf("rotation %.2f rad/s at rest", n)
			}
		}
	}
}

func TestStepsAreAsFrequentAsThePace(t *testing.T) {
	for i := range uint64(20) {
		r := seeded(3, i)
		m := Motion{pace: between(r, 0.7, 3), attitude: [3]float64{0, 1, 0}, change: 1, usual: 10, other: 10}
		for axis := range 3 {
			m.acc[axis] = partials{{2, 0}} // no overtones
		}
		p := NewPerson(r)
		a, _ := m.Record(20, p, 100, 100, r)
		// The axis with the strongest movement, without gravity.
		var v []float64
		var mean float64
		for _, x := range a.V {
			var sum float64
			for _, y := range x {
				sum += y / float64(len(x))
			}
			moved := make([]float64, len(x))
			for k, y := range x {
				moved[k] = y - sum
			}
			if v == nil || rms(moved) > rms(v) {
				v, mean = moved, sum
			}
		}
		peak, power := 0, 0.0
		for k, x := range powers(v) {
			if x > power {
				peak, power = k, x
			}
		}
		if got, want := float64(peak)/20, m.pace*p.Pace; got < 0.75*want || got > 1.33*want {
			t.Errorf("%.2f steps a second around %.1f m/s², want about %.2f", got, mean, want)
		}
	}
}

func TestRotation(t *testing.T) {
	r := seeded(4, 4)
	for range 20 {
		m := newRotation(1, r)
		var product [3][3]float64 // with the transposed
		for i := range 3 {
			for j := range 3 {
				for k := range 3 {
					product[i][j] += m[i][k] * m[j][k]
				}
				want := 0.0
				if i == j {
					want = 1
				}
				if math.Abs(product[i][j]-want) > 1e-12 {
					t.Fatalf("rows %d and %d have the product %v", i, j, product[i][j])
				}
			}
		}
		if trace := m[0][0] + m[1][1] + m[2][2]; trace < 1+2*math.Cos(1)-1e-12 {
			t.Errorf("turns by more than an angle of 1: trace %v", trace)
		}
	}
	quarter := rotation([3]float64{0, 0, 1}, math.Pi/2)
	if got := apply(quarter, [3]float64{1, 0, 0}); math.Abs(got[1]-1) > 1e-12 {
		t.Errorf("a quarter turn around z moves x to %v", got)
	}
	if got := times(quarter, quarter)[0][0]; math.Abs(got+1) > 1e-12 {
		t.Errorf("two quarter turns leave %v of x", got)
	}
}

func TestMotionsCanBeToldApart(t *testing.T) {
	const classes = 6
	got := nearestMean(classes, 60, 30, func(class, i int) []float64 {
		r := seeded(2, uint64(100*class+i))
		a, g := NewMotion(seeded(5, uint64(class))).Record(5, NewPerson(r), 100, 100, r)
		var features []float64
		for _, s := range []Series{a, g} {
			for _, v := range s.V {
				p := powers(v)
				for low := 1; low <= 32; low *= 2 {
					var sum float64
					for _, x := range p[low : 2*low] {
						sum += x
					}
					features = append(features, math.Log(sum+1e-6))
				}
			}
		}
		return features
	})
	checkAccuracy(t, got, classes)
}
