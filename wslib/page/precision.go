package page

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Precision is the number of bits that a value of a page is stored in. Below 32
// bits a page is quantized: it holds code values, and a weight is the scale of its
// page times a code value. Code values are the integers -L..L with L = 2^(bits-1)-1
// for 16, 8 and 4 bits; -1.5, -0.5, 0.5, 1.5 for 2 bits; -1 and 1 for 1 bit.
type Precision int

// The precisions there are. The zero value means Float32.
const (
	Float32 Precision = 32
	Int16   Precision = 16
	Int8    Precision = 8
	Int4    Precision = 4
	Int2    Precision = 2
	Int1    Precision = 1
)

// Validate reports a precision that there is not.
func (p Precision) Validate() error {
	switch p.Bits() {
	case 32, 16, 8, 4, 2, 1:
		return nil
	}
	return fmt.Errorf("precision of %d bits, want 32, 16, 8, 4, 2 or 1", int(p))
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

// String is float32, int16, int8, int4, int2 or int1.
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
	case 1:
		return 1
	}
	return float32(int(1)<<(p-1) - 1)
}

// Levels is the number of code values; 0 for Float32.
func (p Precision) Levels() int {
	switch p.Bits() {
	case 32:
		return 0
	case 2, 1:
		return 1 << p
	}
	return 1<<p - 1
}

// Round is the code value nearest to x: of two equally near ones the even integer
// or, below 4 bits, the larger. It is never -0; NaN stays NaN, which is no code
// value. Float32 changes nothing.
func (p Precision) Round(x float32) float32 {
	switch p.Bits() {
	case 32:
		return x
	case 2:
		x = float32(math.Floor(float64(x))) + 0.5
	case 1:
		switch {
		case x >= 0:
			return 1
		case x < 0:
			return -1
		}
		return x
	default:
		x = float32(math.RoundToEven(float64(x)))
		if x == 0 {
			return 0 // not -0, which is not stored
		}
	}
	return max(-p.Limit(), min(x, p.Limit()))
}

// Check reports the first of values that is not a code value, so that storing
// would change it. Any value is one of Float32; -0 is none of the others.
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

// Pack stores values, one page or a part of one, in [Precision.Bytes] bytes: float32
// and two's complement int16 little endian, two's complement int8 and int4, and for
// 2 and 1 bits the rank of the code value, 0 the smallest. The first value of a byte
// is in its lowest bits; bits left over are zero. A value that is not a code value
// is an error.
func (p Precision) Pack(values []float32) ([]byte, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if err := p.Check(values); err != nil {
		return nil, err
	}
	packed := make([]byte, p.Bytes(len(values)))
	bits := p.Bits()
	for i, v := range values {
		switch bits {
		case 32:
			binary.LittleEndian.PutUint32(packed[4*i:], math.Float32bits(v))
		case 16:
			binary.LittleEndian.PutUint16(packed[2*i:], uint16(int16(v)))
		default:
			at := i * bits
			packed[at/8] |= p.code(v) << (at % 8)
		}
	}
	return packed, nil
}

// code is the bits of a code value of 8 bits or less.
func (p Precision) code(v float32) byte {
	switch p {
	case Int2:
		return byte(v + 1.5)
	case Int1:
		return byte((v + 1) / 2)
	}
	return byte(int8(v)) & (1<<p - 1)
}

// Unpack is the inverse of [Precision.Pack]. A wrong number of bytes, bits that no
// code value has and left-over bits that are not zero are errors.
func (p Precision) Unpack(dst []float32, packed []byte) error {
	if err := p.Validate(); err != nil {
		return err
	}
	if want := p.Bytes(len(dst)); len(packed) != want {
		return fmt.Errorf("%d bytes, %d values of %v need %d", len(packed), len(dst), p, want)
	}
	p.decode(dst, packed, 1)
	if p.Quantized() {
		for i, v := range dst {
			if v < -p.Limit() {
				return fmt.Errorf("value %d is %v, want %v..%v", i, v, -p.Limit(), p.Limit())
			}
		}
	}
	if used := len(dst) * p.Bits() % 8; used != 0 && packed[len(packed)-1]>>used != 0 {
		return fmt.Errorf("last byte is %#02x, want zeros above its first %d bits", packed[len(packed)-1], used)
	}
	return nil
}

// PackPages packs pages of size values, [Bytes(size)] each.
func (p Precision) PackPages(values []float32, size int) ([]byte, error) {
	packed := make([]byte, 0, len(values)/size*p.Bytes(size))
	for i := 0; i < len(values); i += size {
		one, err := p.Pack(values[i : i+size])
		if err != nil {
			return nil, fmt.Errorf("page %d: %w", i/size, err)
		}
		packed = append(packed, one...)
	}
	return packed, nil
}

// UnpackPages is the inverse of [Precision.PackPages].
func (p Precision) UnpackPages(dst []float32, packed []byte, size int) error {
	width := p.Bytes(size)
	if pages := len(dst) / size; len(packed) != pages*width {
		return fmt.Errorf("%d bytes, %d pages of %v need %d each", len(packed), pages, p, width)
	}
	for i := 0; i*size < len(dst); i++ {
		if err := p.Unpack(dst[i*size:(i+1)*size], packed[i*width:(i+1)*width]); err != nil {
			return fmt.Errorf("page %d: %w", i, err)
		}
	}
	return nil
}
