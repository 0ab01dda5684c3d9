// Package wav reads short audio clips from WAV files as mono samples and changes
// their sample rate.
//
// The files of sound datasets come from many recorders and editors, so the reader
// knows every uncompressed encoding in common use and trusts no length in a header.
//
// The tests hold it against github.com/go-audio/wav as an encoder. As a decoder that
// library knows no floats and no extensible format, rounds odd sizes up, and makes room
// for whatever size a header states. Of the resamplers for Go the one tried,
// github.com/tphakala's, moves a sound in time and lets tones above the new limit through.
package wav

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
)

// A Clip is a piece of mono audio.
type Clip struct {
	Rate    int       // samples a second, above 0
	Samples []float64 // at least one, all finite; full scale is -1 to 1
}

var le = binary.LittleEndian

const maxRate = 768_000 // Hz, the highest rate audio hardware offers

// Decode reads one WAV file of at most so many seconds, to the end of r. It understands
// RIFF/WAVE files, extensible or not, of
//
//   - 8 bit unsigned and 16, 24 or 32 bit signed integers, scaled by 1/2^(bits-1)
//     so that the values lie in [-1, 1),
//   - 32 or 64 bit floats, as they are: such files may exceed full scale,
//
// at up to 768 kHz with any number of channels, which are averaged. Samples reach to the end
// of r if their size goes beyond it, or is 0 and no chunk follows: programs that write into a
// pipe, or are killed, leave such sizes. An incomplete last frame is dropped.
//
// An error for an encoding that is not supported names it; one of r is wrapped. The memory used is
// bounded by a multiple of the bytes that r delivers, whatever the headers claim.
func Decode(r io.Reader, seconds float64) (Clip, error) {
	file, err := io.ReadAll(r)
	if err != nil {
		return Clip{}, fmt.Errorf("wav: read: %w", err)
	}
	c, err := decode(file, seconds)
	if err != nil {
		return Clip{}, fmt.Errorf("wav: %w", err)
	}
	return c, nil
}

func decode(file []byte, seconds float64) (Clip, error) {
	f, raw, err := split(file)
	if err != nil {
		return Clip{}, err
	}
	samples := make([]float64, len(raw)/f.block)
	switch {
	case len(samples) == 0:
		return Clip{}, errors.New("no samples")
	case float64(len(samples)) > seconds*float64(f.rate):
		return Clip{}, fmt.Errorf("clip too long: %d samples at %d Hz are more than %g s",
			len(samples), f.rate, seconds)
	}
	for i := range samples { // the mean of the channels
		frame := raw[i*f.block : (i+1)*f.block]
		var sum float64
		for k := 0; k < len(frame); k += f.width {
			sum += f.sample(frame[k:])
		}
		if math.IsNaN(sum) || math.IsInf(sum, 0) {
			return Clip{}, fmt.Errorf("sample %d is not finite", i)
		}
		samples[i] = sum / float64(f.channels)
	}
	return Clip{Rate: f.rate, Samples: samples}, nil
}

// split walks the chunks of a file, and returns the format and the bytes of the samples.
func split(file []byte) (f format, samples []byte, err error) {
	if len(file) < 12 || string(file[:4]) != "RIFF" || string(file[8:12]) != "WAVE" {
		return f, nil, fmt.Errorf("expected a WAV file, which starts with RIFF, a size and WAVE, "+
			"found %q (%s)", file[:min(len(file), 12)], http.DetectContentType(file))
	}
	for rest := file[12:]; ; {
		if len(rest) < 8 {
			return f, nil, errors.New("no samples: ends in the list of chunks")
		}
		id, size := string(rest[:4]), int64(le.Uint32(rest[4:]))
		rest = rest[8:]
		left := int64(len(rest))
		switch {
		case id == "data" && f.block == 0:
			return f, nil, errors.New("samples without a format before them")
		case id == "data" && size == 0 && !startsChunk(rest):
			return f, rest, nil
		case id == "data" && size > 0:
			return f, rest[:min(size, left)], nil
		case size > left:
			return f, nil, fmt.Errorf("ends in the chunk %q", id)
		case id == "fmt ":
			if f, err = parseFormat(rest[:size]); err != nil {
				return f, nil, err
			}
		}
		rest = rest[min(size+size%2, left):] // chunks are padded to even sizes
	}
}

// startsChunk tells a chunk, whose name is printable, from samples.
func startsChunk(b []byte) bool {
	return len(b) >= 8 && !bytes.ContainsFunc(b[:4], func(r rune) bool { return r < ' ' || r > '~' }) &&
		int64(le.Uint32(b[4:])) <= int64(len(b)-8)
}

// A format is the content of a fmt chunk in a supported encoding.
type format struct {
	rate     int
	channels int
	block    int                  // bytes of a frame: one sample of every channel
	width    int                  // bytes of a sample
	sample   func([]byte) float64 // the sample that starts the slice
}

func parseFormat(b []byte) (format, error) {
	if len(b) < 16 {
		return format{}, fmt.Errorf("format of %d bytes", len(b))
	}
	tag, channels, rate := le.Uint16(b), int(le.Uint16(b[2:])), le.Uint32(b[4:])
	block, bits := int(le.Uint16(b[12:])), int(le.Uint16(b[14:]))
	if tag == tagExtensible {
		if len(b) < 40 {
			return format{}, fmt.Errorf("extensible format of %d bytes", len(b))
		}
		// The sub-format is a format tag if it ends so.
		if string(b[26:40]) != "\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71" {
			return format{}, fmt.Errorf("unsupported encoding: sub-format %x", b[24:40])
		}
		tag = le.Uint16(b[24:])
	}
	sample := decoders[[2]int{int(tag), bits}]
	switch {
	case sample == nil:
		return format{}, fmt.Errorf("unsupported encoding: %s of %d bits", tagName(tag), bits)
	case channels == 0:
		return format{}, errors.New("no channels")
	case rate == 0 || rate > maxRate:
		return format{}, fmt.Errorf("sample rate of %d Hz", rate)
	case block != channels*bits/8:
		return format{}, fmt.Errorf("frames of %d bytes for %d channels of %d bits", block, channels, bits)
	}
	return format{int(rate), channels, block, bits / 8, sample}, nil
}

// Format tags of the supported encodings.
const (
	tagPCM        = 0x0001
	tagFloat      = 0x0003
	tagExtensible = 0xFFFE
)

// decoders has the functions that read a sample of the supported encodings, by tag and
// bits. Fewer valid bits than the sample has room for need no care: they are the high ones.
var decoders = map[[2]int]func([]byte) float64{
	{tagPCM, 8}:  func(b []byte) float64 { return (float64(b[0]) - 128) / (1 << 7) },
	{tagPCM, 16}: func(b []byte) float64 { return float64(int16(le.Uint16(b))) / (1 << 15) },
	{tagPCM, 24}: func(b []byte) float64 {
		return float64(int32(le.Uint16(b))<<8|int32(b[2])<<24) / (1 << 31)
	},
	{tagPCM, 32}:   func(b []byte) float64 { return float64(int32(le.Uint32(b))) / (1 << 31) },
	{tagFloat, 32}: func(b []byte) float64 { return float64(math.Float32frombits(le.Uint32(b))) },
	{tagFloat, 64}: func(b []byte) float64 { return math.Float64frombits(le.Uint64(b)) },
}

func tagName(tag uint16) string {
	names := map[uint16]string{tagPCM: "PCM", 0x02: "Microsoft ADPCM", tagFloat: "float", 0x06: "A-law",
		0x07: "mu-law", 0x11: "IMA ADPCM", 0x31: "GSM 6.10", 0x40: "G.721 ADPCM", 0x64: "G.726 ADPCM",
		0x50: "MPEG", 0x55: "MP3", 0xFF: "AAC"}
	return cmp.Or(names[tag], fmt.Sprintf("format 0x%04x", tag))
}
