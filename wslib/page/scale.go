package page

import (
	"encoding/binary"
	"fmt"
	"math"
)

// ScaleFormat says how the scale of a page is stored. The empty string means
// ScaleFloat32.
type ScaleFormat string

const (
	ScaleFloat32 ScaleFormat = "float32" // 4 bytes
	ScaleFloat16 ScaleFormat = "float16" // 2 bytes, IEEE 754 half precision
	// ScaleLog8 is 1 byte: 0 is 0; else bit 7 is the sign and the others, m = 1..127,
	// stand for 2^((m-112)/8), steps of 9 % from 6.7e-5 to 3.7.
	ScaleLog8 ScaleFormat = "log8"
)

// Validate reports a format that there is not.
func (f ScaleFormat) Validate() error {
	if f.Bytes() == 0 {
		return fmt.Errorf("scale format %q, want %s, %s or %s",
			string(f), ScaleFloat32, ScaleFloat16, ScaleLog8)
	}
	return nil
}

// Bytes is the size of a scale; 0 of a format that there is not.
func (f ScaleFormat) Bytes() int {
	switch f {
	case ScaleFloat32, "":
		return 4
	case ScaleFloat16:
		return 2
	case ScaleLog8:
		return 1
	}
	return 0
}

// Round is the nearest value that the format has, on a scale of logarithms for
// ScaleLog8. What is beyond the largest becomes the largest. For ScaleLog8 what is
// below the smallest becomes the smallest or, below half of it, 0. NaN stays NaN.
func (f ScaleFormat) Round(v float32) float32 {
	if v != v {
		return v
	}
	return f.Unpack(f.Pack([]float32{v}))[0]
}

// Check returns an error for the first of scales that is not finite or that the format
// does not have.
func (f ScaleFormat) Check(scales []float32) error {
	for i, v := range scales {
		if !(v >= -math.MaxFloat32 && v <= math.MaxFloat32) {
			return fmt.Errorf("scale %d is %v, want a finite number", i, v)
		}
		// Bits are compared: ScaleLog8 has no -0.
		if math.Float32bits(v) != math.Float32bits(f.Round(v)) {
			return fmt.Errorf("scale %d is %v, not a value of %s (Round gives one)", i, v, f)
		}
	}
	return nil
}

// Pack stores scales, [ScaleFormat.Bytes] each, little endian, rounded where [ScaleFormat.Check]
// says that the format does not have them.
func (f ScaleFormat) Pack(scales []float32) []byte {
	packed := make([]byte, 0, f.Bytes()*len(scales))
	for _, v := range scales {
		switch f {
		case ScaleFloat16:
			packed = binary.LittleEndian.AppendUint16(packed, halfBits(v))
		case ScaleLog8:
			packed = append(packed, log8Bits(v))
		default:
			packed = binary.LittleEndian.AppendUint32(packed, math.Float32bits(v))
		}
	}
	return packed
}

// Unpack is the inverse of [ScaleFormat.Pack]. [ScaleFormat.Check] refuses what it makes of bits
// that no scale has.
func (f ScaleFormat) Unpack(packed []byte) []float32 {
	scales := make([]float32, len(packed)/f.Bytes())
	for i := range scales {
		switch f {
		case ScaleFloat16:
			scales[i] = halfValue(binary.LittleEndian.Uint16(packed[2*i:]))
		case ScaleLog8:
			scales[i] = log8Value(packed[i])
		default:
			scales[i] = math.Float32frombits(binary.LittleEndian.Uint32(packed[4*i:]))
		}
	}
	return scales
}

// halfBits rounds to half precision, ties to even, as the libraries at hand do not.
func halfBits(v float32) uint16 {
	var sign uint16
	if math.Signbit(float64(v)) {
		sign = 0x8000
	}
	a := min(math.Abs(float64(v)), 65504)
	if a == 0 {
		return sign
	}
	exp := max(math.Ilogb(a), -14)                 // below 2^-14 steps are as at 2^-14
	n := math.RoundToEven(math.Ldexp(a, 10-exp))   // 1024..2048, or less if subnormal
	return sign | (uint16(exp+14)<<10 + uint16(n)) // 2048 carries into the exponent
}

// halfValue is exact, and 65536 or more where h is not finite. The exponents' biases differ by 112.
func halfValue(h uint16) float32 {
	v := math.Float32frombits(uint32(h&0x7fff)<<13) * 0x1p112
	if h&0x8000 != 0 {
		return -v
	}
	return v
}

// log8One is the magnitude that stands for 1, log8Steps the steps of a doubling.
const (
	log8One   = 112
	log8Steps = 8
	log8Max   = 127
)

func log8Bits(v float32) byte {
	a := math.Abs(float64(v))
	m := math.RoundToEven(math.Log2(a)*log8Steps) + log8One
	if m < 1 {
		if a < float64(log8Value(1))/2 {
			return 0
		}
		m = 1
	}
	b := byte(min(m, log8Max))
	if v < 0 {
		b |= 0x80
	}
	return b
}

// log8Value is the value of a byte, -0 of 0x80. Its eight roots are constants, so that it is
// the same on every machine.
func log8Value(b byte) float32 {
	roots := [log8Steps]float64{
		1, 1.0905077326652577, 1.189207115002721, 1.2968395546510096,
		1.4142135623730951, 1.5422108254079407, 1.681792830507429, 1.8340080864093424,
	}
	v := float32(0)
	if m := int(b & 0x7f); m > 0 {
		v = float32(math.Ldexp(roots[m%log8Steps], m/log8Steps-log8One/log8Steps))
	}
	if b&0x80 != 0 {
		return -v
	}
	return v
}
