package features

import (
	"cmp"
	"errors"
	"fmt"
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

	spectraMaxGap = 100 * time.Millisecond
	spectraMin    = 100 // samples of a sensor in a window

	// spectraSilence is the magnitude below which a bin has no phase. It is far
	// above rounding errors and far below the resolution of sensors.
	spectraSilence = 1e-6
)

// ErrWindow is wrapped by the errors for windows that the samples of a sensor do not
// cover: those that begin or end outside of the recording, lie over a gap, or hold too
// few samples. A caller passes over such windows.
var ErrWindow = errors.New("window not covered by samples")

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
//   - Gaps: a window is refused (ErrWindow) if neighbouring samples of a sensor are
//     more than 0.1 s apart, if there is no sample at or before the first instant and
//     one at or after the last, or if fewer than 100 samples of a sensor lie in the
//     window (20 a second).
//   - Output: 20 x 120, row-major, intervals by values. The values are, for each of
//     accelerometer x, y, z and gyroscope x, y, z: 10 magnitudes, then 10 phases.
//     Not standardised.
type Spectra struct {
	length uint64  // of a window, in ticks
	maxGap uint64  // in ticks
	step   float64 // between instants, in ticks

	fft    *fourier.FFT
	points []float64 // of a window
	bins   []complex128
}

// NewSpectra returns a Spectra for times in ticks of the given length, such as
// time.Nanosecond or time.Millisecond. It panics if tick is not positive or does not
// divide 0.1 s.
func NewSpectra(tick time.Duration) *Spectra {
	if tick <= 0 || spectraMaxGap%tick != 0 {
		panic(fmt.Sprintf("features: tick of %v", tick))
	}
	return &Spectra{
		length: uint64(SpectraWindow / tick),
		maxGap: uint64(spectraMaxGap / tick),
		step:   float64(spectraStep) / float64(tick),
		fft:    fourier.NewFFT(spectraPoints),
		points: make([]float64, SpectraIntervals*spectraPoints),
		bins:   make([]complex128, spectraPoints/2+1),
	}
}

// Window sets dst, SpectraIntervals*SpectraValues values, to the spectra of the window
// that begins at start. The series may be longer than the window. Their times must
// increase from one sample to the next, see Series.Sorted; only those around the window
// are checked. Errors wrap ErrWindow if the series do not cover the window. Others are
// for a dst or series of the wrong form and for values that are not finite (or beyond
// 1e100). After an error the content of dst is undefined.
func (s *Spectra) Window(dst []float32, start int64, acc, gyro Series) error {
	if len(dst) != SpectraIntervals*SpectraValues {
		return fmt.Errorf("features: %d values for %d x %d spectra", len(dst), SpectraIntervals,
			SpectraValues)
	}
	if err := s.sensor(dst, start, acc); err != nil {
		return fmt.Errorf("accelerometer: %w", err)
	}
	if err := s.sensor(dst[SpectraValues/2:], start, gyro); err != nil {
		return fmt.Errorf("gyroscope: %w", err)
	}
	return nil
}

// sensor sets one half of each row, from the start of dst, to the spectra of a sensor.
func (s *Spectra) sensor(dst []float32, start int64, all Series) error {
	part, err := s.cut(start, all)
	if err != nil {
		return err
	}
	for k, v := range part.V {
		if err := check(v); err != nil {
			return fmt.Errorf("axis %c: %w", 'x'+rune(k), err)
		}
		s.resample(start, part.T, v)
		for i := range SpectraIntervals {
			s.spectrum(dst[i*SpectraValues+k*2*spectraBins:], s.points[i*spectraPoints:][:spectraPoints])
		}
	}
	return nil
}

// cut returns the samples of the window at start and those on its borders: the first
// is at or before the start, the last at or after the last instant.
func (s *Spectra) cut(start int64, all Series) (Series, error) {
	if err := all.lengths(); err != nil {
		return Series{}, err
	}
	if since(math.MaxInt64, start) < s.length {
		return Series{}, fmt.Errorf("%w: %d is beyond all times", ErrWindow, start)
	}
	last := start + int64(math.Ceil(s.step*float64(len(s.points)-1)))
	from, found := slices.BinarySearch(all.T, start)
	if !found {
		from--
	}
	to, _ := slices.BinarySearch(all.T, last)
	switch {
	case from < 0:
		return Series{}, fmt.Errorf("%w: it begins before the recording", ErrWindow)
	case to == len(all.T):
		return Series{}, fmt.Errorf("%w: it ends after the recording", ErrWindow)
	case to < from:
		return Series{}, fmt.Errorf("features: times do not increase")
	}
	out := Series{T: all.T[from : to+1]}
	for k := range out.V {
		out.V[k] = all.V[k][from : to+1]
	}
	return out, s.checkTimes(start, out.T)
}

// checkTimes returns an error if times do not increase, leave a gap or are too few.
func (s *Spectra) checkTimes(start int64, times []int64) error {
	if times[0] > start {
		return fmt.Errorf("features: times do not increase")
	}
	inside := 0
	for i, t := range times {
		if i > 0 {
			if t <= times[i-1] {
				return fmt.Errorf("features: time %d follows %d", t, times[i-1])
			}
			if gap := since(t, times[i-1]); gap > s.maxGap {
				return fmt.Errorf("%w: a gap of %d ticks", ErrWindow, gap)
			}
		}
		if t >= start && since(t, start) < s.length {
			inside++
		}
	}
	if inside < spectraMin {
		return fmt.Errorf("%w: %d samples", ErrWindow, inside)
	}
	return nil
}

// resample sets s.points to the values at the instants of the window.
func (s *Spectra) resample(start int64, times []int64, v []float64) {
	i := 0 // times[i] is at or before the instant, times[i+1] after it
	for j := range s.points {
		at := s.step * float64(j) // ticks since start
		for i+1 < len(times) && float64(times[i+1]-start) <= at {
			i++
		}
		s.points[j] = v[i]
		if i+1 < len(times) {
			w := (at - float64(times[i]-start)) / float64(times[i+1]-times[i])
			s.points[j] += w * (v[i+1] - v[i])
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

// A Series holds the samples of a three-axis motion sensor.
type Series struct {
	T []int64      // times, in ticks of the extractor's clock
	V [3][]float64 // values of the axes x, y, z, as many as T each
}

// Len returns the number of samples.
func (s Series) Len() int { return len(s.T) }

// Sorted returns a copy of s in the order of time, in which samples of the same time
// are replaced by their mean. Recordings need it since phones deliver bursts of samples
// out of order, and sometimes one twice. It is an error if the axes differ in length
// or a value is not finite (or beyond 1e100).
//
// Sorting cannot repair a clock that was set back while recording, which lays two
// stretches of time over each other: cut the recording there first.
func (s Series) Sorted() (Series, error) {
	if err := s.lengths(); err != nil {
		return Series{}, err
	}
	for k, v := range s.V {
		if err := check(v); err != nil {
			return Series{}, fmt.Errorf("axis %c: %w", 'x'+rune(k), err)
		}
	}
	order := make([]int, s.Len())
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(s.T[a], s.T[b]) })
	var out Series
	for i := 0; i < len(order); {
		t := s.T[order[i]]
		end := i + 1
		for end < len(order) && s.T[order[end]] == t {
			end++
		}
		out.T = append(out.T, t)
		for k, v := range s.V {
			var sum float64
			for _, j := range order[i:end] {
				sum += v[j]
			}
			out.V[k] = append(out.V[k], sum/float64(end-i))
		}
		i = end
	}
	return out, nil
}

func (s Series) lengths() error {
	for _, v := range s.V {
		if len(v) != len(s.T) {
			return errors.New("features: times and axes differ in length")
		}
	}
	return nil
}

// since returns the ticks from a to b, which is not before a. They may be more than
// an int64 holds.
func since(b, a int64) uint64 { return uint64(b) - uint64(a) }
