package mat5

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
)

// Bounds of an array's header: no real file comes near them.
const (
	maxDims = 64  // dimensions
	maxName = 255 // bytes of the name; MATLAB's own are at most 63
)

// Class is the class of an array as MATLAB shows it.
type Class uint8

// The classes of arrays. A logical array is of class Uint8.
const (
	Cell Class = 1 + iota
	Struct
	Object
	Char
	Sparse
	Double
	Single
	Int8
	Uint8
	Int16
	Uint16
	Int32
	Uint32
	Int64
	Uint64
	Function
	Opaque // an object of a class defined in MATLAB code
)

func (c Class) String() string {
	names := [...]string{"", "cell", "struct", "object", "char", "sparse", "double", "single",
		"int8", "uint8",
		"int16", "uint16", "int32", "uint32", "int64", "uint64", "function", "opaque"}
	if c >= Cell && c <= Opaque {
		return names[c]
	}
	return fmt.Sprintf("class %d", uint8(c))
}

// Type is how the values of an array are stored in the file. It may be smaller than the
// class: MATLAB stores whole numbers of class Double in integers that hold them.
type Type uint32

// The types that values are stored as, and two that are not values.
const (
	StoredInt8     Type = 1
	StoredUint8    Type = 2
	StoredInt16    Type = 3
	StoredUint16   Type = 4
	StoredInt32    Type = 5
	StoredUint32   Type = 6
	StoredSingle   Type = 7
	StoredDouble   Type = 9
	StoredInt64    Type = 12
	StoredUint64   Type = 13
	typeMatrix     Type = 14
	typeCompressed Type = 15
)

// number says how a type's values are stored: in so many bytes, from which value makes a number.
type number struct {
	name  string
	size  int
	value func(o binary.ByteOrder, b []byte) float64
}

func (t Type) number() number { return numbers[t] }

type order = binary.ByteOrder

var numbers = map[Type]number{
	StoredInt8:   {"int8", 1, func(_ order, b []byte) float64 { return float64(int8(b[0])) }},
	StoredUint8:  {"uint8", 1, func(_ order, b []byte) float64 { return float64(b[0]) }},
	StoredInt16:  {"int16", 2, func(o order, b []byte) float64 { return float64(int16(o.Uint16(b))) }},
	StoredUint16: {"uint16", 2, func(o order, b []byte) float64 { return float64(o.Uint16(b)) }},
	StoredInt32:  {"int32", 4, func(o order, b []byte) float64 { return float64(int32(o.Uint32(b))) }},
	StoredUint32: {"uint32", 4, func(o order, b []byte) float64 { return float64(o.Uint32(b)) }},
	StoredSingle: {"single", 4, func(o order,
		b []byte) float64 {
		return float64(math.Float32frombits(o.Uint32(b)))
	}},
	StoredDouble: {"double", 8, func(o order,
		b []byte) float64 {
		return math.Float64frombits(o.Uint64(b))
	}},
	StoredInt64:  {"int64", 8, func(o order, b []byte) float64 { return float64(int64(o.Uint64(b))) }},
	StoredUint64: {"uint64", 8, func(o order, b []byte) float64 { return float64(o.Uint64(b)) }},
}

func (t Type) String() string {
	switch name := t.number().name; {
	case name != "":
		return name
	case t == typeMatrix:
		return "matrix"
	case t == typeCompressed:
		return "compressed"
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// Array is a variable of the file.
type Array struct {
	Name    string // "" possibly, for classes that are not numeric
	Class   Class
	Complex bool
	Dims    []int // the size of each dimension, two at least; none for Opaque
	Type    Type  // how the values are stored; 0 unless they can be read

	m    *matrix
	data io.Reader // the values
	left int       // values not read yet
	pad  int64     // bytes after them
	err  error     // of a read, after which there is no other
}

// Readable reports whether the array's values can be read: it is numeric and real.
func (a *Array) Readable() bool { return a.Class >= Double && a.Class <= Uint64 && !a.Complex }

// Len is the number of values left to read: at first the product of Dims for arrays
// that can be read, and 0 for others.
func (a *Array) Len() int { return a.left }

// readArray reads the header of an array: flags, dimensions, name and, where the values
// can be read, their tag. The values may take at most limit bytes.
func readArray(m *matrix, limit int64) (*Array, error) {
	a := &Array{m: m}
	var dims []byte
	b, err := m.element(StoredUint32, 8)
	if err == nil && len(b) != 8 {
		err = fmt.Errorf("expected 8 bytes, found %d", len(b))
	}
	if err != nil {
		return nil, fmt.Errorf("array flags: %w", err)
	}
	flags := m.order.Uint32(b)
	a.Class = Class(flags)
	a.Complex = flags&0x800 != 0
	if a.Class < Cell || a.Class > Opaque {
		return nil, fmt.Errorf("array flags: class: expected %d to %d, found %d", Cell, Opaque, a.Class)
	}
	if a.Class != Opaque {
		if dims, err = m.element(StoredInt32, 4*maxDims); err == nil && (len(dims) < 8 || len(dims)%4 != 0) {
			err = fmt.Errorf("expected two or more, 4 bytes each, found %d bytes", len(dims))
		}
		if err != nil {
			return nil, fmt.Errorf("dimensions: %w", err)
		}
	}
	for d := range slices.Chunk(dims, 4) {
		a.Dims = append(a.Dims, int(int32(m.order.Uint32(d))))
		if last := len(a.Dims) - 1; a.Dims[last] < 0 {
			return nil, fmt.Errorf("dimensions: dimension %d: expected 0 or more, found %d", last,
				a.Dims[last])
		}
	}
	if b, err = m.element(StoredInt8, maxName); err != nil {
		return nil, fmt.Errorf("name: %w", err)
	}
	a.Name = string(b)
	if a.Readable() {
		if err := a.readValuesTag(limit); err != nil {
			return nil, fmt.Errorf("%q: %w", a.Name, err)
		}
	}
	return a, nil
}

// readValuesTag reads the tag of the values and checks it against the dimensions.
func (a *Array) readValuesTag(limit int64) error {
	t, err := a.m.tag()
	if err != nil {
		return fmt.Errorf("values: %w", err)
	}
	width := int64(t.typ.number().size)
	if width == 0 {
		return fmt.Errorf("values: expected numbers, found %v", t.typ)
	}
	n := 1.0 // rounded beyond 2^53, which is beyond any limit, too
	for _, d := range a.Dims {
		n *= float64(d)
	}
	if !(n <= float64(limit/width)) {
		return fmt.Errorf("dimensions %v: expected at most %d bytes of values, found %.0f values of "+
			"%d bytes",
			a.Dims, limit, n, width)
	}
	if int64(t.size) != int64(n)*width {
		return fmt.Errorf("values: dimensions %v of %v take %d bytes, found %d",
			a.Dims, t.typ, int64(n)*width, t.size)
	}
	a.Type, a.left = t.typ, int(n)
	if t.small {
		a.data = bytes.NewReader(t.data[:t.size])
	} else {
		a.data, a.pad = a.m, padding(t.size)
	}
	return nil
}

// errorf returns an error with the array's name.
func (a *Array) errorf(format string, args ...any) error {
	return fmt.Errorf("mat5: variable %q: %w", a.Name, fmt.Errorf(format, args...))
}

// Uint8s reads the next len(dst) values into dst. It is an error if the array is not
// [Array.Readable], if there are not so many values left, or if one is not a whole number
// from 0 to 255. Reading the last value also checks what follows it, for a compressed
// array the checksum of all its data; [Reader.Next] then returns the error as well.
func (a *Array) Uint8s(dst []uint8) error {
	if a.Type == StoredUint8 {
		if err := a.check(len(dst)); err != nil {
			return err
		}
		return a.read(dst)
	}
	return a.each(len(dst), func(i int, v float64) error {
		if !(v >= 0 && v <= 255) || v != math.Trunc(v) {
			return a.errorf("expected whole numbers from 0 to 255, found %v", v)
		}
		dst[i] = uint8(v)
		return nil
	})
}

// Float64s reads the next len(dst) values into dst. Errors are those of [Array.Uint8s], but
// values may be any numbers. Integers of 64 bits that a float64 cannot hold are rounded.
func (a *Array) Float64s(dst []float64) error {
	return a.each(len(dst), func(i int, v float64) error {
		dst[i] = v
		return nil
	})
}

// each calls f with the next n values.
func (a *Array) each(n int, f func(i int, v float64) error) error {
	if err := a.check(n); err != nil {
		return err
	}
	num := a.Type.number()
	var buf [4096]byte
	for i := 0; ; {
		b := buf[:min(n-i, len(buf)/num.size)*num.size]
		if err := a.read(b); err != nil {
			return err
		}
		for ; len(b) > 0; i, b = i+1, b[num.size:] {
			if err := f(i, num.value(a.m.order, b)); err != nil {
				return err
			}
		}
		if i == n {
			return nil
		}
	}
}

// check returns an error unless n more values can be read.
func (a *Array) check(n int) error {
	switch {
	case a.err != nil:
		return a.err
	case a.Complex:
		return a.errorf("expected real numbers, found complex ones")
	case a.Type == 0:
		return a.errorf("expected an array of numbers, found one of class %v", a.Class)
	case n > a.left:
		return a.errorf("asked for %d values, found %d left", n, a.left)
	}
	return nil
}

// read fills b with values as they are stored, and checks what follows the last one.
func (a *Array) read(b []byte) error {
	_, err := io.ReadFull(a.data, b)
	err = noEOF(err)
	if a.left -= len(b) / a.Type.number().size; err == nil && a.left == 0 {
		if err = a.m.skip(a.pad); err == nil {
			err = a.m.end()
		}
	}
	if err != nil {
		a.err = a.errorf("values: %w", err)
	}
	return a.err
}
