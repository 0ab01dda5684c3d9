package wav

import (
	"fmt"
	"math"
	"math/big"

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
// A Resampler is not safe for concurrent use.
type Resampler struct {
	up, down int     // the ratio of the rates in lowest terms
	cutoff   float64 // of the filter, a fraction of the Nyquist frequency of the input
	reach    float64 // of the filter, in input samples to each side
	half     int     // taps to each side

	// rows keeps the taps for the position p/up after an input sample, by p, once they were
	// needed. It ends before p = up if they could be too many.
	rows [][]float64
}

const (
	maxRatio = 64      // of the rates, and thereby of the sizes of filters and outputs
	maxTaps  = 1 << 23 // that are kept, 64 MB

	// The design of the low-pass filter, by Kaiser's formulas.
	attenuation = 80.0 // dB, of the stop band
	passEdge    = 0.9  // of the lower Nyquist frequency; the stop band begins at 1
	kaiserBeta  = 0.1102 * (attenuation - 8.7)
)

// NewResampler returns a Resampler from one rate to another, both in Hz. It is an
// error if a rate is not from 1 to 768,000, or one is more than 64 times the other.
func NewResampler(from, to int) (*Resampler, error) {
	if low, high := min(from, to), max(from, to); low <= 0 || high > maxRate || high > maxRatio*low {
		return nil, fmt.Errorf("wav: cannot resample from %d Hz to %d Hz: want 1 to %d Hz, "+
			"a ratio of up to %d", from, to, maxRate, maxRatio)
	}
	divisor := int(new(big.Int).GCD(nil, nil, big.NewInt(int64(from)), big.NewInt(int64(to))).Int64())
	r := &Resampler{up: to / divisor, down: from / divisor}
	band := min(1, float64(to)/float64(from))
	r.cutoff = band * (1 + passEdge) / 2
	slope := band * (1 - passEdge) / 2 // width of the transition in cycles a sample
	r.reach = (attenuation - 7.95) / (2 * 14.36 * slope)
	r.half = int(math.Ceil(r.reach))
	r.rows = make([][]float64, min(r.up, maxTaps/(2*r.half)))
	return r, nil
}

// taps returns the weights of the samples i-half+1 to i+half at the position p/up after
// sample i. They sum up to one.
func (r *Resampler) taps(p int) []float64 {
	if p < len(r.rows) && r.rows[p] != nil {
		return r.rows[p]
	}
	row := make([]float64, 2*r.half)
	if p < len(r.rows) {
		r.rows[p] = row
	}
	var sum float64
	for j := range row {
		t := float64(j-r.half+1) - float64(p)/float64(r.up)
		row[j] = sinc(r.cutoff*t) * kaiser(t/r.reach)
		sum += row[j]
	}
	for j := range row {
		row[j] /= sum
	}
	return row
}

// Resample returns the samples at the new rate, round(n*to/from) of them for n samples.
// Samples that are not finite spoil the output around them. The result shares no
// memory with the argument.
func (r *Resampler) Resample(samples []float64) []float64 {
	n := len(samples)
	out := make([]float64, (2*n*r.up+r.down)/(2*r.down))
	if r.up == r.down {
		copy(out, samples)
		return out
	}
	// The row for a position between samples i and i+1 applies to padded[i:].
	padded := make([]float64, n+2*r.half)
	copy(padded[r.half-1:], samples)
	i, rem := 0, 0 // the position in the input is i + rem/up
	for j := range out {
		out[j] = floats.Dot(r.taps(rem), padded[i:i+2*r.half])
		rem += r.down
		i += rem / r.up
		rem %= r.up
	}
	return out
}

func sinc(t float64) float64 {
	if t == 0 {
		return 1
	}
	return math.Sin(math.Pi*t) / (math.Pi * t)
}

// kaiser returns the Kaiser window at t, up to a constant factor; it is zero outside
// of -1 to 1.
func kaiser(t float64) float64 {
	if t <= -1 || t >= 1 {
		return 0
	}
	return bessel0(kaiserBeta * math.Sqrt(1-t*t))
}

// bessel0 returns the modified Bessel function of the first kind and order zero of a
// small argument, by its power series.
func bessel0(x float64) float64 {
	sum, term := 1.0, 1.0
	for n := 1.0; term > 1e-17*sum; n++ {
		term *= x * x / (4 * n * n)
		sum += term
	}
	return sum
}
