package synth

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestSoundBounds(t *testing.T) {
	ended := 0
	for i := range uint64(60) {
		r := seeded(1, i)
		s := NewSound(r)
		if n := len(s.layers); n < 2 || n > 3 || n != len(s.loud) {
			t.Errorf("%d layers, %d levels", n, len(s.loud))
		}
		for _, n := range []int{4 * 22050, 5000, 1, 0} {
			dst := make([]float64, n)
			s.Play(dst, 22050, r)
			checkSignal(t, dst)
			if n > 22050 {
				if rms(dst) < 0.01 {
					t.Errorf("sound %d: root mean square %v", i, rms(dst))
				}
				if dst[n-1] == 0 && dst[n-2] == 0 {
					ended++
				}
			}
		}
	}
	if ended < 5 || ended > 25 {
		t.Errorf("%d of 60 recordings are shorter than asked for, want about a fifth", ended)
	}
}

// playLayer records a layer alone.
func playLayer(l layer, seconds float64, rate int, r *rand.Rand) []float64 {
	v := make([]float64, int(seconds*float64(rate)))
	l.play(v, float64(rate), r)
	return v
}

func TestHumHasHarmonics(t *testing.T) {
	const rate, n = 22050, 8192
	for i := range uint64(20) {
		r := seeded(2, i)
		h := newHum(r).(hum)
		p := powers(playLayer(h, 1, rate, r)[:n])
		pitch, share := bestComb(p, rate/float64(n), h.pitch, 0.3, 0.05*h.pitch+15)
		if share < 0.95 {
			t.Errorf("a share of %.2f of the energy is at multiples of %.0f Hz, for a hum at %.0f Hz",
				share, pitch, h.pitch)
		}
	}
}

func TestSirenGlides(t *testing.T) {
	const rate, n = 22050, 1024
	for i := range uint64(20) {
		r := seeded(3, i)
		s := newSiren(r).(siren)
		s.bright = 0 // the fundamental alone
		v := playLayer(s, 3*s.period, rate, r)
		low, high := math.Inf(1), 0.0
		for at := 0; at+n <= len(v); at += n / 4 {
			f := centroid(powers(v[at:at+n]), rate/float64(n))
			low, high = min(low, f), max(high, f)
		}
		// A recording may lie higher or lower as a whole.
		shift := math.Sqrt(low * high / s.low / s.high)
		if shift < 0.75 || shift > 1.35 || low < s.low*shift*0.9 || high > s.high*shift*1.1 ||
			high/low < 1+(s.high/s.low-1)/3 {
			t.Errorf("glides from %.0f to %.0f Hz, want %.0f to %.0f", low, high, s.low, s.high)
		}
	}
}

func TestRushIsABand(t *testing.T) {
	const rate = 22050
	for i := range uint64(20) {
		r := seeded(4, i)
		n := newRush(r).(rush)
		n.width = n.middle / 5
		p := powers(playLayer(n, 2, rate, r))
		var in, all float64
		for k, x := range p {
			if f := float64(k) / 2; f > n.middle/2 && f < n.middle*2 {
				in += x
			}
			all += x
		}
		if in < 0.75*all {
			t.Errorf("a share of %.2f of the energy is within an octave of %.0f Hz", in/all, n.middle)
		}
	}
}

func TestBeatsComeAgain(t *testing.T) {
	const rate, frame = 22050, 441 // 50 frames a second
	for i := range uint64(20) {
		r := seeded(5, i)
		b := newBeat(r).(beat)
		b.uneven, b.rate = 0.01, between(r, 1.5, 6)
		b.decay = 0.1 / b.rate
		b.middle, b.width = 2000, 1000
		v := playLayer(b, 10, rate, r)
		loud := make([]float64, len(v)/frame)
		var mean float64
		for k := range loud {
			loud[k] = rms(v[k*frame : (k+1)*frame])
			mean += loud[k] / float64(len(loud))
		}
		for k := range loud {
			loud[k] -= mean
		}
		p := powers(loud)
		f, share := bestComb(p, 0.1, b.rate, 0.4, 0.15)
		if share < 0.5 {
			t.Errorf("a share of %.2f of the loudness's change is at multiples of %.2f Hz, for %.2f beats a second",
				share, f, b.rate)
		}
	}
}

func TestCallsAreSparse(t *testing.T) {
	for i := range uint64(20) {
		r := seeded(6, i)
		c := newCalls(r).(calls)
		v := playLayer(c, 5, 22050, r)
		silent := 0
		for _, x := range v {
			if x == 0 {
				silent++
			}
		}
		if share := float64(silent) / float64(len(v)); share < 0.15 || share > 0.95 {
			t.Errorf("calls of %.2f s, %.2f a second: a share of %.2f is silent", c.length, c.often, share)
		}
	}
}

func TestSoundsCanBeToldApart(t *testing.T) {
	const classes = 10
	dst := make([]float64, 3*22050)
	got := nearestMean(classes, 20, 10, func(class, i int) []float64 {
		NewSound(seeded(1, uint64(class))).Play(dst, 22050, seeded(2, uint64(100*class+i)))
		return loudBands(dst)
	})
	checkAccuracy(t, got, classes)
}
