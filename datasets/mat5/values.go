package mat5

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// Read reads the values as they are stored: Type says how wide they are, Order in which
// order their bytes come. It is an error if they cannot be read, see [Array.Readable].
//
// Reading the last value also checks what follows it, for a compressed array the
// checksum of all its data. The error then comes with the last bytes or in place of
// io.EOF, and [Reader.Next] returns it as well.
func (a *Array) Read(p []byte) (int, error) {
	if err := a.unreadable(); err != nil {
		return 0, err
	}
	if a.err != nil || len(p) == 0 && a.left > 0 {
		return 0, a.err
	}
	n := 0
	if a.left > 0 {
		n, a.err = a.data.Read(p[:min(int64(len(p)), a.left)])
		a.left -= int64(n)
	}
	if a.err == nil && a.left == 0 {
		a.err = a.end()
	}
	if a.err != nil {
		a.err = fmt.Errorf("mat5: variable %q: values: %w", a.Name, a.err)
		return n, a.err
	}
	if a.left == 0 {
		a.err = io.EOF
	}
	if n == 0 {
		return 0, a.err
	}
	return n, nil
}

// unreadable returns the error of reading an array that has no values to read.
func (a *Array) unreadable() error {
	switch {
	case a.Type != 0:
		return nil
	case a.Complex:
		return fmt.Errorf("mat5: variable %q: expected real numbers, found complex ones", a.Name)
	}
	return fmt.Errorf("mat5: variable %q: expected an array of numbers, found one of class %v", a.Name, a.Class)
}

// end checks what follows the last value.
func (a *Array) end() error {
	if err := a.m.skip(a.pad); err != nil {
		return err
	}
	return a.m.end()
}

// Uint8s reads the next len(dst) values into dst. It is an error if there are not so
// many left or one is not a whole number from 0 to 255.
func (a *Array) Uint8s(dst []uint8) error {
	if a.Type == StoredUint8 {
		return a.full(dst, len(dst))
	}
	var chunk [512]float64
	for {
		n := min(len(dst), len(chunk))
		if err := a.Float64s(chunk[:n]); err != nil {
			return err
		}
		for i, v := range chunk[:n] {
			if !(v >= 0 && v <= 255) || v != math.Trunc(v) {
				return fmt.Errorf("mat5: variable %q: expected whole numbers from 0 to 255, found %v", a.Name, v)
			}
			dst[i] = uint8(v)
		}
		if dst = dst[n:]; len(dst) == 0 {
			return nil
		}
	}
}

// Float64s reads the next len(dst) values into dst. It is an error if there are not so
// many left. Integers of 64 bits that a float64 cannot hold are rounded.
func (a *Array) Float64s(dst []float64) error {
	var buf [4096]byte
	for {
		n := min(len(dst), len(buf)/8)
		b := buf[:n*a.Type.Size()]
		if err := a.full(b, len(dst)); err != nil {
			return err
		}
		convert(dst[:n], b, a.Type, a.Order)
		if dst = dst[n:]; len(dst) == 0 {
			return nil
		}
	}
}

// full fills b with values, the first of n that are to be read.
func (a *Array) full(b []byte, n int) error {
	if err := a.unreadable(); err != nil {
		return err
	}
	if a.err != nil && a.err != io.EOF {
		return a.err
	}
	if size := int64(a.Type.Size()); int64(n) > a.left/size || a.left%size != 0 {
		return fmt.Errorf("mat5: variable %q: asked for %d values of %v, found %d bytes left",
			a.Name, n, a.Type, a.left)
	}
	if _, err := io.ReadFull(a, b); err != nil {
		return err
	}
	if a.err == nil {
		a.Read(nil) // of an array without values, ReadFull reads nothing
	}
	// Nor does it tell an error that comes with the last bytes.
	if a.err != io.EOF {
		return a.err
	}
	return nil
}

// convert decodes stored values into dst.
func convert(dst []float64, b []byte, t Type, order binary.ByteOrder) {
	switch t {
	case StoredInt8:
		for i := range dst {
			dst[i] = float64(int8(b[i]))
		}
	case StoredUint8:
		for i := range dst {
			dst[i] = float64(b[i])
		}
	case StoredInt16:
		for i := range dst {
			dst[i] = float64(int16(order.Uint16(b[2*i:])))
		}
	case StoredUint16:
		for i := range dst {
			dst[i] = float64(order.Uint16(b[2*i:]))
		}
	case StoredInt32:
		for i := range dst {
			dst[i] = float64(int32(order.Uint32(b[4*i:])))
		}
	case StoredUint32:
		for i := range dst {
			dst[i] = float64(order.Uint32(b[4*i:]))
		}
	case StoredSingle:
		for i := range dst {
			dst[i] = float64(math.Float32frombits(order.Uint32(b[4*i:])))
		}
	case StoredDouble:
		for i := range dst {
			dst[i] = math.Float64frombits(order.Uint64(b[8*i:]))
		}
	case StoredInt64:
		for i := range dst {
			dst[i] = float64(int64(order.Uint64(b[8*i:])))
		}
	case StoredUint64:
		for i := range dst {
			dst[i] = float64(order.Uint64(b[8*i:]))
		}
	}
}
