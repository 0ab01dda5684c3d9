package features

import (
	"fmt"
	"math"
)

// The shape of a segment, which has two channels, and the sample rate in Hz of the input.
const (
	LogMelBands   = 60
	SegmentFrames = 41
	LogMelRate    = 22050
)

const (
	logMelWindow = 1024
	logMelHop    = 512
	logMelLeast  = logMelWindow + (SegmentFrames-1)*logMelHop // samples of a segment

	segmentStep = 20 // frames from one segment to the next

	// silence is the level in dB below which a segment is dropped. The floor of
	// the logarithm leaves digital silence at -82 dB.
	silence = -70
)

// LogMel computes the log-mel spectrogram of a sound, for esc10 and us8k.
//
//   - Input: any length at 22,050 Hz, full scale -1 to 1. A clip shorter than one
//     segment (41 frames: 21,504 samples, 0.98 s), even an empty one, is padded at
//     its end by zeros.
//   - Frames: windows of 1,024 samples (46 ms) every 512 (23 ms), not centred, no
//     padding; samples that do not fill a frame are left out. Window: periodic Hann.
//   - Spectrum: power of the 513 bins of a 1,024-point FFT, scaled so that a
//     sinusoid at full scale has 1 in its bin.
//   - Bands: 60 triangles with peak 1 from 0 Hz to 11,025 Hz, equally spaced on the
//     mel scale of HTK, mel(f) = 2595 log10(1 + f/700).
//   - Logarithm: natural, of the energy or 1e-10 (-100 dB), whichever is more.
//   - Output: frames x 60, row-major, cut by Segments. Not standardised.
type LogMel struct {
	mel    *melSpectrogram
	padded []float64
}

// NewLogMel returns a LogMel.
func NewLogMel() *LogMel {
	return &LogMel{
		mel:    newMelSpectrogram(logMelWindow, logMelHop, LogMelBands, LogMelRate),
		padded: make([]float64, logMelLeast),
	}
}

// spectrogram returns the log-mel spectrogram of a clip, at least SegmentFrames rows
// of LogMelBands values. It is an error if a sample is not finite (or beyond 1e100).
func (m *LogMel) spectrogram(samples []float64) ([]float64, error) {
	if err := check(samples); err != nil {
		return nil, fmt.Errorf("log-mel spectrogram: %w", err)
	}
	if len(samples) < logMelLeast {
		n := copy(m.padded, samples)
		clear(m.padded[n:])
		samples = m.padded
	}
	out := make([]float64, m.mel.frames(len(samples))*LogMelBands)
	for t := range len(out) / LogMelBands {
		m.mel.logEnergies(out[t*LogMelBands:][:LogMelBands], samples, t)
	}
	return out, nil
}

// Segments cuts the log-mel spectrogram of a clip into segments.
//
//   - Segments: 41 frames, every 20 frames (half overlapping). Frames at the end that
//     do not fill a segment are left out.
//   - Silence: a segment is dropped if its level is below -70 dB, where the level is
//     the energy summed over the bands, as its mean over the frames. A sinusoid at
//     full scale has about +2 dB. If no segment remains, the loudest one does, the
//     first of them at a tie, so that no clip vanishes.
//   - Channel 0: the log-mel energies.
//   - Channel 1: their change over time (see delta), computed on the whole clip
//     before it is cut, so that only the ends of the clip have edges.
//   - Output: for each segment 60 x 41 x 2 values, row-major, bands by frames by
//     channels, in the order of time. Not standardised.
//
// It is an error if a sample is not finite (or beyond 1e100).
func (m *LogMel) Segments(samples []float64) ([][]float32, error) {
	spec, err := m.spectrogram(samples)
	if err != nil {
		return nil, err
	}
	return segments(spec), nil
}

// segments cuts a spectrogram of 41 frames or more.
func segments(logMel []float64) [][]float32 {
	frames := len(logMel) / LogMelBands
	change := delta(logMel, LogMelBands)
	var out [][]float32
	loudest, at := math.Inf(-1), 0
	for t := 0; t+SegmentFrames <= frames; t += segmentStep {
		db := level(logMel[t*LogMelBands:][:SegmentFrames*LogMelBands])
		if db > loudest {
			loudest, at = db, t
		}
		if db >= silence {
			out = append(out, segment(logMel, change, t))
		}
	}
	if out == nil {
		out = append(out, segment(logMel, change, at))
	}
	return out
}

// level returns the mean over the frames of the energy of all bands, in dB.
func level(logMel []float64) float64 {
	var sum float64
	for _, v := range logMel {
		sum += math.Exp(v)
	}
	return 10 * math.Log10(sum*LogMelBands/float64(len(logMel)))
}

// segment returns the segment that starts at frame t.
func segment(logMel, change []float64, t int) []float32 {
	out := make([]float32, LogMelBands*SegmentFrames*2)
	for i := range SegmentFrames {
		for b := range LogMelBands {
			from, to := (t+i)*LogMelBands+b, (b*SegmentFrames+i)*2
			out[to] = float32(logMel[from])
			out[to+1] = float32(change[from])
		}
	}
	return out
}

// deltaReach is the number of frames on each side that a delta looks at.
const deltaReach = 4

// delta returns the change over time of x, frames x width values in row-major order:
// for every value the slope, per frame, of the straight line that fits best the 9
// frames around it,
//
//	d[t] = sum_{n=1..4} n (x[t+n] - x[t-n]) / (2 sum_{n=1..4} n*n).
//
// The first and the last frame are repeated beyond the ends. Values at the end of x
// that do not fill a frame are left out. The width must be positive.
func delta(x []float64, width int) []float64 {
	frames := len(x) / width
	var norm float64
	for n := 1; n <= deltaReach; n++ {
		norm += 2 * float64(n*n)
	}
	out := make([]float64, frames*width)
	for t := range frames {
		row := out[t*width:][:width]
		for n := 1; n <= deltaReach; n++ {
			after := x[min(t+n, frames-1)*width:][:width]
			before := x[max(t-n, 0)*width:][:width]
			w := float64(n) / norm
			for i := range row {
				row[i] += w * (after[i] - before[i])
			}
		}
	}
	return out
}
