package wav

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// rates are pairs to try: those of sound datasets, an integer ratio, one without a
// common divisor to speak of, whose taps are too many for a table, and extreme ones.
var rates = [][2]int{
	{44100, 22050}, {48000, 22050}, {96000, 22050}, {192000, 22050}, {8000, 22050}, {11025, 22050},
	{16000, 22050}, {24000, 22050}, {32000, 22050}, {22050, 16000}, {44101, 22050}, {12347, 22050},
	{64, 4096}, {100000, 3000},
}

// resample changes the rate of one signal.
func resample(samples []float64, from, to int) ([]float64, error) {
	r, err := NewResampler(from, to)
	if err != nil {
		return nil, err
	}
	return r.Resample(samples), nil
}

// tone returns n samples at times i/rate.
func tone(n, rate int, freq, phase float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = math.Cos(2*math.Pi*freq*float64(i)/float64(rate) + phase)
	}
	return x
}

// inner returns x without what lies within 60 periods of the lower Nyquist frequency
// of its ends, a little more than the kernel reaches.
func inner(t *testing.T, x []float64, from, to int) (part []float64, offset int) {
	offset = 60 * to / min(from, to)
	if len(x) < 3*offset {
		t.Fatalf("only %d samples", len(x))
	}
	return x[offset : len(x)-offset], offset
}

func TestResamplePasses(t *testing.T) {
	for _, r := range rates {
		from, to := r[0], r[1]
		n := 1000 * from / min(from, to)
		low := float64(min(from, to)) / 2
		for _, f := range []float64{0, 0.013, 0.1, 0.37, 0.5, 0.7, 0.8, 0.89} {
			got, err := resample(tone(n, from, f*low, 0.7), from, to)
			if err != nil {
				t.Fatal(err)
			}
			part, offset := inner(t, got, from, to)
			want := tone(len(got), to, f*low, 0.7)[offset:]
			var worst float64
			for i, v := range part {
				worst = max(worst, math.Abs(v-want[i]))
			}
			if !(worst < 1e-3) {
				t.Errorf("%d to %d, tone at %g of Nyquist: off by %g", from, to, f, worst)
			}
		}
	}
}

func TestResampleSuppresses(t *testing.T) {
	for _, r := range rates {
		from, to := r[0], r[1]
		if to > from {
			continue
		}
		n := 1000 * from / to
		for _, f := range []float64{1.001, 1.01, 1.1, 1.3, 1.7, 1.99, 3.2, 7.9} {
			freq := f * float64(to) / 2
			if freq > float64(from)/2 {
				continue
			}
			got, err := resample(tone(n, from, freq, 0.7), from, to)
			if err != nil {
				t.Fatal(err)
			}
			part, _ := inner(t, got, from, to)
			var loud float64
			for _, v := range part {
				loud = max(loud, math.Abs(v))
			}
			if !(loud < 1e-3) {
				t.Errorf("%d to %d, tone at %g of Nyquist: %.1f dB", from, to, f, 20*math.Log10(loud))
			}
		}
	}
}

func TestResampleConstant(t *testing.T) {
	ones := slices.Repeat([]float64{1}, 20000)
	for _, r := range rates {
		got, err := resample(ones, r[0], r[1])
		if err != nil {
			t.Fatal(err)
		}
		part, _ := inner(t, got, r[0], r[1])
		for _, v := range part {
			if math.Abs(v-1) > 1e-12 {
				t.Fatalf("%v: constant 1 becomes %g", r, v)
			}
		}
	}
}

// An impulse must stay at its time and keep its area.
func TestResampleImpulse(t *testing.T) {
	for _, r := range rates[:6] {
		from, to := r[0], r[1]
		x := make([]float64, from/10)
		at := len(x) / 2 // to/20 in the output
		x[at] = 1
		got, err := resample(x, from, to)
		if err != nil {
			t.Fatal(err)
		}
		var sum, moment float64
		for i, v := range got {
			sum += v
			moment += v * float64(i)
		}
		want := float64(at) * float64(to) / float64(from)
		if math.Abs(sum*float64(from)/float64(to)-1) > 1e-3 || math.Abs(moment/sum-want) > 1e-2 {
			t.Errorf("%d to %d: area %g, centre %g, want centre %g", from, to, sum, moment/sum, want)
		}
	}
}

func TestResampleLengths(t *testing.T) {
	for _, r := range rates {
		for _, n := range []int{0, 1, 2, 3, 7, 100, 4001} {
			got, err := resample(make([]float64, n), r[0], r[1])
			if err != nil {
				t.Fatal(err)
			}
			want := int(math.Round(float64(n) * float64(r[1]) / float64(r[0])))
			if len(got) != want {
				t.Errorf("%d samples from %d to %d: %d, want %d", n, r[0], r[1], len(got), want)
			}
		}
	}
}

func TestResampleSameRate(t *testing.T) {
	x := tone(100, 22050, 5000, 0)
	got, err := resample(x, 22050, 22050)
	if err != nil || !slices.Equal(got, x) {
		t.Errorf("%v, error %v", got, err)
	}
	if got[0] = 7; x[0] == 7 {
		t.Error("the result shares memory with the argument")
	}
}

func TestResampleAgain(t *testing.T) {
	r, err := NewResampler(48000, 22050)
	if err != nil {
		t.Fatal(err)
	}
	x := tone(4800, 48000, 440, 0)
	once, _ := resample(x, 48000, 22050)
	for range 2 {
		if !slices.Equal(r.Resample(x), once) {
			t.Error("results differ")
		}
	}
	if r.rows = make([][]float64, 1); !slices.Equal(r.Resample(x), once) {
		t.Error("results differ if few taps are kept")
	}
	if r, err = NewResampler(767_999, 768_000); err != nil || len(r.rows)*2*r.half > maxTaps {
		t.Errorf("%d rows of %d taps may be kept, error %v", len(r.rows), 2*r.half, err)
	}
}

func TestResamplerErrors(t *testing.T) {
	for _, r := range [][2]int{{0, 1}, {1, 0}, {-1, 1}, {1, -1}, {1, 65}, {65, 1}, {768001, 768001},
		{math.MaxInt, math.MaxInt}} {
		if _, err := NewResampler(r[0], r[1]); err == nil {
			t.Errorf("%v: no error", r)
		}
	}
}

// The values of I0 are those of scipy.special.i0.
func TestBessel(t *testing.T) {
	for x, want := range map[float64]float64{
		0: 1, 0.5: 1.0634833707413236, 2: 2.279585302336067, 7.85726: 374.1645627486728,
		15: 339649.3732979138,
	} {
		if got := bessel0(x); math.Abs(got/want-1) > 1e-14 {
			t.Errorf("I0(%g) = %.10g, want %.10g", x, got, want)
		}
	}
}

func BenchmarkResample(b *testing.B) {
	for _, from := range []int{44100, 48000, 96000, 8000, 44101} {
		b.Run(fmt.Sprint(from), func(b *testing.B) {
			r, err := NewResampler(from, 22050)
			if err != nil {
				b.Fatal(err)
			}
			x := tone(4*from, from, 440, 0)
			for b.Loop() {
				r.Resample(x)
			}
		})
	}
}

func BenchmarkNewResampler(b *testing.B) {
	for b.Loop() {
		if _, err := NewResampler(48000, 22050); err != nil {
			b.Fatal(err)
		}
	}
}
