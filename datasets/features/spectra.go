package features

import (
	"cmp"
	"math"
	"math/cmplx"
	"slices"
	"time"

	"gonum.org/v1/gonum/dsp/fourier"
)

// The shape of the output of Spectra.
const (
	SpectraIntervals = 20
	SpectraValues    = 120 // 6 axes x (10 magnitudes + 10 phases)

	// SpectraWindow is the length of a window.
	SpectraWindow = 5 * time.Second
)

const (
	spectraPoints = 20 // of an interval of 0.25 s: 80 Hz
	spectraBins   = 10
	spectraStep   = SpectraWindow / (SpectraIntervals * spectraPoints)
	spectraLast   = SpectraWindow - spectraStep // the last instant

	spectraMaxGap = 100 * time.Millisecond
	spectraMin    = 100 // samples of a sensor in a window

	// spectraSilence is the magnitude below which a bin has no phase. It is far
	// above rounding errors and far below the resolution of sensors.
	spectraSilence = 1e-6
)

// Spectra computes short-time spectra of an accelerometer and a gyroscope, for hhar, in
// the form that DeepSense (Yao et al., 2017) takes.
//
//   - Input: two 3-axis series, in any unit, each with times of its own. Their rates
//     may differ and vary.
//   - Window: 5 s, cut into 20 intervals of 0.25 s.
//   - Resampling: each axis by linear interpolation at 20 instants in every interval,
//     12.5 ms apart, the first at the interval's start. 20 is the least number that
//     has 10 bins below the Nyquist frequency, and 80 Hz lies within the 50 to 200 Hz
//     of phones. There is no filter before it: movements of people have little above
//     20 Hz.
//   - Spectrum: real FFT of the 20 values, not windowed, the mean not removed since
//     gravity tells how the phone lies. Bins 0 to 9, which are 0, 4, ..., 36 Hz.
//   - Magnitude: ln(1 + |X|) of the sum X, not divided by the number of values.
//     Magnitudes have long tails. The logarithm shortens them so that a column
//     standardises well, yet keeps small magnitudes apart.
//   - Phase: in radians, in (-pi, pi], 0 where |X| < 1e-6. The phase of bin 0 is thus
//     0 or pi, the sign of the mean.
//   - Gaps: a window is refused if neighbouring samples of a sensor are more than 0.1 s
//     apart, if there is no sample at or before the first instant and one at or after
//     the last, or if fewer than 100 samples of a sensor lie in the window (20 a second).
//   - Output: 20 x 120, row-major, intervals by values. The values are, for each of
//     accelerometer x, y, z and gyroscope x, y, z: 10 magnitudes, then 10 phases.
//     Not standardised.
type Spectra struct {
	fft    *fourier.FFT
	points []float64 // of a window
	bins   []complex128
}

// NewSpectra returns a Spectra.
func NewSpectra() *Spectra {
	return &Spectra{
		fft:    fourier.NewFFT(spectraPoints),
		points: make([]float64, SpectraIntervals*spectraPoints),
		bins:   make([]complex128, spectraPoints/2+1),
	}
}

// Window returns the SpectraIntervals*SpectraValues spectra of the window that begins at
// start, nil if the series do not cover it: if it begins or ends outside of one, lies over
// a gap, or holds too few samples. The series may be longer than the window. They must be
// as [NewSeries] returns them.
func (s *Spectra) Window(start int64, acc, gyro Series) []float32 {
	out := make([]float32, SpectraIntervals*SpectraValues)
	for half, all := range []Series{acc, gyro} {
		part := all.cut(start)
		if part == nil {
			return nil
		}
		for axis := range 3 {
			s.resample(start, part, axis)
			at := half*SpectraValues/2 + axis*2*spectraBins
			for i := range SpectraIntervals {
				s.spectrum(out[i*SpectraValues+at:], s.points[i*spectraPoints:][:spectraPoints])
			}
		}
	}
	return out
}

// resample sets s.points to the values of an axis at the instants of the window.
func (s *Spectra) resample(start int64, part Series, axis int) {
	i := 0 // part[i] is at or before the instant, part[i+1] after it
	for j := range s.points {
		at := float64(spectraStep) * float64(j) // since start
		for i+1 < len(part) && float64(part[i+1].Time-start) <= at {
			i++
		}
		s.points[j] = part[i].V[axis]
		if i+1 < len(part) {
			w := (at - float64(part[i].Time-start)) / float64(part[i+1].Time-part[i].Time)
			s.points[j] += w * (part[i+1].V[axis] - part[i].V[axis])
		}
	}
}

// spectrum sets dst to the magnitudes and the phases of x.
func (s *Spectra) spectrum(dst []float32, x []float64) {
	s.fft.Coefficients(s.bins, x)
	for k, c := range s.bins[:spectraBins] {
		size := cmplx.Abs(c)
		dst[k] = float32(math.Log1p(size))
		dst[spectraBins+k] = 0
		if size >= spectraSilence {
			dst[spectraBins+k] = float32(phase(c))
		}
	}
}

// phase returns the argument of c in (-pi, pi].
func phase(c complex128) float64 {
	if p := cmplx.Phase(c); p > -math.Pi {
		return p
	}
	return math.Pi
}

// A Motion is what a three-axis motion sensor measured at a time.
type Motion struct {
	Time int64 // ns, from -4e18 to 4e18
	V    [3]float64
}

// A Series holds what a sensor measured, in the order of time, no time twice.
type Series []Motion

// NewSeries returns a series of measurements in any order. Those of the same time are
// replaced by their mean. Recordings need it since phones deliver bursts of samples out of
// order, and sometimes one twice.
//
// Sorting cannot repair a clock that was set back while recording, which lays two
// stretches of time over each other: cut the recording there first.
func NewSeries(all []Motion) Series {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Motion) int { return cmp.Compare(a.Time, b.Time) })
	out := all[:0]
	for len(all) > 0 {
		mean, n := all[0], 1
		for ; n < len(all) && all[n].Time == mean.Time; n++ {
			for axis, v := range all[n].V {
				mean.V[axis] += v
			}
		}
		for axis := range mean.V {
			mean.V[axis] /= float64(n)
		}
		out, all = append(out, mean), all[n:]
	}
	return out
}

// cut returns the samples of the window at start and those on its borders: the first is
// at or before the start, the last at or after the last instant. It returns nil if the
// window is not covered.
func (s Series) cut(start int64) Series {
	if len(s) == 0 || start < s[0].Time || start > s[len(s)-1].Time {
		return nil
	}
	place := func(t int64) (int, bool) {
		return slices.BinarySearchFunc(s, t, func(m Motion, t int64) int { return cmp.Compare(m.Time, t) })
	}
	from, found := place(start)
	if !found {
		from--
	}
	to, _ := place(start + int64(spectraLast))
	if to == len(s) {
		return nil
	}
	part, inside := s[from:to+1], 0
	for i, m := range part {
		if i > 0 && m.Time-part[i-1].Time > int64(spectraMaxGap) {
			return nil
		}
		if m.Time >= start && m.Time-start < int64(SpectraWindow) {
			inside++
		}
	}
	if inside < spectraMin {
		return nil
	}
	return part
}
