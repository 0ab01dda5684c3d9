package page

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Precision is the number of bits that a value of a page is stored in. Below 32
// bits a page is quantized: it holds code values, and a weight is the scale of its
// page times a code value. Code values are the integers -L..L with L = 2^(bits-1)-1
// for 8 and 4 bits, and -1.5, -0.5, 0.5, 1.5 for 2 bits.
type Precision int

// The supported precisions. The zero value means Float32.
const (
	Float32 Precision = 32
	Int8    Precision = 8
	Int4    Precision = 4
	Int2    Precision = 2
)

// Validate returns an error for an unsupported precision.
func (p Precision) Validate() error {
	switch p.Bits() {
	case 32, 8, 4, 2:
		return nil
	}
	return fmt.Errorf("precision of %d bits, want 32, 8, 4 or 2", int(p))
}

// Bits is the number of bits of a value.
func (p Precision) Bits() int {
	if p == 0 {
		return 32
	}
	return int(p)
}

// Quantized says that pages hold code values.
func (p Precision) Quantized() bool { return p.Bits() < 32 }

// String is float32, int8, int4 or int2.
func (p Precision) String() string {
	if !p.Quantized() {
		return "float32"
	}
	return fmt.Sprintf("int%d", int(p))
}

// Limit is the largest code value; the smallest is -Limit. Of Float32 it is the
// largest float32.
func (p Precision) Limit() float32 {
	switch p.Bits() {
	case 32:
		return math.MaxFloat32
	case 2:
		return 1.5
	}
	return float32(int(1)<<(p-1) - 1)
}

// Round is the code value nearest to x: of two equally near ones the even integer
// or, of 2 bits, the larger. It is never -0; NaN stays NaN, which is no code
// value. Float32 changes nothing.
func (p Precision) Round(x float32) float32 {
	switch p.Bits() {
	case 32:
		return x
	case 2:
		x = float32(math.Floor(float64(x))) + 0.5
	default:
		x = float32(math.RoundToEven(float64(x)))
		if x == 0 {
			return 0 // not -0, which is not stored
		}
	}
	return max(-p.Limit(), min(x, p.Limit()))
}

// Check returns an error for the first of values that [Precision.Pack] would change.
// Float32 changes none; -0 is no code value.
func (p Precision) Check(values []float32) error {
	if !p.Quantized() {
		return nil
	}
	for i, v := range values {
		if v != p.Round(v) || v == 0 && math.Signbit(float64(v)) {
			return fmt.Errorf("value %d is %v, not a code value of %v (Round gives one)", i, v, p)
		}
	}
	return nil
}

// Bytes is the size of n packed values. A page starts at a byte.
func (p Precision) Bytes(n int) int { return (n*p.Bits() + 7) / 8 }

// Pack stores pages of size values, [Precision.Bytes](size) each: float32 little
// endian, two's complement int8 and int4, and for 2 bits the rank of the code value,
// 0 the smallest. The first value of a byte is in its lowest bits; bits left over are
// zero. A quantized value becomes the nearest code value, NaN the one nearest to 0.
func (p Precision) Pack(values []float32, size int) []byte {
	width, bits := p.Bytes(size), p.Bits()
	packed := make([]byte, len(values)/size*width)
	if bits == 32 {
		PutFloats(packed, values)
		return packed
	}
	for k := 0; k*width < len(packed); k++ {
		page := packed[k*width:]
		for i, v := range values[k*size : (k+1)*size] {
			page[i*bits/8] |= p.code(v) << (i * bits % 8)
		}
	}
	return packed
}

// code is the bits of the code value nearest to v, of 8 bits or less.
func (p Precision) code(v float32) byte {
	if v != v {
		v = 0
	}
	v = p.Round(v)
	if p == Int2 {
		return byte(v + 1.5)
	}
	return byte(int8(v)) & (1<<p - 1)
}

// Unpack is the inverse of [Precision.Pack].
func (p Precision) Unpack(packed []byte, size int) []float32 {
	width := p.Bytes(size)
	values := make([]float32, len(packed)/width*size)
	for k := 0; k*width < len(packed); k++ {
		p.decode(values[k*size:(k+1)*size], packed[k*width:(k+1)*width], nil, 1)
	}
	return values
}

// CheckPacked returns an error for packed pages that [Precision.Pack] does not give: a
// part of a page, bits that no code value has, left-over bits that are not zero, or a
// float32 that is not finite.
func (p Precision) CheckPacked(packed []byte, size int) error {
	width, bits, limit := p.Bytes(size), p.Bits(), p.Limit()
	if len(packed)%width != 0 {
		return fmt.Errorf("%d bytes, want %d for each page of %d values of %v", len(packed), width, size, p)
	}
	var values [512]float32 // a part of a page that ends with a byte
	for k := 0; k*width < len(packed); k++ {
		page := packed[k*width : (k+1)*width]
		for at := 0; at < size; at += len(values) {
			part := values[:min(len(values), size-at)]
			p.decode(part, page[at*bits/8:], nil, 1)
			for i, v := range part {
				if !(v >= -limit && v <= limit) {
					return fmt.Errorf("page %d: value %d is %v, want %v..%v", k, at+i, v, -limit, limit)
				}
			}
		}
		if used := size * bits % 8; used != 0 && page[width-1]>>used != 0 {
			return fmt.Errorf("page %d: last byte is %#02x, want zeros above its first %d bits",
				k, page[width-1], used)
		}
	}
	return nil
}

// PackFloats stores values as float32, little endian.
func PackFloats(values []float32) []byte { return Float32.Pack(values, 1) }

// PutFloats writes values over the first bytes of dst as float32, little endian.
func PutFloats(dst []byte, values []float32) {
	for i, v := range values {
		binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(v))
	}
}

// Floats is the inverse of [PackFloats].
func Floats(packed []byte) []float32 {
	values := make([]float32, len(packed)/4)
	Float32.decode(values, packed, nil, 1)
	return values
}
