package datasets

import (
	"context"
	"errors"
	"fmt"
	"io"

	"weightsep/datasets/archive"
	"weightsep/datasets/features"
	"weightsep/datasets/prepared"
	"weightsep/datasets/wav"
)

// An extractor makes samples of a recording. It is used by one goroutine.
type extractor func(wav.Clip) ([][]float32, error)

// soundDecoder returns a maker of decoders of WAV files of at most so many seconds.
func soundDecoder(seconds float64, newExtractor func() extractor) func() decoder {
	return func() decoder {
		extract := newExtractor()
		return func(s prepared.Sample, data io.Reader) (all []finished, err error) {
			clip, err := wav.Decode(data, seconds)
			if errors.Is(err, wav.ErrEncoding) {
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			values, err := extract(clip)
			for i, v := range values {
				all = append(all, finished{Sample: s.Segment(i), floats: v})
			}
			return all, err
		}
	}
}

// newLogMel returns an extractor of log-mel segments from recordings of any rate, the
// features of environmental sounds: esc10's and us8k's.
func newLogMel() extractor {
	m := features.NewLogMel()
	rates := map[int]*wav.Resampler{}
	return func(c wav.Clip) ([][]float32, error) {
		if c.Rate != features.LogMelRate {
			r, ok := rates[c.Rate]
			if !ok {
				var err error
				if r, err = wav.NewResampler(c.Rate, features.LogMelRate); err != nil {
					return nil, err
				}
				rates[c.Rate] = r
			}
			c.Samples = r.Resample(c.Samples)
		}
		return m.Segments(c.Samples)
	}
}

// soundLimits bounds archives of environmental sounds. The largest original, of us8k,
// has files of up to 4 MB and 7 GB in all.
var soundLimits = archive.Limits{File: 64 << 20, Total: 16 << 30}

// soundSeconds bounds the length of their recordings: the originals have 5 at most.
const soundSeconds = 60

// soundForm is the form of a dataset of environmental sounds: the recordings at root, of
// which the original has so many, cut into log-mel segments of two channels. Source names
// their origin.
func soundForm(name, root, source string, sample func(string) (prepared.Sample, bool, error), of int) form {
	return form{name: name, version: 1, sorted: true, files: []string{root}, period: 2,
		load: func(ctx context.Context, r *recorder) (Provenance, error) {
			all := media{path: root, limits: soundLimits, sample: sample,
				newDecoder: soundDecoder(soundSeconds, newLogMel)}
			n, left, err := all.add(ctx, r)
			return Provenance{Kind: Real, Note: clipNote(left),
				Source: fmt.Sprintf("%s: segments of %d of %d recordings", source, n-left, of)}, err
		}}
}

// clipNote says how many recordings were left out.
func clipNote(left int) string {
	if left == 0 {
		return ""
	}
	return fmt.Sprintf("%d recordings left out: encoded in a way that is not read", left)
}
