package mat5

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/iotest"
)

const testLimit = 1 << 16

// variable is all there is to know about a variable.
type variable struct {
	name   string
	class  string
	dims   []int
	values []float64 // nil if they cannot be read
}

func (v variable) String() string {
	return fmt.Sprintf("%q %v %v %v %v", v.name, v.class, v.dims, v.values != nil, v.values)
}

// readAll reads all variables of a file.
func readAll(r io.Reader) (all []variable, err error) {
	arrays, err := Read(r, testLimit)
	for _, a := range arrays {
		v := variable{name: a.Name, class: a.Class, dims: a.Dims}
		if a.Readable() {
			v.values = make([]float64, a.Len())
			for i := range v.values {
				v.values[i] = a.At(i)
			}
		}
		all = append(all, v)
	}
	return all, err
}

func sameVariables(a, b []variable) bool {
	return slices.EqualFunc(a, b, func(a, b variable) bool { return a.String() == b.String() })
}

func TestRead(t *testing.T) {
	y := matrix(Double, []int32{3, 1}, "y", small(typeUint8, 10, 1, 9))
	x := matrix(Uint8, []int32{2, 2, 2}, "X", full(typeUint8, 0, 1, 2, 3, 4, 5, 6, 255))
	w := matrix(Single, []int32{1, 5}, "w", full(typeUint8, 5, 4, 3, 2, 1))
	short := matrix(Single, []int32{1, 2}, "s", full(typeUint8, 5, 4)) // not small, though it could be
	wantY := variable{"y", "double", []int{3, 1}, []float64{10, 1, 9}}
	wantX := variable{"X", "uint8", []int{2, 2, 2}, []float64{0, 1, 2, 3, 4, 5, 6, 255}}
	wantW := variable{"w", "single", []int{1, 5}, []float64{5, 4, 3, 2, 1}}
	wantS := variable{"s", "single", []int{1, 2}, []float64{5, 4}}
	empty := matrix(Double, []int32{0, 1 << 30, 1 << 30, 1 << 30}, "e", full(typeDouble))
	wantE := variable{"e", "double", []int{0, 1 << 30, 1 << 30, 1 << 30}, []float64{}}
	bare := matrix(Single, []int32{1, 5}, "w", raw(typeUint8, 5, 4, 3, 2, 1)) // no padding within the element
	padded := append(deflate(x), 0, 0, 0)
	for _, c := range []struct {
		name string
		file []byte
		want []variable
	}{
		{"no variables", fileOf(), nil},
		{"small element", fileOf(y), []variable{wantY}},
		{"one after another", fileOf(x, y, w, short), []variable{wantX, wantY, wantW, wantS}},
		{"compressed", fileOf(compressed(x), compressed(y)), []variable{wantX, wantY}},
		{"both", fileOf(compressed(w), y, compressed(x)), []variable{wantW, wantY, wantX}},
		{"empty array", fileOf(empty, compressed(empty)), []variable{wantE, wantE}},
		{"no padding at the end", fileOf(bare, compressed(bare), y), []variable{wantW, wantW, wantY}},
		{"bytes after the compressed data", fileOf(raw(typeCompressed, padded...), y),
			[]variable{wantX, wantY}},
	} {
		for _, r := range []io.Reader{bytes.NewReader(c.file), iotest.OneByteReader(bytes.NewReader(c.file)),
			iotest.DataErrReader(bytes.NewReader(c.file))} {
			if got, err := readAll(r); err != nil || !sameVariables(got, c.want) {
				t.Errorf("%s: %v, %v, want %v", c.name, got, err, c.want)
			}
		}
	}
}

// Other programs than MATLAB store dimensions and names as other types.
func TestOtherWriters(t *testing.T) {
	for name, element := range map[string][]byte{
		"longest": full(typeUTF8, []byte("longest")...),
		"X":       small(typeUTF8, 'X'),
		"y":       full(typeUint8, 'y'),
	} {
		m := raw(typeMatrix, slices.Concat(full(typeUint32, uint32s(Uint8, 0)...),
			full(typeUint32, uint32s(2, 1)...), element, small(typeUint8, 7, 8))...)
		want := []variable{{name, "uint8", []int{2, 1}, []float64{7, 8}}}
		for _, file := range [][]byte{fileOf(m), fileOf(compressed(m))} {
			if got, err := readAll(bytes.NewReader(file)); err != nil || !sameVariables(got, want) {
				t.Errorf("%v, %v, want %v", got, err, want)
			}
		}
	}
}

func TestReadTypes(t *testing.T) {
	for _, c := range []struct {
		typ    storage
		values []float64
	}{
		{typeInt8, []float64{-128, -1, 0, 127}},
		{typeUint8, []float64{0, 128, 255}},
		{typeInt16, []float64{-32768, 258, 32767}},
		{typeUint16, []float64{0, 258, 65535}},
		{typeInt32, []float64{-1 << 31, 66051, 1<<31 - 1}},
		{typeUint32, []float64{0, 66051, 1<<32 - 1}},
		{typeSingle, []float64{-0.5, 1 << 100, 3}},
		{typeDouble, []float64{-0.1, 1e300, 3}},
		{typeInt64, []float64{-1 << 63, 1 << 53, 3}},
		{typeUint64, []float64{1 << 63, 1 << 53, 3}},
	} {
		got, err := readAll(bytes.NewReader(fileOf(matrix(Double, []int32{1, int32(len(c.values))}, "v",
			full(c.typ, stored(c.typ, c.values...)...)))))
		want := []variable{{"v", "double", []int{1, len(c.values)}, c.values}}
		if err != nil || !sameVariables(got, want) {
			t.Errorf("%v: %v, %v, want %v", c.typ, got, err, c.values)
		}
	}
}

func TestOtherClasses(t *testing.T) {
	one := full(typeDouble, stored(typeDouble, 1)...)
	inner := matrix(Double, []int32{1, 1}, "", one)
	elements := [][]byte{
		matrix(Cell, []int32{1, 2}, "c", inner, inner),
		matrix(Char, []int32{1, 2}, "text", small(4, 'h', 0, 'i', 0)),
		matrix(Struct, []int32{1, 1}, "s", small(typeInt32, 8, 0, 0, 0), full(typeInt8, make([]byte, 8)...),
			inner),
		matrix(Double|0x800, []int32{1, 1}, "z", one, one),
		matrix(Sparse, []int32{1 << 30, 1 << 30}, "sp"),
		matrix(Function, []int32{1, 1}, "f", inner),
		raw(typeMatrix, slices.Concat(full(typeUint32, uint32s(Opaque, 0)...), full(typeInt8, []byte("when")...),
			full(typeInt8, []byte("MCOS")...), full(typeInt8, []byte("datetime")...), inner)...),
		matrix(Double, []int32{1, 1}, "y", one),
	}
	want := []variable{{"c", "cell", []int{1, 2}, nil}, {"text", "char", []int{1, 2}, nil},
		{"s", "struct", []int{1, 1}, nil}, {"z", "complex double", []int{1, 1}, nil},
		{"sp", "sparse", []int{1 << 30, 1 << 30}, nil}, {"f", "function", []int{1, 1}, nil},
		{"when", "opaque", nil, nil}, {"y", "double", []int{1, 1}, []float64{1}}}
	for _, form := range []string{"plain", "compressed"} {
		if form == "compressed" {
			for i, e := range elements {
				elements[i] = compressed(e)
			}
		}
		if got, err := readAll(bytes.NewReader(fileOf(elements...))); err != nil || !sameVariables(got, want) {
			t.Errorf("%s: %v, %v, want %v", form, got, err, want)
		}
	}
}
