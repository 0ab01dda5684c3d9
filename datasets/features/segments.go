package features

import (
	"fmt"
	"math"
)

const (
	// SegmentFrames is the number of frames of a segment.
	SegmentFrames = 41

	// SegmentSize is the number of values of a segment: 60 bands x 41 frames x 2
	// channels.
	SegmentSize = LogMelBands * SegmentFrames * 2

	segmentStep = 20 // frames from one segment to the next

	// silence is the level in dB below which a segment is dropped. The floor of
	// the logarithm leaves digital silence at -82 dB.
	silence = -70
)

// Segments cuts a log-mel spectrogram, frames x 60, into segments for esc10 and us8k.
//
//   - Segments: 41 frames, every 20 frames (half overlapping). Frames at the end that
//     do not fill a segment are left out.
//   - Silence: a segment is dropped if its level is below -70 dB, where the level is
//     the energy summed over the bands, as its mean over the frames. A sinusoid at
//     full scale has about +2 dB. If no segment remains, the loudest one does, the
//     first of them at a tie, so that no clip vanishes.
//   - Channel 0: the log-mel energies.
//   - Channel 1: their change over time as given by Delta, computed on the whole clip
//     before it is cut, so that only the ends of the clip have edges.
//   - Output: for each segment 60 x 41 x 2 values, row-major, bands by frames by
//     channels, in the order of time. Not standardised.
//
// The original shipped finished arrays without code, so all of this is our choice.
//
// It is an error if the spectrogram is not a whole number of frames, at least 41, or a
// value is not finite (or beyond 1e100).
func Segments(logMel []float64) ([][]float32, error) {
	frames := len(logMel) / LogMelBands
	if len(logMel)%LogMelBands != 0 || frames < SegmentFrames {
		return nil, fmt.Errorf("features: %d values are no %d or more frames of %d bands",
			len(logMel), SegmentFrames, LogMelBands)
	}
	if err := check(logMel); err != nil {
		return nil, fmt.Errorf("segments: %w", err)
	}
	delta := Delta(logMel, LogMelBands)
	var out [][]float32
	loudest, at := math.Inf(-1), 0
	for t := 0; t+SegmentFrames <= frames; t += segmentStep {
		db := level(logMel[t*LogMelBands:][:SegmentFrames*LogMelBands])
		if db > loudest {
			loudest, at = db, t
		}
		if db >= silence {
			out = append(out, segment(logMel, delta, t))
		}
	}
	if out == nil {
		out = append(out, segment(logMel, delta, at))
	}
	return out, nil
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
func segment(logMel, delta []float64, t int) []float32 {
	out := make([]float32, SegmentSize)
	for i := range SegmentFrames {
		for b := range LogMelBands {
			from, to := (t+i)*LogMelBands+b, (b*SegmentFrames+i)*2
			out[to] = float32(logMel[from])
			out[to+1] = float32(delta[from])
		}
	}
	return out
}
