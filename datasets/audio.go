package datasets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"weightsep/datasets/archive"
	"weightsep/datasets/features"
	"weightsep/datasets/prepared"
	"weightsep/datasets/wav"
)

// An extractor makes samples of a recording. It is used by one goroutine.
type extractor func(wav.Clip) ([][]float32, error)

// recordings are the sound files of an archive or directory.
type recordings struct {
	path   string
	limits archive.Limits
	length wav.Limits

	// sample says what is known of a file by its name; false if it is no sample.
	sample func(name string) (prepared.Sample, bool, error)

	// list, if not nil, is given all other files.
	list func(archive.File) error

	newExtractor func() extractor
}

// add adds the samples of all recordings. It returns how many recordings there were
// and how many of them were left out because of an encoding that is not read.
func (a recordings) add(ctx context.Context, r *recorder) (n, left int, err error) {
	type file struct {
		sample prepared.Sample
		data   string
	}
	type made struct {
		sample prepared.Sample
		values [][]float32 // nil if left out
	}
	limits := a.limits
	limits.Read = r.read
	feed := func(ctx context.Context, give func(file) error) error {
		return archive.Walk(ctx, a.path, limits, func(f archive.File) error {
			s, ok, err := a.sample(f.Name)
			if err != nil {
				return err
			}
			if !ok {
				if a.list != nil {
					return a.list(f)
				}
				return nil
			}
			var b strings.Builder
			if _, err := io.Copy(&b, f); err != nil {
				return err
			}
			return give(file{s, b.String()})
		})
	}
	worker := func() func(file) (made, error) {
		extract := a.newExtractor()
		return func(f file) (made, error) {
			clip, err := wav.Decode(strings.NewReader(f.data), a.length)
			if errors.Is(err, wav.ErrEncoding) {
				return made{sample: f.sample}, nil
			}
			if err != nil {
				return made{}, fmt.Errorf("%s: %s: %w", a.path, f.sample.Name, err)
			}
			values, err := extract(clip)
			if err != nil {
				return made{}, fmt.Errorf("%s: %s: %w", a.path, f.sample.Name, err)
			}
			return made{f.sample, values}, nil
		}
	}
	err = ordered(ctx, feed, worker, func(m made) error {
		n++
		if m.values == nil {
			left++
			return nil
		}
		if err := r.addSegments(m.sample, m.values); err != nil {
			return fmt.Errorf("%s: %w", a.path, err)
		}
		return nil
	})
	return n, left, err
}

// addSegments adds the samples that a recording was made into.
func (r *recorder) addSegments(s prepared.Sample, values [][]float32) error {
	for i, v := range values {
		if err := r.addFloats(s.Segment(i), v); err != nil {
			return err
		}
	}
	return nil
}

// The features of environmental sounds, esc10's and us8k's: two channels.
const (
	logMelPeriod  = 2
	logMelVersion = 1
)

// newLogMel returns an extractor of log-mel segments from recordings of any rate.
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

// soundForm is the form of a dataset of environmental sounds: the recordings at root, of
// which the original has so many, cut into log-mel segments. Source names their origin.
func soundForm(name, root, source string, sample func(string) (prepared.Sample, bool, error), of int) form {
	return form{name: name, version: logMelVersion, sorted: true, files: []string{root}, period: logMelPeriod,
		load: func(ctx context.Context, r *recorder) (Provenance, error) {
			all := recordings{path: root, limits: soundLimits, length: wav.Limits{MaxSeconds: 60},
				sample: sample, newExtractor: newLogMel}
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
