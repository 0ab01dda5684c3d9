package wav

import (
	"encoding/binary"
	"math"
)

// A spec describes a WAV file to build, field by field, so that tests can get any of
// them wrong.
type spec struct {
	tag            uint16
	channels       uint16
	rate           uint32
	bits           uint16
	block          uint16 // channels*bits/8 if 0
	sub            string // of an extensible file: the 16 bytes of the sub-format
	data           []byte
	dataSize       *uint32
	fileSize       *uint32
	before, behind []byte // chunks around fmt
	noPad          bool
}

func (s spec) bytes() []byte {
	le := binary.LittleEndian
	if s.block == 0 {
		s.block = s.channels * s.bits / 8
	}
	form := le.AppendUint16(nil, s.tag)
	form = le.AppendUint16(form, s.channels)
	form = le.AppendUint32(form, s.rate)
	form = le.AppendUint32(form, s.rate*uint32(s.block))
	form = le.AppendUint16(form, s.block)
	form = le.AppendUint16(form, s.bits)
	if s.sub != "" {
		form = le.AppendUint16(form, 22)
		form = le.AppendUint16(form, s.bits) // valid bits
		form = le.AppendUint32(form, 0)      // speakers
		form = append(form, s.sub...)
	}
	body := append([]byte("WAVE"), s.before...)
	body = append(body, chunk("fmt ", form)...)
	body = append(body, s.behind...)
	data := chunk("data", s.data)
	if s.noPad {
		data = data[:8+len(s.data)]
	}
	if s.dataSize != nil {
		le.PutUint32(data[4:], *s.dataSize)
	}
	body = append(body, data...)
	size := uint32(len(body))
	if s.fileSize != nil {
		size = *s.fileSize
	}
	return append(le.AppendUint32([]byte("RIFF"), size), body...)
}

// chunk returns a padded chunk.
func chunk(id string, b []byte) []byte {
	c := binary.LittleEndian.AppendUint32([]byte(id), uint32(len(b)))
	c = append(c, b...)
	if len(b)%2 == 1 {
		c = append(c, 0)
	}
	return c
}

func pcm16(v ...int16) (b []byte) {
	for _, x := range v {
		b = binary.LittleEndian.AppendUint16(b, uint16(x))
	}
	return b
}

func pcm32(v ...int32) (b []byte) {
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, uint32(x))
	}
	return b
}

func float32s(v ...float32) (b []byte) {
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

func float64s(v ...float64) (b []byte) {
	for _, x := range v {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
	}
	return b
}

// The sub-formats of extensible files of integers and floats.
const (
	guidPCM   = "\x01\x00\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"
	guidFloat = "\x03\x00\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"
	guidMuLaw = "\x07\x00\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"
	guidOther = "\x01\x00\x00\x00\x21\x07\xd3\x11\x86\x44\xc8\xc1\xca\x00\x00\x00"
)
