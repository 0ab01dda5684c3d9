package mat5

import (
	"cmp"
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

// classes are the names of the classes, by their numbers in the file.
var classes = [...]string{"", "cell", "struct", "object", "char", "sparse", "double", "single",
	"int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "function", "opaque"}

const (
	classDouble = 6 // the first of the numeric classes
	classUint64 = 15
	classOpaque = 17 // an object of a class defined in MATLAB code
)

// storage is what the bytes of a data element are. It may be smaller than the class of
// an array: MATLAB stores whole numbers of class double in integers that hold them.
type storage uint32

const (
	typeInt8       storage = 1
	typeUint8      storage = 2
	typeInt32      storage = 5
	typeUint32     storage = 6
	typeMatrix     storage = 14
	typeCompressed storage = 15
	typeUTF8       storage = 16
)

type order = binary.ByteOrder

// storages has the name of each storage and, for numbers, their size in bytes and what
// makes a number of those.
var storages = map[storage]struct {
	name  string
	size  int
	value func(o order, b []byte) float64
}{
	typeInt8:       {"int8", 1, func(_ order, b []byte) float64 { return float64(int8(b[0])) }},
	typeUint8:      {"uint8", 1, func(_ order, b []byte) float64 { return float64(b[0]) }},
	3:              {"int16", 2, func(o order, b []byte) float64 { return float64(int16(o.Uint16(b))) }},
	4:              {"uint16", 2, func(o order, b []byte) float64 { return float64(o.Uint16(b)) }},
	typeInt32:      {"int32", 4, func(o order, b []byte) float64 { return float64(int32(o.Uint32(b))) }},
	typeUint32:     {"uint32", 4, func(o order, b []byte) float64 { return float64(o.Uint32(b)) }},
	7:              {"single", 4, single},
	9:              {"double", 8, double},
	12:             {"int64", 8, func(o order, b []byte) float64 { return float64(int64(o.Uint64(b))) }},
	13:             {"uint64", 8, func(o order, b []byte) float64 { return float64(o.Uint64(b)) }},
	typeMatrix:     {name: "matrix"},
	typeCompressed: {name: "compressed"},
	typeUTF8:       {name: "utf8"},
}

func single(o order, b []byte) float64 { return float64(math.Float32frombits(o.Uint32(b))) }
func double(o order, b []byte) float64 { return math.Float64frombits(o.Uint64(b)) }

func (s storage) String() string { return cmp.Or(storages[s].name, fmt.Sprintf("type %d", uint32(s))) }

// Array is a variable of the file.
type Array struct {
	Name  string // "" possibly, for classes that are not numeric
	Class string // as MATLAB shows it: uint8 for a logical array, with complex before it if so
	Dims  []int  // the size of each dimension, two at least; none for the class opaque

	m      *matrix
	stored storage   // 0 unless the values can be read
	data   io.Reader // the values
	left   int       // values not read yet
	pad    int64     // bytes after them
	err    error     // of a read, after which there is no other
}

// Readable reports whether the array's values can be read: it is numeric and real.
func (a *Array) Readable() bool { return a.stored != 0 }

// Len is the number of values left to read: at first the product of Dims for arrays
// that can be read, and 0 for others.
func (a *Array) Len() int { return a.left }

// readArray reads the header of an array, of which the values may take at most limit bytes. MATLAB
// stores dimensions as int32 and names as int8, other programs as uint32 and as text too.
func readArray(m *matrix, limit int64) (*Array, error) {
	b, err := m.element(8, typeUint32)
	if err == nil && len(b) != 8 {
		err = fmt.Errorf("expected 8 bytes, found %d", len(b))
	}
	if err != nil {
		return nil, fmt.Errorf("array flags: %w", err)
	}
	flags := m.order.Uint32(b)
	class := uint8(flags)
	if class < 1 || class > classOpaque {
		return nil, fmt.Errorf("array flags: class: expected 1 to %d, found %d", classOpaque, class)
	}
	a := &Array{m: m, Class: classes[class]}
	if class != classOpaque {
		if err := a.readDims(); err != nil {
			return nil, fmt.Errorf("dimensions: %w", err)
		}
	}
	if b, err = m.element(maxName, typeInt8, typeUint8, typeUTF8); err != nil {
		return nil, fmt.Errorf("name: %w", err)
	}
	a.Name = string(b)
	switch {
	case flags&0x800 != 0:
		a.Class = "complex " + a.Class
	case class >= classDouble && class <= classUint64:
		if err := a.readValuesTag(limit); err != nil {
			return nil, fmt.Errorf("%q: %w", a.Name, err)
		}
	}
	return a, nil
}

func (a *Array) readDims() error {
	b, err := a.m.element(4*maxDims, typeInt32, typeUint32)
	if err != nil {
		return err
	}
	if len(b) < 8 || len(b)%4 != 0 {
		return fmt.Errorf("expected two or more, 4 bytes each, found %d bytes", len(b))
	}
	for d := range slices.Chunk(b, 4) {
		n := int(int32(a.m.order.Uint32(d)))
		if n < 0 {
			return fmt.Errorf("dimension %d: expected 0 or more, found %d", len(a.Dims), n)
		}
		a.Dims = append(a.Dims, n)
	}
	return nil
}

// readValuesTag reads the tag of the values and checks it against the dimensions.
func (a *Array) readValuesTag(limit int64) error {
	t, err := a.m.tag()
	if err != nil {
		return fmt.Errorf("values: %w", err)
	}
	width := int64(storages[t.typ].size)
	if width == 0 {
		return fmt.Errorf("values: expected numbers, found %v", t.typ)
	}
	n := 1.0 // rounded beyond 2^53, which is beyond any limit, too
	for _, d := range a.Dims {
		n *= float64(d)
	}
	if !(n <= float64(limit/width)) {
		return fmt.Errorf("dimensions %v: expected at most %d bytes of values, "+
			"found %.0f values of %d bytes", a.Dims, limit, n, width)
	}
	if int64(t.size) != int64(n)*width {
		return fmt.Errorf("values: dimensions %v of %v take %d bytes, found %d",
			a.Dims, t.typ, int64(n)*width, t.size)
	}
	a.stored, a.left, a.data, a.pad = t.typ, int(n), t.data, t.pad
	return nil
}

// errorf returns an error with the array's name.
func (a *Array) errorf(format string, args ...any) error {
	return fmt.Errorf("mat5: variable %q: %w", a.Name, fmt.Errorf(format, args...))
}

// Float64s reads the next len(dst) values into dst. It is an error if the array is not
// [Array.Readable], or if there are not so many values left. Integers of 64 bits that a
// float64 cannot hold are rounded. Reading the last value also checks what follows it, for
// a compressed array the checksum of all its data; [Reader.Next] then returns the error as well.
func (a *Array) Float64s(dst []float64) error {
	switch {
	case a.err != nil:
		return a.err
	case !a.Readable():
		return a.errorf("expected an array of real numbers, found one of class %s", a.Class)
	case len(dst) > a.left:
		return a.errorf("asked for %d values, found %d left", len(dst), a.left)
	}
	number := storages[a.stored]
	var buf [4096]byte
	for {
		n := min(len(dst), len(buf)/number.size)
		if err := a.read(buf[:n*number.size]); err != nil {
			return err
		}
		for i := range n {
			dst[i] = number.value(a.m.order, buf[i*number.size:])
		}
		if dst = dst[n:]; len(dst) == 0 {
			return nil
		}
	}
}

// read fills b with values as they are stored, and checks what follows the last one.
func (a *Array) read(b []byte) error {
	_, err := io.ReadFull(a.data, b)
	err = noEOF(err)
	if a.left -= len(b) / storages[a.stored].size; err == nil && a.left == 0 {
		err = a.m.end(a.pad)
	}
	if err != nil {
		a.err = a.errorf("values: %w", err)
	}
	return a.err
}
