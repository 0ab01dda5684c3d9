package wav

import (
	"fmt"

	"gonum.org/v1/gonum/floats"
)

// A Resampler changes the sample rate of signals from one fixed rate to another.
//
// It is a linear-phase, band-limited interpolator: a sinc, cut off by a Kaiser window,
// tabulated for the positions of output samples between input samples. With the lower
// of the two Nyquist frequencies called F:
//
//   - frequencies up to 0.9 F pass with an error below 0.001 in amplitude and phase,
//   - frequencies from F on are suppressed by more than 60 dB (by design 80 dB),
//     which holds for their aliases as for the images that interpolation makes.
//
// Output sample n lies at exactly n/to seconds of the input, with no delay. The signal
// is taken as zero before its start and after its end, so the first and last
// milliseconds fade accordingly.
//
// A Resampler does not change once built and is safe for concurrent use.
type Resampler struct {
	up, down int // the ratio of the rates in lowest terms
	kernel   *kernel
}

// maxRatio bounds the ratio of the rates and thereby the size of kernels and outputs.
const maxRatio = 64

// NewResampler returns a Resampler from one rate to another, both in Hz. It is an
// error if a rate is not from 1 to 768,000, or one is more than 64 times the other.
func NewResampler(from, to int) (*Resampler, error) {
	if min(from, to) <= 0 || max(from, to) > maxRate {
		return nil, fmt.Errorf("wav: cannot resample from %d Hz to %d Hz", from, to)
	}
	if max(from, to) > maxRatio*min(from, to) {
		return nil, fmt.Errorf("wav: cannot resample from %d Hz to %d Hz: a ratio above %d", from, to, maxRatio)
	}
	g := gcd(from, to)
	r := &Resampler{up: to / g, down: from / g}
	if from != to {
		r.kernel = newKernel(r.up, min(1, float64(to)/float64(from)))
	}
	return r, nil
}

// Resample returns the samples at the new rate, round(n*to/from) of them for n samples.
// Samples that are not finite spoil the output around them. The result shares no
// memory with the argument.
func (r *Resampler) Resample(samples []float64) []float64 {
	n := len(samples)
	out := make([]float64, (2*n*r.up+r.down)/(2*r.down))
	if r.kernel == nil {
		copy(out, samples)
		return out
	}
	k := r.kernel
	// The row for a position between samples i and i+1 applies to padded[i:].
	padded := make([]float64, n+2*k.half)
	copy(padded[k.half-1:], samples)
	i, rem := 0, 0 // the position in the input is i + rem/up
	for j := range out {
		x := padded[i : i+2*k.half]
		row, frac := k.row(rem)
		y := floats.Dot(k.taps(row), x)
		if frac > 0 {
			y += frac * (floats.Dot(k.taps(row+1), x) - y)
		}
		out[j] = y
		rem += r.down
		i += rem / r.up
		rem %= r.up
	}
	return out
}

// Resample is a shorthand for NewResampler and its method, for a single signal.
func Resample(samples []float64, from, to int) ([]float64, error) {
	r, err := NewResampler(from, to)
	if err != nil {
		return nil, err
	}
	return r.Resample(samples), nil
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
