package synth

import (
	"math"
	"math/rand/v2"
)

// between returns a random number in [a, b), which is as likely here as there.
func between(r *rand.Rand, a, b float64) float64 { return a + r.Float64()*(b-a) }

// octaves returns a random number in [a, b), every octave of which is as likely.
func octaves(r *rand.Rand, a, b float64) float64 { return a * math.Pow(b/a, r.Float64()) }

// about returns a random factor from exp(-s) to exp(s).
func about(r *rand.Rand, s float64) float64 { return math.Exp(between(r, -s, s)) }

// ratio returns the ratio of amplitudes that a level in decibels means.
func ratio(decibels float64) float64 { return math.Pow(10, decibels/20) }

// rms returns the root of the mean square.
func rms(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	var sum float64
	for _, x := range v {
		sum += x * x
	}
	return math.Sqrt(sum / float64(len(v)))
}

// add adds src to dst with the given strength.
func add(dst, src []float64, strength float64) {
	for i, x := range src[:len(dst)] {
		dst[i] += strength * x
	}
}

// limit scales v down so that no value is beyond -1 or 1.
func limit(v []float64) {
	var peak float64
	for _, x := range v {
		peak = max(peak, math.Abs(x))
	}
	if peak > 1 {
		for i := range v {
			v[i] /= peak
		}
	}
}

const sqrt3 = 1.7320508075688772

// white is a source of white noise with mean 0 and standard deviation 1. Its numbers are
// even from -√3 to √3, and not normal: no ear or filter tells them apart, and a draw
// gives four.
type white struct {
	r    *rand.Rand
	bits uint64
	left int // numbers that bits still holds
}

// next returns the next number.
func (w *white) next() float64 {
	if w.left == 0 {
		w.bits, w.left = w.r.Uint64(), 4
	}
	x := float64(int16(w.bits)) * (sqrt3 / (1 << 15))
	w.bits >>= 16
	w.left--
	return x
}

// addNoise adds noise with the given standard deviation. Its spectrum falls more the
// nearer memory is to 1; at 0 it is white.
func addNoise(dst []float64, deviation, memory float64, r *rand.Rand) {
	noise := white{r: r}
	fresh := deviation * math.Sqrt(1-memory*memory)
	y := deviation * r.NormFloat64()
	for i := range dst {
		y = memory*y + fresh*noise.next()
		dst[i] += y
	}
}

// swell is a gain that goes slowly up and down around 1. The zero swell stays at 1.
type swell struct{ depth, rate, phase float64 }

// at returns the gain at a time in seconds.
func (s swell) at(t float64) float64 { return 1 + s.depth*sine.at(s.phase+s.rate*t) }

// phase returns a random place in a period.
func phase(r *rand.Rand) float64 { return r.Float64() }
