package synth

import (
	"math"
	"testing"
)

func TestWordBounds(t *testing.T) {
	for i := range uint64(100) {
		r := seeded(1, i)
		w, v := NewWord(r), NewVoice(r)
		if n := len(w.segments); n < 2 || n > 4 {
			t.Errorf("%d segments", n)
		}
		if s := w.Seconds(); s < 0.35-1e-9 || s > 0.7+1e-9 {
			t.Errorf("%v seconds", s)
		}
		for _, c := range []struct {
			name         string
			x, low, high float64
		}{
			{"Pitch", v.Pitch, 90, 250}, {"Formants", v.Formants, 0.85, 1.2}, {"Tempo", v.Tempo, 0.8, 1.25},
			{"Loud", v.Loud, 0.02, 0.2}, {"SNR", v.SNR, -5, 25}, {"Murmur", v.Murmur, 0, 0.95},
			{"Breath", v.Breath, 0.02, 0.3}, {"Tilt", v.Tilt, 0.7, 1.6},
		} {
			if c.x < c.low || c.x > c.high {
				t.Errorf("%s is %v", c.name, c.x)
			}
		}
		for _, n := range []int{16000, 3000, 10, 0} {
			dst := make([]float64, n)
			w.Say(dst, 16000, v, r)
			checkSignal(t, dst)
			if n == 16000 && rms(dst) < v.Loud/2 {
				t.Errorf("root mean square %v of a voice as loud as %v", rms(dst), v.Loud)
			}
		}
	}
}

// checkSignal checks that all values are from -1 to 1.
func checkSignal(t *testing.T, v []float64) {
	t.Helper()
	for i, x := range v {
		if !(math.Abs(x) <= 1) {
			t.Fatalf("value %d is %v", i, x)
		}
	}
}

func TestVoicedSegmentHasHarmonics(t *testing.T) {
	const rate = 16000
	for i := range uint64(20) {
		r := seeded(4, i)
		v := NewVoice(r)
		v.SNR, v.Breath = math.Inf(1), 0
		s := newVowel(r)
		s.pitch = [2]float64{1, 1}
		s.length = 2
		dst := make([]float64, rate)
		Word{[]segment{s}}.Say(dst, rate, v, r)
		p := powers(dst[rate/2 : rate/2+2048])[:1200*2048/rate] // up to 1,200 Hz
		pitch, share := bestComb(p, rate/2048., v.Pitch, 0.08, 25)
		if share < 0.9 {
			t.Errorf("a share of %.2f of the energy is at multiples of any pitch near %.0f Hz", share, v.Pitch)
		}
		// Half a pitch has the harmonics of the pitch too, others have not.
		if other := combShare(p, rate/2048., pitch*1.5, 25); other > 0.8*share {
			t.Errorf("a share of %.2f is at multiples of %.0f Hz, one of %.2f at those of %.0f Hz",
				share, pitch, other, pitch*1.5)
		}
	}
}

func TestFormantsMoveSpectrum(t *testing.T) {
	// move returns the factor by which the mean frequency of a segment moves.
	move := func(s segment, i uint64) float64 {
		var middle [2]float64
		for k, scale := range []float64{0.85, 1.2} {
			v := NewVoice(seeded(5, i))
			v.Formants, v.SNR = scale, math.Inf(1)
			dst := make([]float64, 16000)
			Word{[]segment{s}}.Say(dst, 16000, v, seeded(2, i))
			middle[k] = centroid(powers(dst), 1)
		}
		return middle[1] / middle[0]
	}
	const n, want = 20, 1.2 / 0.85
	mean := 1.0
	for i := range uint64(n) {
		hiss := newHiss(seeded(1, i))
		hiss.from[0], hiss.to[0], hiss.width = 2000, 2000, 300
		if got := move(hiss, i); math.Abs(got/want-1) > 0.1 {
			t.Errorf("the mean frequency of hiss %d grows by a factor %.2f, want %.2f", i, got, want)
		}
		// A vowel's harmonics stay where they are, and a formant may lie between two.
		mean *= math.Pow(move(newVowel(seeded(1, i)), i), 1./n)
	}
	if math.Abs(mean/want-1) > 0.2 {
		t.Errorf("the mean frequency of vowels grows by a factor %.2f on average, want %.2f", mean, want)
	}
}

func TestSignalToNoise(t *testing.T) {
	say := func(snr float64) []float64 {
		v := NewVoice(seeded(6, 6))
		v.SNR, v.Loud = snr, 0.05
		dst := make([]float64, 16000)
		NewWord(seeded(1, 1)).Say(dst, 16000, v, seeded(2, 2))
		return dst
	}
	clean, noisy := say(math.Inf(1)), say(10)
	if clean[0] != 0 && clean[len(clean)-1] != 0 {
		t.Error("there is no silence around the word, without noise")
	}
	for i, x := range clean {
		noisy[i] -= x
	}
	if got := 20 * math.Log10(rms(clean)/rms(noisy)); math.Abs(got-10) > 0.5 {
		t.Errorf("signal to noise %.2f dB, want 10", got)
	}
}

func TestWordsCanBeToldApart(t *testing.T) {
	const classes = 35
	dst := make([]float64, 16000)
	got := nearestMean(classes, 30, 10, func(class, i int) []float64 {
		r := seeded(2, uint64(100*class+i))
		NewWord(seeded(1, uint64(class))).Say(dst, 16000, NewVoice(r), r)
		return loudBands(dst)
	})
	checkAccuracy(t, got, classes)
}
