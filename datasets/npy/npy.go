// Package npy reads and writes .npy files, NumPy's format of one array.
//
// A file appears under its name only when it is complete and synced. What is read is checked first: its
// header never decides how much memory is taken, and a truncated, oversized or wrongly typed file is an
// error that names it.
package npy

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"math"
	"reflect"
	"slices"
	"strings"

	"weightsep/datasets/files"
)

// Value is an element type that [Write] stores.
type Value interface {
	~float32 | ~int8 | ~int16 | ~int32 | ~uint8 | ~uint16
}

// Write stores data, row-major with the given shape, under path. No shape means one axis.
func Write[T Value](path string, data []T, shape ...int) error {
	raw, err := Values(data, shape...)
	if err == nil {
		err = files.WritePath(path, raw)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// Values is the content of the file that [Write] writes.
func Values[T Value](data []T, shape ...int) ([]byte, error) {
	kind := map[reflect.Kind]string{
		reflect.Float32: "<f4", reflect.Int8: "|i1", reflect.Int16: "<i2",
		reflect.Int32: "<i4", reflect.Uint8: "|u1", reflect.Uint16: "<u2",
	}[reflect.TypeFor[T]().Kind()]
	if len(shape) == 0 {
		shape = []int{len(data)}
	}
	raw, err := binary.Append(nil, binary.LittleEndian, data)
	if err != nil {
		return nil, err
	}
	return File(kind, raw, shape...)
}

// File is the content of the file of an array whose values are bytes already, little-endian, of a type
// as "<f4". A shape of zero elements is stored as (0,).
func File(kind string, data []byte, shape ...int) ([]byte, error) {
	width := int(kind[2] - '0')
	if elements(shape) != len(data)/width || len(data)%width != 0 {
		return nil, fmt.Errorf("%d values do not fill shape %v", len(data)/width, shape)
	}
	if len(data) == 0 {
		shape = []int{0}
	}
	sides := strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", ", "), "[]")
	if len(shape) == 1 {
		sides += ","
	}
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", kind, sides)
	header += strings.Repeat(" ", (12+len(header)+1)%16) + "\n"
	file := binary.LittleEndian.AppendUint32([]byte("\x93NUMPY\x02\x00"), uint32(len(header)))
	return slices.Concat(file, []byte(header), data), nil
}

// ReadFloats reads an array of numbers, rounded to float32. It returns the values row-major and the
// shape.
func ReadFloats(path string) ([]float32, []int, error) {
	r, err := Open(path)
	if err != nil {
		return nil, nil, err
	}
	return r.all()
}

// ReadFloatsFS is [ReadFloats] of a file in fsys.
func ReadFloatsFS(fsys fs.FS, name string) ([]float32, []int, error) {
	raw, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, nil, err
	}
	return Floats(name, raw)
}

// Floats is [ReadFloats] of the content of the file of that name.
func Floats(name string, raw []byte) ([]float32, []int, error) {
	r, err := NewReader(name, raw)
	if err != nil {
		return nil, nil, err
	}
	return r.all()
}

func (r *Reader) all() ([]float32, []int, error) {
	defer r.Close()
	if r.count > files.MaxSize/4 {
		return nil, nil, fmt.Errorf("read %s: %d values, want at most %d", r.name, r.count, files.MaxSize/4)
	}
	values := make([]float32, r.count)
	return values, r.Shape, r.Read(values)
}

// Raw is an array as it is stored.
type Raw struct {
	Type  string // "<f4"
	Shape []int
	Data  []byte
}

// Array reads the array of a file of the given content, whose elements have one of the given types, in
// C order: as [Write] writes it.
func Array(name string, raw []byte, kinds ...string) (Raw, error) {
	r, err := NewReader(name, raw)
	if err != nil {
		return Raw{}, err
	}
	switch {
	case !slices.Contains(kinds, r.Type):
		err = fmt.Errorf("read %s: element type %q, want one of %s", name, r.Type, strings.Join(kinds, " "))
	case r.Fortran && len(r.Shape) > 1:
		err = fmt.Errorf("read %s: Fortran order, want C order", name)
	}
	return Raw{Type: r.Type, Shape: r.Shape, Data: raw[r.start:]}, err
}

// elements is the number of elements of a shape, saturating where it would overflow.
func elements(shape []int) int {
	n := 1
	for _, d := range shape {
		if d != 0 && n > math.MaxInt/d/8 {
			return math.MaxInt / 8
		}
		n *= d
	}
	return n
}
