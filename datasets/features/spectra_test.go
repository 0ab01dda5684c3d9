package features

import (
	"math"
	"slices"
	"testing"
)

const epoch = 1424696633913252000 // ns, some time

// sampled returns n samples, step ns apart on the whole, the first before ns before
// the epoch, and each up to two jitter ns early or late.
func sampled(n int, step, jitter, before int64, axis func(k int, t float64) float64) Series {
	var s Series
	for i := range int64(n) {
		since := i*step + ((i*7)%5-2)*jitter - before
		m := Motion{Time: epoch + since}
		for k := range m.V {
			m.V[k] = axis(k, float64(since)/1e9)
		}
		s = append(s, m)
	}
	return s
}

func window(t *testing.T, acc, gyro Series) []float32 {
	t.Helper()
	v := NewSpectra().Window(epoch, acc, gyro)
	if len(v) != SpectraIntervals*SpectraValues {
		t.Fatalf("%d values", len(v))
	}
	return v
}

// The values are those of this snippet, with numpy 2.4.2:
//
//	import numpy as np
//	def times(n, step, jitter, before):  # ns after start
//	    i = np.arange(n)
//	    return (i*step + ((i*7) % 5 - 2)*jitter - before).astype(np.int64)
//	def axes(T):
//	    t = T / 1e9
//	    return [9.8*np.cos(0.3*t) + np.sin(2*np.pi*(2 + 1.5*t)*t),
//	            0.3*np.sin(2*np.pi*12*t + 1) - 0.2*t,
//	            0.01*np.cos(2*np.pi*31*t) + 0.5]
//	ta = times(1020, 5_000_000, 400_000, 21_000_000)
//	tg = times(520, 10_000_000, 1_000_000, 33_000_000)
//	out = []
//	for i in range(20):
//	    at = i*0.25e9 + np.arange(20)*12.5e6
//	    row = []
//	    for T in (ta, tg):
//	        for v in axes(T):
//	            X = np.fft.rfft(np.interp(at, T, v))[:10]
//	            row += list(np.log1p(abs(X))) + list(np.angle(X))
//	    out.append(row)
//	out = np.array(out)
//	print(out.shape, [out[0, 0], out[0, 11], out[3, 25], out[7, 49],
//	  out[11, 60], out[13, 77], out[19, 101], out[19, 119]])
//	print((out.ravel() * (np.arange(out.size) % 7 + 1)).sum())
func TestSpectraOfChirp(t *testing.T) {
	axis := func(k int, t float64) float64 {
		switch k {
		case 0:
			return 9.8*math.Cos(0.3*t) + math.Sin(2*math.Pi*(2+1.5*t)*t)
		case 1:
			return 0.3*math.Sin(2*math.Pi*12*t+1) - 0.2*t
		default:
			return 0.01*math.Cos(2*math.Pi*31*t) + 0.5
		}
	}
	acc := sampled(1020, 5e6, 4e5, 21e6, axis)
	gyro := sampled(520, 1e7, 1e6, 33e6, axis)
	got := window(t, acc, gyro)
	for _, want := range []struct {
		row, col int
		v        float64
	}{
		{0, 0, 5.33368756107397}, {0, 11, -2.7889545347772997}, {3, 25, 0.034744690558189316},
		{7, 49, 0.012782904871123902}, {11, 60, 4.867793516103909}, {13, 77, -0.4301705930578314},
		{19, 101, 0.00464771076741776}, {19, 119, 0.476961989828521},
	} {
		near(t, "a value", float64(got[want.row*120+want.col]), want.v)
	}
	near(t, "weighted sum", weighted(got), 1760.4531214118447)
}

// Samples on the instants need no interpolation: a tone of 8 Hz has |X| = 20 A/2 in
// bin 2 alone, with the phase that it has at the interval's start.
func TestSpectraOfTone(t *testing.T) {
	const amplitude, phase = 3, -2.5
	axis := func(k int, t float64) float64 {
		return float64(k-1) + amplitude*math.Cos(2*math.Pi*8*t+phase)
	}
	s := sampled(402, 12.5e6, 0, 0, axis)
	for i, v := range window(t, s, s) {
		interval, axis, value := i/120, i%120/20, i%20
		var want float64
		switch value {
		case 0: // the sum of 20 times -1, 0, 1
			want = math.Log(1 + 20*math.Abs(float64(axis%3-1)))
		case 2:
			want = math.Log(1 + 10*amplitude)
		case 10: // the sign of the mean
			if axis%3 == 0 {
				want = math.Pi
			}
		case 12: // 2 periods an interval
			want = phase
		}
		if math.Abs(float64(v)-want) > 1e-5 {
			t.Fatalf("interval %d, axis %d, value %d: %g, want %g", interval, axis, value, v, want)
		}
	}
}

// An impulse at the second instant has magnitude 1 and phase -2 pi k/20 in bin k.
func TestSpectraOfImpulse(t *testing.T) {
	acc := sampled(402, 12.5e6, 0, 0, func(int, float64) float64 { return 0 })
	gyro := sampled(402, 12.5e6, 0, 0, func(int, float64) float64 { return 0 })
	gyro[20*7+1].V[1] = 1
	for i, v := range window(t, acc, gyro) {
		var want float64
		if at := i - 7*120 - 80; at >= 0 && at < 10 {
			want = math.Ln2
		} else if at >= 10 && at < 20 {
			want = -math.Pi / 10 * float64(at-10)
		}
		near(t, "a value", float64(v), want)
	}
}

// Linear interpolation leaves straight lines alone, however they are sampled.
func TestSpectraOfLine(t *testing.T) {
	axis := func(k int, t float64) float64 { return float64(k+1)*t + 2 }
	even := sampled(410, 12.5e6, 0, 0, axis)
	uneven := sampled(520, 1e7, 2e6, 33e6, axis)
	sparse := sampled(120, 5e7, 1e7, 33e6, axis)
	want := window(t, even, even)
	for _, s := range []Series{uneven, sparse} {
		for i, v := range window(t, s, s) {
			near(t, "a value", float64(v), float64(want[i]))
		}
	}
}

func TestSpectraRefuses(t *testing.T) {
	axis := func(k int, t float64) float64 { return t }
	good := sampled(1020, 5e6, 0, 21e6, axis)
	without := func(from, to int) Series { return slices.Concat(good[:from], good[to:]) }
	for _, test := range []struct {
		name   string
		s      Series
		covers bool
	}{
		{"good", good, true},
		{"exactly long enough", good[4:1003], true},
		{"no samples", Series{}, false},
		{"first sample late", good[5:], false},
		{"last sample early", good[:1002], false},
		{"all before", good[:3], false},
		{"all after", good[1010:], false},
		{"gap of 0.1 s", without(500, 519), true},
		{"gap of 0.105 s", without(500, 520), false},
		{"gap before the window", without(1, 3), true},
		{"too few", sampled(70, 9e7, 0, 1e7, axis), false}, // 55 of them
	} {
		if got := NewSpectra().Window(epoch, test.s, good); (got != nil) != test.covers {
			t.Errorf("accelerometer: %s: %d values", test.name, len(got))
		}
		if got := NewSpectra().Window(epoch, good, test.s); (got != nil) != test.covers {
			t.Errorf("gyroscope: %s: %d values", test.name, len(got))
		}
	}
}

func TestSpectraExtremeTimes(t *testing.T) {
	s := Series{{Time: -4e18}, {Time: 4e18}}
	for _, start := range []int64{math.MinInt64, -4e18, 0, 4e18, math.MaxInt64} {
		if got := NewSpectra().Window(start, s, s); got != nil {
			t.Errorf("start %d: %d values", start, len(got))
		}
	}
}

func TestPhase(t *testing.T) {
	minus := math.Copysign(0, -1)
	for c, want := range map[complex128]float64{
		1: 0, -1: math.Pi, 1i: math.Pi / 2, complex(-1, minus): math.Pi, complex(-1, -1): -3 * math.Pi / 4,
	} {
		if got := phase(c); got != want {
			t.Errorf("phase of %v is %g, want %g", c, got, want)
		}
	}
}

func BenchmarkSpectra(b *testing.B) {
	axis := func(k int, t float64) float64 { return math.Sin(20*t + float64(k)) }
	acc, gyro := sampled(60000, 5e6, 1e6, 21e6, axis), sampled(60000, 5e6, 1e6, 21e6, axis)
	s := NewSpectra()
	for b.Loop() {
		if s.Window(epoch+1e11, acc, gyro) == nil {
			b.Fatal("not covered")
		}
	}
}
