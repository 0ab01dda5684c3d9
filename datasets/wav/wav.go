// Package wav reads short audio clips from WAV files as mono samples and changes
// their sample rate.
//
// The files of sound datasets come from many recorders and editors, so the reader
// knows every uncompressed encoding in common use, trusts no length in a header, and
// tells a clip it does not support (ErrEncoding) from one that is damaged (ErrFormat).
//
// The tests hold it against github.com/go-audio/wav as an encoder. As a decoder that
// library knows no floats and no extensible format, and makes room for whatever size a
// header states. Of the resamplers for Go the one tried, github.com/tphakala's, moves a
// sound in time and lets tones above the new limit through.
package wav

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

var (
	// ErrEncoding is wrapped by the errors for files that are intact as far as
	// read but hold compressed or otherwise unsupported audio. The text names
	// the encoding.
	ErrEncoding = errors.New("unsupported encoding")

	// ErrFormat is wrapped by the errors for files that are no WAV files, or are
	// damaged or cut short, or hold no samples.
	ErrFormat = errors.New("malformed file")

	// ErrTooLong is wrapped by the errors for clips longer than Limits allow.
	ErrTooLong = errors.New("clip too long")
)

// A Clip is a piece of mono audio.
type Clip struct {
	Rate    int       // samples a second, above 0
	Samples []float64 // at least one, all finite; full scale is -1 to 1
}

// Limits bound what Decode accepts.
type Limits struct {
	// MaxSeconds is the longest clip accepted, in seconds; 600 if it is not
	// positive.
	MaxSeconds float64
}

const (
	defaultSeconds = 600
	maxRate        = 768_000 // Hz, the highest rate audio hardware offers
)

// Decode reads one WAV file. It understands RIFF/WAVE files, extensible or not, of
//
//   - 8 bit unsigned and 16, 24 or 32 bit signed integers, scaled by 1/2^(bits-1)
//     so that the values lie in [-1, 1),
//   - 32 or 64 bit floats, as they are: such files may exceed full scale,
//
// at up to 768 kHz with any number of channels, which are averaged. It reads r up to
// the end of the samples. Data of unknown length (a size of 0xFFFFFFFF, or of 0 in a
// file whose own size is unset too), as programs write them into a pipe, reaches to
// the end of r. An incomplete last frame is dropped.
//
// Errors wrap ErrEncoding, ErrFormat, ErrTooLong or the error of r. The memory used
// is bounded by a multiple of the bytes that r delivers, whatever the headers claim.
func Decode(r io.Reader, lim Limits) (Clip, error) {
	f, size, err := readHeader(r)
	if err != nil {
		return Clip{}, fmt.Errorf("wav: %w", err)
	}
	raw, err := readData(r, f, size, lim)
	if err != nil {
		return Clip{}, fmt.Errorf("wav: %w", err)
	}
	samples, err := f.mono(raw)
	if err != nil {
		return Clip{}, fmt.Errorf("wav: %w", err)
	}
	return Clip{Rate: f.rate, Samples: samples}, nil
}

// readData returns the bytes of the data chunk, size of them or, for unknownSize, all
// that are left.
func readData(r io.Reader, f format, size int64, lim Limits) ([]byte, error) {
	seconds := lim.MaxSeconds
	if !(seconds > 0) {
		seconds = defaultSeconds
	}
	frames := int64(min(seconds*float64(f.rate), 1<<40))
	most := frames*int64(f.block) + int64(f.block) - 1 // with an incomplete frame
	if size > most {
		return nil, fmt.Errorf("%w: %d bytes of samples are more than %g s", ErrTooLong, size, seconds)
	}
	want := size
	if size == unknownSize {
		want = most + 1
	}
	var buf bytes.Buffer
	buf.Grow(int(min(want, 1<<20)))
	got, err := io.CopyN(&buf, r, want)
	switch {
	case err != nil && err != io.EOF:
		return nil, fmt.Errorf("read samples: %w", err)
	case size == unknownSize && got > most:
		return nil, fmt.Errorf("%w: more than %g s", ErrTooLong, seconds)
	case size != unknownSize && got < want:
		return nil, fmt.Errorf("%w: %d bytes of samples instead of %d", ErrFormat, got, want)
	case got < int64(f.block):
		return nil, fmt.Errorf("%w: no samples", ErrFormat)
	}
	return buf.Bytes(), nil
}
