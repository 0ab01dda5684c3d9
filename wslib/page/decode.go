package page

import (
	"encoding/binary"
	"math"
	"unsafe"
)

// gather puts the table's pages together in dst from shared and the network's own exclusive
// pages, packed in their precisions of f, each value times the scale of its page and its key.
// scales and keys may be nil: all 1. dst holds [len(t.Entries), f.Size] values, or less: a flat
// weight vector, whose last page ends early.
func (t Table) gather(dst []float32, f Format, shared, exclusive []byte, scales []float32, keys []byte) {
	ofShared, ofExclusive := f.Precisions()
	for b, e := range t.Entries {
		out, scale := dst[b*f.Size:min((b+1)*f.Size, len(dst))], float32(1)
		if scales != nil {
			scale = scales[b]
		}
		if k := int(e) - t.Shared; k >= 0 {
			ofExclusive.decode(out, exclusive[k*ofExclusive.Bytes(f.Size):], scale)
			continue
		}
		ofShared.decode(out, shared[int(e)*ofShared.Bytes(f.Size):], scale)
		if keys != nil {
			width := Int2.Bytes(f.Size)
			multiply(out, keys[:width])
			keys = keys[width:]
		}
	}
}

// decode writes the first len(dst) values of a packed page times scale. Below 8
// bits it multiplies every code value once and looks the products up.
//
// The loops below take by arrays of fixed length what fills them, which spares
// checks of bounds and halves the time.
func (p Precision) decode(dst []float32, packed []byte, scale float32) {
	switch p.Bits() {
	case 32:
		decode32(dst, packed, scale)
	case 8:
		for i := range dst {
			dst[i] = float32(int8(packed[i])) * scale
		}
	case 4:
		decode4(dst, packed, scale)
	case 2:
		decode2(dst, packed, scale)
	}
}

// decode32 copies memory where values lie in it as they are stored, which is ten times as fast.
func decode32(dst []float32, packed []byte, scale float32) {
	if scale == 1 && littleEndian {
		copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(dst))), 4*len(dst)), packed)
		return
	}
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(packed[4*i:])) * scale
	}
}

// littleEndian says that the first byte of a number in memory is its lowest.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

func decode4(dst []float32, packed []byte, scale float32) {
	var value [16]float32
	for c := range value {
		value[c] = float32(int8(c<<4)>>4) * scale
	}
	for len(dst) >= 8 && len(packed) >= 4 {
		out, w := (*[8]float32)(dst), binary.LittleEndian.Uint32(packed)
		for k := range out {
			out[k] = value[w>>(4*k)&15]
		}
		dst, packed = dst[8:], packed[4:]
	}
	for i := range dst {
		dst[i] = value[packed[i/2]>>(4*(i%2))&15]
	}
}

func decode2(dst []float32, packed []byte, scale float32) {
	var pair [16][2]float32
	for c := range pair {
		pair[c] = [2]float32{(float32(c&3) - 1.5) * scale, (float32(c>>2) - 1.5) * scale}
	}
	for len(dst) >= 4 && len(packed) >= 1 {
		out, b := (*[4]float32)(dst), packed[0]
		*(*[2]float32)(out[:2]) = pair[b&15]
		*(*[2]float32)(out[2:]) = pair[b>>4]
		dst, packed = dst[4:], packed[1:]
	}
	for i := range dst {
		dst[i] = pair[packed[0]>>(2*i)&3][0]
	}
}
