// Package npy reads and writes the .npy files of a run: whole or not at all.
//
// A file appears under its name only when complete and synced, and a truncated,
// oversized or wrongly typed file is an error that names the file instead of zeros.
package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/sbinet/npyio/npy"

	"weightsep/wslib/page"
)

// Value is an element type that [Write] stores.
type Value interface {
	~float32 | ~int8 | ~int16 | ~int32 | ~uint8 | ~uint16
}

// Write stores data, row-major with the given shape, under path. No shape means
// one axis. The file is written to a temporary name, synced and renamed.
func Write[T Value](path string, data []T, shape ...int) error {
	kind := map[reflect.Kind]string{
		reflect.Float32: "<f4", reflect.Int8: "|i1", reflect.Int16: "<i2",
		reflect.Int32: "<i4", reflect.Uint8: "|u1", reflect.Uint16: "<u2",
	}[reflect.TypeFor[T]().Kind()]
	if len(shape) == 0 {
		shape = []int{len(data)}
	}
	raw, err := binary.Append(nil, binary.LittleEndian, data)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return WriteBytes(path, kind, raw, shape...)
}

// WriteBytes is [Write] of values that are bytes already, little endian, of a type as
// "<f4". A shape of zero elements is stored as (0,).
func WriteBytes(path, kind string, data []byte, shape ...int) error {
	file, err := File(kind, data, shape...)
	if err == nil {
		err = renameio.WriteFile(path, file, 0o644)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// File is the content of the file that [WriteBytes] writes.
func File(kind string, data []byte, shape ...int) ([]byte, error) {
	if product(shape) != len(data)/width(kind) || len(data)%width(kind) != 0 {
		return nil, fmt.Errorf("%d values do not fill shape %v", len(data)/width(kind), shape)
	}
	if len(data) == 0 {
		shape = []int{0}
	}
	sides := strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", ", "), "[]")
	if len(shape) == 1 {
		sides += ","
	}
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", kind, sides)
	header += strings.Repeat(" ", (12+len(header)+1)%16) + "\n" // as npyio pads, which wrote older files
	file := binary.LittleEndian.AppendUint32([]byte("\x93NUMPY\x02\x00"), uint32(len(header)))
	return slices.Concat(file, []byte(header), data), nil
}

// ReadFloats reads a float32 or float64 file (the latter is rounded) in C order.
// It returns the values row-major and the shape.
func ReadFloats(path string) ([]float32, []int, error) {
	return floats(ReadBytes(path, "<f4", "<f8"))
}

// ReadFloatsFS is [ReadFloats] of a file in fsys, whose files must be seekable
// as those of the operating system and of embed are.
func ReadFloatsFS(fsys fs.FS, name string) ([]float32, []int, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	return floats(read(f, name, []string{"<f4", "<f8"}))
}

func floats(kind string, data []byte, shape []int, err error) ([]float32, []int, error) {
	if err != nil {
		return nil, nil, err
	}
	if kind == "<f4" {
		return page.Floats(data), shape, nil
	}
	out := make([]float32, len(data)/8)
	for i := range out {
		out[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:])))
	}
	return out, shape, nil
}

// ReadBytes reads a file whose elements have one of the given types, in C order. It
// returns the type, the values' bytes, row-major, and the shape.
func ReadBytes(path string, kinds ...string) (kind string, data []byte, shape []int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", nil, nil, err
	}
	defer f.Close()
	return read(f, path, kinds)
}

func read(f fs.File, path string, kinds []string) (kind string, data []byte, shape []int, err error) {
	defer func() {
		if recover() != nil { // npyio slices the header at places that it does not check
			err = errors.New("not a .npy file: damaged header")
		}
		if err != nil {
			kind, data, shape, err = "", nil, nil, fmt.Errorf("read %s: %w", path, err)
		}
	}()
	r, err := npy.NewReader(f)
	if err != nil {
		return "", nil, nil, fmt.Errorf("not a .npy file: %w", err)
	}
	kind, shape = r.Header.Descr.Type, r.Header.Descr.Shape
	switch {
	case !slices.Contains(kinds, kind):
		err = fmt.Errorf("element type %q, want one of %s", kind, strings.Join(kinds, " "))
	case r.Header.Descr.Fortran && len(shape) > 1:
		err = errors.New("Fortran order, want C order")
	case slices.ContainsFunc(shape, func(d int) bool { return d < 0 || d > 1<<40 }):
		err = fmt.Errorf("shape %v", shape)
	}
	if err != nil {
		return "", nil, nil, err
	}
	// The size is checked before anything is allocated: the shape is only a claim.
	at, err := f.(io.Seeker).Seek(0, io.SeekCurrent)
	if err != nil {
		return "", nil, nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return "", nil, nil, err
	}
	if got, want := info.Size()-at, int64(product(shape))*int64(width(kind)); got != want {
		return "", nil, nil, fmt.Errorf("%d bytes of data, shape %v of %s needs %d (truncated or damaged)",
			got, shape, kind, want)
	}
	data = make([]byte, info.Size()-at)
	_, err = io.ReadFull(f, data)
	return kind, data, shape, err
}

// width is the bytes of an element of a type as "<f4".
func width(kind string) int { return int(kind[2] - '0') }

// product is the number of elements, saturating where it would overflow.
func product(shape []int) int {
	n := 1
	for _, d := range shape {
		if d != 0 && n > math.MaxInt/d/8 {
			return math.MaxInt / 8
		}
		n *= d
	}
	return n
}
