// Package npy reads and writes the .npy files of a run: whole or not at all.
//
// It stands on npyio and adds what files that outlive a process need: a file
// appears under its name only when complete and synced, and a truncated,
// oversized or wrongly typed file is an error that names the file instead of
// zeros.
package npy

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"reflect"
	"strings"
	"unsafe"

	"github.com/google/renameio/v2"
	"github.com/sbinet/npyio/npy"
)

// Value is an element type that these files hold.
type Value interface {
	~float32 | ~int8 | ~int16 | ~int32 | ~uint8 | ~uint16
}

// Write stores data, row-major with the given shape, under path. No shape means
// one axis. The file is written to a temporary name, synced and renamed.
//
// A shape of zero elements is stored as (0,): npyio has no empty matrices.
func Write[T Value](path string, data []T, shape ...int) error {
	if len(shape) == 0 {
		shape = []int{len(data)}
	}
	if product(shape) != len(data) {
		return fmt.Errorf("write %s: %d values do not fill shape %v", path, len(data), shape)
	}
	f, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o644))
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer f.Cleanup()
	w := bufio.NewWriterSize(f, 1<<16)
	if err := npy.Write(w, shaped(data, shape)); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// shaped views data as a slice of arrays, from which npyio takes the shape.
func shaped[T Value](data []T, shape []int) any {
	if len(shape) == 1 || len(data) == 0 {
		return data
	}
	row := reflect.TypeFor[T]()
	for i := len(shape) - 1; i > 0; i-- {
		row = reflect.ArrayOf(shape[i], row)
	}
	rows := reflect.New(reflect.ArrayOf(shape[0], row)).Elem()
	copy(unsafe.Slice((*T)(rows.Addr().UnsafePointer()), len(data)), data)
	return rows.Slice(0, shape[0]).Interface()
}

// ReadFloats reads a float32 or float64 file (the latter is rounded) in C order.
// It returns the values row-major and the shape.
func ReadFloats(path string) ([]float32, []int, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	return readFloats(f, path)
}

// ReadFloatsFS is [ReadFloats] of a file in fsys, whose files must be seekable
// as those of the operating system and of embed are.
func ReadFloatsFS(fsys fs.FS, name string) ([]float32, []int, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	return readFloats(f, name)
}

func readFloats(f fs.File, path string) ([]float32, []int, error) {
	return read(f, path, map[string]func([]byte) []float32{
		"<f4": func(b []byte) []float32 {
			if littleEndian && len(b) > 0 {
				return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)
			}
			out := make([]float32, len(b)/4)
			for i := range out {
				out[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
			}
			return out
		},
		"<f8": func(b []byte) []float32 {
			out := make([]float32, len(b)/8)
			for i := range out {
				out[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:])))
			}
			return out
		},
	})
}

func read[T Value](f fs.File, path string, decode map[string]func([]byte) []T) (data []T, shape []int, err error) {
	// npyio slices the header at places that it does not check.
	defer func() {
		if r := recover(); r != nil {
			data, shape, err = nil, nil, fmt.Errorf("read %s: not a .npy file: damaged header", path)
		}
	}()
	r, err := npy.NewReader(f)
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: not a .npy file: %w", path, err)
	}
	dec := decode[r.Header.Descr.Type]
	if dec == nil {
		var want []string
		for t := range decode {
			want = append(want, t)
		}
		return nil, nil, fmt.Errorf("read %s: element type %q, want one of %s", path, r.Header.Descr.Type, strings.Join(want, " "))
	}
	shape = r.Header.Descr.Shape
	if r.Header.Descr.Fortran && len(shape) > 1 {
		return nil, nil, fmt.Errorf("read %s: Fortran order, want C order", path)
	}
	for _, d := range shape {
		if d < 0 || d > 1<<40 {
			return nil, nil, fmt.Errorf("read %s: shape %v", path, shape)
		}
	}
	// The size is checked before anything is allocated: the shape is only a claim.
	at, err := f.(io.Seeker).Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", path, err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", path, err)
	}
	width := int64(r.Header.Descr.Type[2] - '0')
	if got, want := info.Size()-at, int64(product(shape))*width; got != want {
		return nil, nil, fmt.Errorf("read %s: %d bytes of data, shape %v of %s needs %d (truncated or damaged)",
			path, got, shape, r.Header.Descr.Type, want)
	}
	raw := make([]byte, info.Size()-at)
	if _, err := io.ReadFull(f, raw); err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", path, err)
	}
	return dec(raw), shape, nil
}

// littleEndian says that values lie in memory as they do in the files.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

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
