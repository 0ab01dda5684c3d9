package wav

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Format tags of the supported encodings.
const (
	tagPCM        = 0x0001
	tagFloat      = 0x0003
	tagExtensible = 0xFFFE
)

// A format is the content of a fmt chunk in a supported encoding.
type format struct {
	rate     int
	channels int
	block    int                  // bytes of a frame: one sample of every channel
	width    int                  // bytes of a sample
	sample   func([]byte) float64 // the sample that starts the slice
}

// parseFormat returns the format that b, the start of a fmt chunk, describes.
func parseFormat(b []byte) (format, error) {
	if len(b) < 16 {
		return format{}, fmt.Errorf("%w: format of %d bytes", ErrFormat, len(b))
	}
	var (
		tag      = binary.LittleEndian.Uint16(b)
		channels = int(binary.LittleEndian.Uint16(b[2:]))
		rate     = binary.LittleEndian.Uint32(b[4:])
		block    = int(binary.LittleEndian.Uint16(b[12:]))
		bits     = int(binary.LittleEndian.Uint16(b[14:]))
	)
	if tag == tagExtensible {
		if len(b) < 40 {
			return format{}, fmt.Errorf("%w: extensible format of %d bytes", ErrFormat, len(b))
		}
		tag = binary.LittleEndian.Uint16(b[24:])
		if string(b[26:40]) != tagGUID {
			return format{}, fmt.Errorf("%w: sub-format %x", ErrEncoding, b[24:40])
		}
	}
	sample := decoder(tag, bits)
	if sample == nil {
		return format{}, fmt.Errorf("%w: %s of %d bits", ErrEncoding, tagName(tag), bits)
	}
	if channels == 0 {
		return format{}, fmt.Errorf("%w: no channels", ErrFormat)
	}
	if rate == 0 || rate > maxRate {
		return format{}, fmt.Errorf("%w: sample rate of %d Hz", ErrFormat, rate)
	}
	if block != channels*bits/8 {
		return format{}, fmt.Errorf("%w: frames of %d bytes for %d channels of %d bits",
			ErrFormat, block, channels, bits)
	}
	return format{int(rate), channels, block, bits / 8, sample}, nil
}

// tagGUID is the end of the sub-format of an extensible file, after the format tag, if
// the sub-format is a format tag.
const tagGUID = "\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"

// mono returns the mean of the channels for every complete frame in raw.
func (f format) mono(raw []byte) ([]float64, error) {
	out := make([]float64, len(raw)/f.block)
	for i := range out {
		frame := raw[i*f.block : (i+1)*f.block]
		var sum float64
		for k := 0; k < len(frame); k += f.width {
			sum += f.sample(frame[k:])
		}
		if math.IsNaN(sum) || math.IsInf(sum, 0) {
			return nil, fmt.Errorf("%w: sample %d is not finite", ErrFormat, i)
		}
		out[i] = sum / float64(f.channels)
	}
	return out, nil
}

// decoder returns the function that reads a sample of an encoding, or nil if the
// encoding is not supported. Fewer valid bits than the sample has room for need no
// care: they are the high ones.
func decoder(tag uint16, bits int) func([]byte) float64 {
	switch {
	case tag == tagPCM && bits == 8:
		return func(b []byte) float64 { return (float64(b[0]) - 128) / (1 << 7) }
	case tag == tagPCM && bits == 16:
		return func(b []byte) float64 {
			return float64(int16(binary.LittleEndian.Uint16(b))) / (1 << 15)
		}
	case tag == tagPCM && bits == 24:
		return func(b []byte) float64 {
			return float64(int32(b[0])<<8|int32(b[1])<<16|int32(b[2])<<24) / (1 << 31)
		}
	case tag == tagPCM && bits == 32:
		return func(b []byte) float64 {
			return float64(int32(binary.LittleEndian.Uint32(b))) / (1 << 31)
		}
	case tag == tagFloat && bits == 32:
		return func(b []byte) float64 {
			return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
		}
	case tag == tagFloat && bits == 64:
		return func(b []byte) float64 {
			return math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
	}
	return nil
}

// tagName returns the name of an encoding.
func tagName(tag uint16) string {
	switch tag {
	case tagPCM:
		return "PCM"
	case 0x0002:
		return "Microsoft ADPCM"
	case tagFloat:
		return "float"
	case 0x0006:
		return "A-law"
	case 0x0007:
		return "mu-law"
	case 0x0011:
		return "IMA ADPCM"
	case 0x0031:
		return "GSM 6.10"
	case 0x0040:
		return "G.721 ADPCM"
	case 0x0064:
		return "G.726 ADPCM"
	case 0x0050:
		return "MPEG"
	case 0x0055:
		return "MP3"
	case 0x00FF:
		return "AAC"
	}
	return fmt.Sprintf("format 0x%04x", tag)
}
