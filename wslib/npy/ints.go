package npy

import (
	"encoding/binary"
	"os"
	"reflect"
)

// ReadInts reads a file of int32, uint8, uint16 or int64 in C order; an int64 that
// does not fit becomes -1, which no index in these files allows.
func ReadInts(path string) ([]int32, []int, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	return read(f, path, map[string]func([]byte) []int32{
		"<i4": widen[int32],
		"|u1": widen[uint8],
		"<u2": widen[uint16],
		"<i8": func(b []byte) []int32 {
			out := make([]int32, len(b)/8)
			for i, v := range elements[int64](b) {
				if v != int64(int32(v)) {
					v = -1
				}
				out[i] = int32(v)
			}
			return out
		},
	})
}

// Read reads a file whose elements have exactly the type T, in C order. It returns
// the values row-major and the shape.
func Read[T Value](path string) ([]T, []int, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	descr := map[reflect.Kind]string{
		reflect.Float32: "<f4", reflect.Int8: "|i1", reflect.Int16: "<i2",
		reflect.Int32: "<i4", reflect.Uint8: "|u1", reflect.Uint16: "<u2",
	}
	return read(f, path, map[string]func([]byte) []T{descr[reflect.TypeFor[T]().Kind()]: elements[T]})
}

func elements[T Value | int64](b []byte) []T {
	out := make([]T, len(b)/int(reflect.TypeFor[T]().Size()))
	binary.Decode(b, binary.LittleEndian, out) // lengths fit, T has a fixed size
	return out
}

func widen[T int32 | uint8 | uint16](b []byte) []int32 {
	in := elements[T](b)
	out := make([]int32, len(in))
	for i, v := range in {
		out[i] = int32(v)
	}
	return out
}
