package features

import "fmt"

// LogMelBands is the number of bands of LogMel.
const LogMelBands = 60

// LogMelRate is the sample rate in Hz of the input of LogMel.
const LogMelRate = 22050

const (
	logMelWindow = 1024
	logMelHop    = 512
	logMelLow    = 0.0
	logMelHigh   = LogMelRate / 2

	// MinLogMelSamples is the length that LogMel pads shorter clips to: one segment.
	MinLogMelSamples = logMelWindow + (SegmentFrames-1)*logMelHop
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
//   - Output: frames x 60, row-major, to be cut by Segments. Not standardised.
//
// The original shipped finished arrays without code, so all of this is our choice.
//
// A LogMel is not safe for concurrent use.
type LogMel struct {
	mel    *melSpectrogram
	padded []float64
}

// NewLogMel returns a LogMel.
func NewLogMel() *LogMel {
	bank := newMelBank(LogMelBands, logMelLow, logMelHigh, logMelWindow, LogMelRate)
	return &LogMel{
		mel:    newMelSpectrogram(logMelWindow, logMelHop, bank),
		padded: make([]float64, MinLogMelSamples),
	}
}

// Spectrogram returns the log-mel spectrogram of a clip, at least SegmentFrames rows
// of LogMelBands values. It is an error if a sample is not finite (or beyond 1e100).
func (m *LogMel) Spectrogram(samples []float64) ([]float64, error) {
	if err := check(samples); err != nil {
		return nil, fmt.Errorf("log-mel spectrogram: %w", err)
	}
	if len(samples) < MinLogMelSamples {
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

// Segments returns the segments of a clip, as the function Segments does for its
// spectrogram.
func (m *LogMel) Segments(samples []float64) ([][]float32, error) {
	spec, err := m.Spectrogram(samples)
	if err != nil {
		return nil, err
	}
	return Segments(spec)
}
