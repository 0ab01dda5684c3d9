package mat5

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// open reads a file up to its first variable.
func open(t *testing.T, file []byte) (*Reader, *Array) {
	t.Helper()
	r, err := NewReader(bytes.NewReader(file), testLimit)
	if err != nil {
		t.Fatal(err)
	}
	a, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	return r, a
}

func TestValuesInParts(t *testing.T) {
	b := little
	values := make([]float64, 1500)
	for i := range values {
		values[i] = float64(i % 256)
	}
	for _, typ := range []storage{typeUint8, typeUint16, typeInt32, typeDouble, typeUint64} {
		m := b.matrix(uint32(Double), []int32{3, 500}, "v", b.element(typ, b.stored(typ, values...)...))
		r, a := open(t, b.file(b.compressed(m), m))
		// In parts of different sizes.
		var got []float64
		for _, n := range []int{0, 1, 2, 700, 797} {
			if left := 1500 - len(got); a.Len() != left {
				t.Errorf("%v: %d values left, want %d", typ, a.Len(), left)
			}
			part := make([]float64, n)
			if err := a.Float64s(part); err != nil {
				t.Fatalf("%v: %v", typ, err)
			}
			got = append(got, part...)
		}
		for i, v := range got {
			if v != float64(i%256) {
				t.Fatalf("%v: value %d is %v", typ, i, v)
			}
		}
		if err := a.Float64s(make([]float64, 1)); err == nil ||
			!strings.Contains(err.Error(), "asked for 1 values") {
			t.Errorf("%v: beyond the end: %v", typ, err)
		}
		if a, err := r.Next(); err != nil || a.Len() != 1500 {
			t.Errorf("%v: the next variable: %v, %v", typ, a, err)
		}
	}
}

func TestTooManyValues(t *testing.T) {
	b := little
	_, a := open(t, b.file(b.matrix(uint32(Double), []int32{1, 2}, "v", b.small(typeUint8, 7, 8))))
	for _, n := range []int{3, 10000} {
		if err := a.Float64s(make([]float64, n)); err == nil ||
			!strings.Contains(err.Error(), "found 2 left") {
			t.Errorf("%d values: error %v", n, err)
		}
	}
	v := make([]float64, 2) // the attempts took nothing
	if err := a.Float64s(v); err != nil || !slices.Equal(v, []float64{7, 8}) {
		t.Errorf("%v, %v", v, err)
	}
}

// Next skips what was not read, and the arrays before cannot be read any more.
func TestNextSkips(t *testing.T) {
	b := little
	v := make([]byte, 5000)
	m := b.matrix(uint32(Uint8), []int32{1, 5000}, "v", b.element(typeUint8, v...))
	y := b.matrix(uint32(Double), []int32{1, 1}, "y", b.small(typeUint8, 7))
	for _, m := range [][]byte{m, b.compressed(m)} {
		for _, n := range []int{0, 1, 4999, 5000} {
			r, a := open(t, b.file(m, y))
			if err := a.Float64s(make([]float64, n)); err != nil {
				t.Fatal(err)
			}
			next, err := r.Next()
			if err != nil || next.Name != "y" {
				t.Fatalf("after %d values: %v, %v", n, next, err)
			}
			for _, err := range []error{a.Float64s(make([]float64, 1)), a.Float64s(nil)} {
				if err == nil || !strings.Contains(err.Error(), `"v": read after the next one`) {
					t.Errorf("after Next: error %v", err)
				}
			}
			if err := next.Float64s(make([]float64, 1)); err != nil {
				t.Error(err)
			}
		}
	}
}
