package page

import (
	"encoding/binary"
	"math"
	"unsafe"
)

// gather puts pages from to to of the table together in dst, a flat weight vector whose last page may
// end early, from shared and the network's own exclusive pages, packed in their precisions of f, each
// value times the scale of its page, then times its key. scales and keys may be nil: all 1.
func (t Table) gather(dst []float32, from, to int, f Format, shared, exclusive []byte, scales []float32,
	keys []byte) {
	ofShared, ofExclusive := f.Precisions()
	sharedBytes, ownBytes, keyBytes := ofShared.Bytes(f.Size), ofExclusive.Bytes(f.Size), Int2.Bytes(f.Size)
	if keys != nil {
		for _, e := range t.Entries[:from] {
			if int(e) < t.Shared {
				keys = keys[keyBytes:]
			}
		}
	}
	for b := from; b < to; b++ {
		out, e, scale := dst[b*f.Size:min((b+1)*f.Size, len(dst))], int(t.Entries[b]), float32(1)
		if scales != nil {
			scale = scales[b]
		}
		if e >= t.Shared {
			ofExclusive.decode(out, exclusive[(e-t.Shared)*ownBytes:], nil, scale)
			continue
		}
		ofShared.decode(out, shared[e*sharedBytes:], keys, scale)
		if keys != nil {
			keys = keys[keyBytes:]
		}
	}
}

// decode writes the first len(dst) values of a packed page, times scale, then times keys unless nil:
// sixteen at a time where the machine can, then one by one.
func (p Precision) decode(dst []float32, packed, keys []byte, scale float32) {
	bits := p.Bits()
	if bits == 32 && scale == 1 && keys == nil && littleEndian {
		copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(dst))), 4*len(dst)), packed)
		return
	}
	if n := len(dst) &^ 15; wide && n > 0 {
		from, by := &packed[:n*bits/8][0], (*byte)(nil)
		if keys != nil {
			by = &keys[:n/4][0]
			keys = keys[n/4:]
		}
		switch bits {
		case 32:
			decode32x16(&dst[0], from, by, n, scale)
		case 8:
			decode8x16(&dst[0], from, by, n, scale)
		case 4:
			decode4x16(&dst[0], from, by, n, scale)
		case 2:
			decode2x16(&dst[0], from, by, n, scale)
		}
		if dst, packed = dst[n:], packed[n*bits/8:]; len(dst) == 0 {
			return
		}
	}
	switch bits {
	case 32:
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(packed[4*i:])) * scale
		}
	case 8:
		for i, b := range packed[:len(dst)] {
			dst[i] = float32(int8(b)) * scale
		}
	case 4:
		decode4(dst, packed, scale)
	case 2:
		decode2(dst, packed, scale)
	}
	if keys != nil {
		for i := range dst {
			dst[i] *= float32(keys[i/4]>>(2*(i%4))&3) - 1.5
		}
	}
}

// littleEndian says that the first byte of a number in memory is its lowest.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// decode4 and decode2 multiply every code value once and look the products up. Arrays of fixed length
// spare checks of bounds, which halves the time.
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
