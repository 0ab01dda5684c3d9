package mat5

import (
	"bytes"
	"compress/zlib"
	"math"
	"slices"
	"testing"
)

// The numbers of classes and of types that only the tests name.
const (
	Cell     = 1
	Struct   = 2
	Char     = 4
	Sparse   = 5
	Double   = 6
	Single   = 7
	Uint8    = 9
	Function = 16
	Opaque   = 17

	typeInt16  storage = 3
	typeUint16 storage = 4
	typeSingle storage = 7
	typeDouble storage = 9
	typeInt64  storage = 12
	typeUint64 storage = 13
)

// fileOf is a header and the elements given.
func fileOf(elements ...[]byte) []byte {
	head := append([]byte("MATLAB 5.0 MAT-file"), bytes.Repeat([]byte(" "), 97)...) // 116 bytes of text
	head = append(head, make([]byte, 8)...)                                         // no subsystem data
	head = le.AppendUint16(head, 0x0100)
	head = le.AppendUint16(head, 'M'<<8|'I')
	return slices.Concat(head, slices.Concat(elements...))
}

// full is a data element with padding.
func full(typ storage, data ...byte) []byte {
	e := le.AppendUint32(nil, uint32(typ))
	e = le.AppendUint32(e, uint32(len(data)))
	e = append(e, data...)
	return append(e, make([]byte, -len(data)&7)...)
}

// small is a small data element, at most 4 bytes.
func small(typ storage, data ...byte) []byte {
	e := le.AppendUint32(nil, uint32(len(data))<<16|uint32(typ))
	e = append(e, data...)
	return append(e, make([]byte, 4-len(data))...)
}

// raw is an element without padding.
func raw(typ storage, data ...byte) []byte {
	e := le.AppendUint32(nil, uint32(typ))
	e = le.AppendUint32(e, uint32(len(data)))
	return append(e, data...)
}

func uint32s(v ...uint32) []byte {
	var e []byte
	for _, v := range v {
		e = le.AppendUint32(e, v)
	}
	return e
}

// matrix is a matrix element. flags is the class and the bits above it.
func matrix(flags uint32, dims []int32, name string, parts ...[]byte) []byte {
	var d []byte
	for _, v := range dims {
		d = le.AppendUint32(d, uint32(v))
	}
	return raw(typeMatrix, slices.Concat(
		full(typeUint32, uint32s(flags, 0)...),
		full(typeInt32, d...),
		full(typeInt8, []byte(name)...),
		slices.Concat(parts...),
	)...)
}

// compressed is an element with another one in it.
func compressed(element []byte) []byte {
	return raw(typeCompressed, deflate(element)...)
}

func deflate(data []byte) []byte {
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	w.Write(data)
	w.Close()
	return z.Bytes()
}

// stored are values as they are stored in type typ, which must hold them.
func stored(typ storage, values ...float64) []byte {
	var e []byte
	for _, v := range values {
		switch typ {
		case typeInt8:
			e = append(e, byte(int8(v)))
		case typeUint8:
			e = append(e, byte(v))
		case typeInt16:
			e = le.AppendUint16(e, uint16(int16(v)))
		case typeUint16:
			e = le.AppendUint16(e, uint16(v))
		case typeInt32:
			e = le.AppendUint32(e, uint32(int32(v)))
		case typeUint32:
			e = le.AppendUint32(e, uint32(v))
		case typeSingle:
			e = le.AppendUint32(e, math.Float32bits(float32(v)))
		case typeDouble:
			e = le.AppendUint64(e, math.Float64bits(v))
		case typeInt64:
			e = le.AppendUint64(e, uint64(int64(v)))
		case typeUint64:
			e = le.AppendUint64(e, uint64(v))
		}
	}
	return e
}

// The builder itself, against bytes written out by hand.
func TestBuilder(t *testing.T) {
	want := []byte{
		14, 0, 0, 0, 56, 0, 0, 0, // a matrix of 56 bytes
		6, 0, 0, 0, 8, 0, 0, 0, 9, 2, 0, 0, 0, 0, 0, 0, // flags: logical, class uint8
		5, 0, 0, 0, 8, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, // 3 x 1
		1, 0, 0, 0, 2, 0, 0, 0, 'x', 'y', 0, 0, 0, 0, 0, 0, // the name
		2, 0, 3, 0, 1, 0, 1, 0, // the values
	}
	got := matrix(0x200|Uint8, []int32{3, 1}, "xy", small(typeUint8, 1, 0, 1))
	if !bytes.Equal(got, want) {
		t.Errorf("%v, want\n%v", got, want)
	}
	if head := fileOf(); len(head) != headerSize || string(head[124:]) != "\x00\x01IM" {
		t.Errorf("header %q", head)
	}
}
