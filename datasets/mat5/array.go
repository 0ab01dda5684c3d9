package mat5

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// Bounds of an array's header: no real file comes near them.
const (
	maxDims = 64  // dimensions
	maxName = 255 // bytes of the name; MATLAB's own are at most 63
)

// Array is a variable of the file.
type Array struct {
	Name    string // "" possibly, for classes that are not numeric
	Class   Class
	Complex bool
	Dims    []int // the size of each dimension, two at least; none for Opaque
	Type    Type  // how the values are stored; 0 unless they can be read
	Order   binary.ByteOrder

	m    *matrix
	data io.Reader // the values
	left int64     // bytes of values not read yet
	pad  int64     // bytes after them
	err  error     // what Read returned last, if it was an error
}

// Readable reports whether the array's values can be read: it is numeric and real.
func (a *Array) Readable() bool { return a.Class.Numeric() && !a.Complex }

// Len is the number of values left to read: at first the product of Dims for arrays
// that can be read, and 0 for others.
func (a *Array) Len() int {
	if a.Type == 0 {
		return 0
	}
	return int(a.left / int64(a.Type.Size()))
}

// readArray reads the header of an array: flags, dimensions, name and, where the values
// can be read, their tag. The values may take at most limit bytes.
func readArray(m *matrix, limit int64) (*Array, error) {
	a := &Array{Order: m.order, m: m}
	b, err := m.element(StoredUint32, 8)
	if err != nil {
		return nil, fmt.Errorf("array flags: %w", err)
	}
	if len(b) != 8 {
		return nil, fmt.Errorf("array flags: expected 8 bytes, found %d", len(b))
	}
	flags := m.order.Uint32(b)
	a.Class = Class(flags)
	a.Complex = flags&0x800 != 0
	if a.Class < Cell || a.Class > Opaque {
		return nil, fmt.Errorf("array flags: class: expected %d to %d, found %d", Cell, Opaque, a.Class)
	}
	if a.Class != Opaque {
		if a.Dims, err = readDims(m); err != nil {
			return nil, fmt.Errorf("dimensions: %w", err)
		}
	}
	if b, err = m.element(StoredInt8, maxName); err != nil {
		return nil, fmt.Errorf("name: %w", err)
	}
	a.Name = string(b)
	if !a.Readable() {
		return a, nil
	}
	if err := a.readValuesTag(limit); err != nil {
		return nil, fmt.Errorf("%q: %w", a.Name, err)
	}
	return a, nil
}

// readDims reads the element with the dimensions.
func readDims(m *matrix) ([]int, error) {
	b, err := m.element(StoredInt32, 4*maxDims)
	if err != nil {
		return nil, err
	}
	if len(b) < 8 || len(b)%4 != 0 {
		return nil, fmt.Errorf("expected two or more, 4 bytes each, found %d bytes", len(b))
	}
	dims := make([]int, len(b)/4)
	for i := range dims {
		d := int32(m.order.Uint32(b[4*i:]))
		if d < 0 {
			return nil, fmt.Errorf("dimension %d: expected 0 or more, found %d", i, d)
		}
		dims[i] = int(d)
	}
	return dims, nil
}

// product is the product of the dimensions, math.MaxInt64 if it is larger than that.
func product(dims []int) int64 {
	n := int64(1)
	for _, d := range dims {
		if d == 0 {
			return 0
		}
		if n > math.MaxInt64/int64(d) {
			n = math.MaxInt64 // and so it stays, unless a dimension is 0
			continue
		}
		n *= int64(d)
	}
	return n
}

// readValuesTag reads the tag of the values and checks it against the dimensions.
func (a *Array) readValuesTag(limit int64) error {
	t, err := a.m.tag()
	if err != nil {
		return fmt.Errorf("values: %w", err)
	}
	width := int64(t.typ.Size())
	if width == 0 {
		return fmt.Errorf("values: expected numbers, found %v", t.typ)
	}
	n := product(a.Dims)
	if n > limit/width {
		return fmt.Errorf("dimensions %v: expected at most %d bytes of values, found %d values of %d bytes",
			a.Dims, limit, n, width)
	}
	if int64(t.size) != n*width {
		return fmt.Errorf("values: dimensions %v of %v take %d bytes, found %d",
			a.Dims, t.typ, n*width, t.size)
	}
	a.Type, a.left = t.typ, n*width
	if t.small {
		a.data = bytes.NewReader(t.data[:t.size])
	} else {
		a.data, a.pad = a.m, padding(t.size)
	}
	return nil
}
