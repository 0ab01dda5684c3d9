package mat5

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

const testLimit = 1 << 16

// variable is all there is to know about a variable.
type variable struct {
	name   string
	class  string
	typ    storage
	dims   []int
	values []float64 // nil if they cannot be read
}

func (v variable) String() string {
	return fmt.Sprintf("%q %v as %v %v %v", v.name, v.class, v.typ, v.dims, v.values)
}

// readAll reads all variables of a file.
func readAll(r io.Reader) ([]variable, error) {
	mr, err := NewReader(r, testLimit)
	if err != nil {
		return nil, err
	}
	var all []variable
	for {
		a, err := mr.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		v := variable{name: a.Name, class: a.Class, typ: a.stored, dims: a.Dims}
		if a.Readable() {
			v.values = make([]float64, a.Len())
			if err := a.Float64s(v.values); err != nil {
				return all, err
			}
		}
		all = append(all, v)
	}
}

func sameVariables(a, b []variable) bool {
	return slices.EqualFunc(a, b, func(a, b variable) bool { return a.String() == b.String() })
}

func TestRead(t *testing.T) {
	for _, b := range []builder{little, big} {
		y := b.matrix(uint32(Double), []int32{3, 1}, "y", b.small(typeUint8, 10, 1, 9))
		x := b.matrix(uint32(Uint8), []int32{2, 2, 2}, "X", b.element(typeUint8, 0, 1, 2, 3, 4, 5, 6, 255))
		w := b.matrix(uint32(Single), []int32{1, 5}, "w", b.element(typeUint8, 5, 4, 3, 2, 1))
		wantY := variable{"y", classes[Double], typeUint8, []int{3, 1}, []float64{10, 1, 9}}
		wantX := variable{"X", classes[Uint8], typeUint8, []int{2, 2, 2},
			[]float64{0, 1, 2, 3, 4, 5, 6, 255}}
		wantW := variable{"w", classes[Single], typeUint8, []int{1, 5}, []float64{5, 4, 3, 2, 1}}
		empty := b.matrix(uint32(Double), []int32{0, 1 << 30, 1 << 30, 1 << 30}, "e",
			b.element(typeDouble))
		wantE := variable{"e", classes[Double], typeDouble, []int{0, 1 << 30, 1 << 30, 1 << 30}, []float64{}}
		bare := b.matrix(uint32(Single), []int32{1, 5}, "w", b.raw(typeUint8, 5, 4, 3, 2, 1)) // no padding
		// within the element
		padded := append(deflate(x), 0, 0, 0)
		for _, c := range []struct {
			name string
			file []byte
			want []variable
		}{
			{"no variables", b.file(), nil},
			{"small element", b.file(y), []variable{wantY}},
			{"one after another", b.file(x, y, w), []variable{wantX, wantY, wantW}},
			{"compressed", b.file(b.compressed(x), b.compressed(y)), []variable{wantX, wantY}},
			{"both", b.file(b.compressed(w), y, b.compressed(x)), []variable{wantW, wantY, wantX}},
			{"empty array", b.file(empty, b.compressed(empty)), []variable{wantE, wantE}},
			{"no padding at the end", b.file(bare, b.compressed(bare), y), []variable{wantW, wantW, wantY}},
			{"bytes after the compressed data", b.file(b.raw(typeCompressed, padded...), y),
				[]variable{wantX, wantY}},
		} {
			for _, r := range []io.Reader{bytes.NewReader(c.file),
				iotest.OneByteReader(bytes.NewReader(c.file)),
				iotest.DataErrReader(bytes.NewReader(c.file))} {
				if got, err := readAll(r); err != nil || !sameVariables(got, c.want) {
					t.Errorf("%v: %s: %v, %v, want %v", b.order, c.name, got, err, c.want)
				}
			}
		}
	}
}

// Other programs than MATLAB store dimensions and names as other types.
func TestOtherWriters(t *testing.T) {
	for _, b := range []builder{little, big} {
		for name, element := range map[string][]byte{
			"longest": b.element(typeUTF8, []byte("longest")...),
			"X":       b.small(typeUTF8, 'X'),
			"y":       b.element(typeUint8, 'y'),
		} {
			m := b.raw(typeMatrix, slices.Concat(b.element(typeUint32, b.uint32s(uint32(Uint8), 0)...),
				b.element(typeUint32, b.uint32s(2, 1)...), element, b.small(typeUint8, 7, 8))...)
			want := []variable{{name, classes[Uint8], typeUint8, []int{2, 1}, []float64{7, 8}}}
			for _, file := range [][]byte{b.file(m), b.file(b.compressed(m))} {
				if got, err := readAll(bytes.NewReader(file)); err != nil || !sameVariables(got, want) {
					t.Errorf("%v: %v, %v, want %v", b.order, got, err, want)
				}
			}
		}
	}
}

func TestReadTypes(t *testing.T) {
	for _, b := range []builder{little, big} {
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
			{typeUint16, slices.Repeat([]float64{1, 2, 300}, 2000)}, // more than is converted at a time
		} {
			dims := []int32{1, int32(len(c.values))}
			file := b.file(b.matrix(uint32(Double), dims, "v",
				b.element(c.typ, b.stored(c.typ, c.values...)...)))
			got, err := readAll(bytes.NewReader(file))
			want := []variable{{"v", classes[Double], c.typ, []int{1, len(c.values)}, c.values}}
			if err != nil || !sameVariables(got, want) {
				t.Errorf("%v %v: %v, %v, want %v", b.order, c.typ, got, err, c.values)
			}
		}
	}
}

func TestOtherClasses(t *testing.T) {
	b := little
	one := b.element(typeDouble, b.stored(typeDouble, 1)...)
	inner := b.matrix(uint32(Double), []int32{1, 1}, "", one)
	y := b.matrix(uint32(Double), []int32{1, 1}, "y", one)
	opaque := b.raw(typeMatrix, slices.Concat(b.element(typeUint32, b.uint32s(uint32(Opaque), 0)...),
		b.element(typeInt8, []byte("when")...), b.element(typeInt8, []byte("MCOS")...),
		b.element(typeInt8, []byte("datetime")...), inner)...)
	elements := [][]byte{
		b.matrix(uint32(Cell), []int32{1, 2}, "c", inner, inner),
		b.matrix(uint32(Char), []int32{1, 2}, "text", b.small(4, 'h', 0, 'i', 0)),
		b.matrix(uint32(Struct), []int32{1, 1}, "s", b.small(typeInt32, 8, 0, 0, 0),
			b.element(typeInt8, make([]byte, 8)...), inner),
		b.matrix(uint32(Double)|0x800, []int32{1, 1}, "z", one, one),
		b.matrix(uint32(Sparse), []int32{1 << 30, 1 << 30}, "sp"),
		b.matrix(uint32(Function), []int32{1, 1}, "f", inner),
		opaque,
		y,
	}
	want := []string{"c cell [1 2]", "text char [1 2]", "s struct [1 1]", "z complex double [1 1]",
		"sp sparse [1073741824 1073741824]", "f function [1 1]", "when opaque []", "y double [1 1]"}
	for _, form := range []string{"plain", "compressed"} {
		if form == "compressed" {
			for i, e := range elements {
				elements[i] = b.compressed(e)
			}
		}
		r, err := NewReader(bytes.NewReader(b.file(elements...)), testLimit)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range want {
			a, err := r.Next()
			if err != nil {
				t.Fatalf("%s: %v, want %s", form, err, want)
			}
			got := fmt.Sprintf("%s %v %v", a.Name, a.Class, a.Dims)
			if got != want {
				t.Errorf("%s: %s, want %s", form, got, want)
			}
			if readable := a.Name == "y"; a.Readable() != readable || (a.Len() > 0) != readable {
				t.Errorf("%s: %s: readable %v, %d values", form, got, a.Readable(), a.Len())
			}
			if a.Readable() {
				continue
			}
			mention := "found one of class " + a.Class
			for _, err := range []error{a.Float64s(nil), a.Float64s(make([]float64, 2))} {
				if err == nil || !strings.Contains(err.Error(), mention) {
					t.Errorf("%s: %s: error %v, want one with %q", form, got, err, mention)
				}
			}
		}
		if _, err := r.Next(); err != io.EOF {
			t.Errorf("%s: %v, want io.EOF", form, err)
		}
	}
}
