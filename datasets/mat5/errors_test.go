package mat5

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestHeaderErrors(t *testing.T) {
	good := little.file()
	change := func(at int, with string) []byte {
		file := slices.Clone(good)
		copy(file[at:], with)
		return file
	}
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "truncated: expected 128 bytes, found 0"},
		{"cut", good[:127], "truncated: expected 128 bytes, found 127"},
		{"HDF5", []byte("\x89HDF\r\n\x1a\n and so on"), "found version 7.3 (HDF5): save with -v7"},
		{"version 7.3", change(0, "MATLAB 7.3 MAT-file")[:124:124], "truncated"},
		{"version 7.3", change(124, "\x00\x02"), "found version 7.3 (HDF5): save with -v7"},
		{"other version", change(124, "\x00\x03"), "version: expected 0x0100, found 0x0300"},
		{"level 4", append([]byte{0, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0}, good...), "level 4"},
		{"level 4, short", []byte{0, 0, 0, 0, 1, 0}, "level 4"},
		{"byte order", change(126, "XY"), `byte order: expected IM or MI, found "XY"`},
		{"byte order swapped", change(126, "MI"), "version: expected 0x0100, found 0x0001"},
		{"text", bytes.Repeat([]byte("no MAT-file "), 20), "byte order: expected IM or MI"},
		{"web page", append([]byte("<!DOCTYPE html>"), make([]byte, 200)...),
			"not a level 5 MAT-file but text/html"},
		{"short web page", []byte("<html>not found</html>"), "text/html"},
	} {
		_, err := NewReader(bytes.NewReader(c.file), testLimit)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

func TestReadErrors(t *testing.T) {
	b := little
	dims := func(d ...int32) []int32 { return d }
	uint8s := func(d []int32, n int) []byte { // n values
		return b.matrix(uint32(Uint8), d, "v", b.element(typeUint8, make([]byte, n)...))
	}
	flags := b.element(typeUint32, b.uint32s(uint32(Uint8), 0)...)
	good := uint8s(dims(2, 5), 10)
	for _, c := range []struct {
		name    string
		element []byte
		want    string
	}{
		{"tag cut", good[:7], "tag: expected 8 bytes, found 7"},
		{"not a matrix", b.element(typeUint8, 1, 2), "expected a matrix or a compressed one, found uint8"},
		{"small at the top", b.small(typeMatrix, 1), "expected a matrix"},
		{"small and too large", b.uint32s(5<<16|2, 0),
			"a small element of uint8 has at most 4 bytes, found 5"},
		{"matrix cut", good[:20], "array flags: truncated: expected 60 bytes more"},
		{"matrix without content", b.raw(typeMatrix), "array flags: tag: expected 8 bytes, found 0"},
		{"flags of another type", b.raw(typeMatrix, b.element(typeInt8, 0)...),
			"array flags: expected type [uint32], found int8"},
		{"flags too short", b.raw(typeMatrix, b.small(typeUint32, 9, 0, 0, 0)...),
			"array flags: expected 8 bytes, found 4"},
		{"flags too long", b.raw(typeMatrix, b.element(typeUint32, make([]byte, 12)...)...),
			"array flags: expected at most 8 bytes, found 12"},
		{"class 0", b.matrix(0, dims(1, 1), "v"), "class: expected 1 to 17, found 0"},
		{"class 18", b.matrix(18, dims(1, 1), "v"), "class: expected 1 to 17, found 18"},
		{"flags only", b.raw(typeMatrix, flags...), "dimensions: tag: expected 8 bytes, found 0"},
		{"dimensions beyond the matrix", b.raw(typeMatrix,
			append(slices.Clone(flags), b.uint32s(5, 8, 1)...)...),
			"dimensions: expected at most the 4 bytes left in the matrix, found an element of 8"},
		{"one dimension", b.matrix(uint32(Uint8), dims(1), "v"),
			"dimensions: expected two or more, 4 bytes each, found 4 bytes"},
		{"65 dimensions", b.matrix(uint32(Uint8), make([]int32, 65), "v"),
			"dimensions: expected at most 256 bytes, found 260"},
		{"dimensions of another type", b.raw(typeMatrix,
			slices.Concat(flags, b.element(typeDouble, make([]byte, 8)...))...),
			"dimensions: expected type [int32 uint32], found double"},
		{"name of another type", b.raw(typeMatrix, slices.Concat(flags,
			b.element(typeInt32, b.uint32s(1, 1)...), b.element(typeUint16, 'v', 0))...),
			"name: expected type [int8 uint8 utf8], found uint16"},
		{"negative dimension", uint8s(dims(2, -5), 10), "dimension 1: expected 0 or more, found -5"},
		{"negative product", uint8s(dims(-2, -5), 10), "dimension 0: expected 0 or more, found -2"},
		{"product overflows to 0", uint8s(dims(1<<30, 1<<30, 16), 0),
			"expected at most 65536 bytes of values"},
		{"product overflows to 10", uint8s(dims(1<<30, 1<<30, 1<<4, 10), 10),
			"expected at most 65536 bytes of values"},
		// exactly the limit: cut, but not too large
		{"over the limit", uint8s(dims(2, 1<<15), 1<<16)[:200], ""},
		{"over the limit", uint8s(dims(1, 1<<16+1), 1<<16+1),
			"expected at most 65536 bytes of values, found 65537 values of 1 bytes"},
		{"over the limit in bytes", b.matrix(uint32(Double), dims(1, 1<<13+1), "v",
			b.element(typeDouble, make([]byte, 1<<16+8)...)),
			"found 8193 values of 8 bytes"},
		{"name too long", b.matrix(uint32(Uint8), dims(1, 1), strings.Repeat("n", 256)),
			"name: expected at most 255 bytes, found 256"},
		{"no values", b.matrix(uint32(Uint8), dims(1, 1), "v"),
			`"v": values: tag: expected 8 bytes, found 0`},
		{"values that are no numbers", b.matrix(uint32(Uint8), dims(1, 1), "v", b.element(typeUTF8, 'a')),
			"values: expected numbers, found utf8"},
		{"fewer values", uint8s(dims(2, 5), 9), "values: dimensions [2 5] of uint8 take 10 bytes, found 9"},
		{"more values", uint8s(dims(2, 5), 11), "values: dimensions [2 5] of uint8 take 10 bytes, found 11"},
		{"fewer values than the class needs",
			b.matrix(uint32(Double), dims(1, 2), "v", b.element(typeDouble, make([]byte, 15)...)),
			"values: dimensions [1 2] of double take 16 bytes, found 15"},
		{"fewer values in a small element", b.matrix(uint32(Uint8), dims(1, 3), "v",
			b.small(typeUint8, 1, 2)), "take 3 bytes, found 2"},
		{"values cut", good[:len(good)-7], `variable "v": values: truncated: expected 7 bytes more`},
		{"element after the values", b.matrix(uint32(Uint8), dims(1, 1), "v", b.small(typeUint8, 1),
			b.small(typeUint8, 1)),
			`variable "v": values: expected the end of the matrix, found 8 bytes more`},
		{"nothing compressed", b.raw(typeCompressed), "compressed: unexpected EOF"},
		{"not zlib", b.raw(typeCompressed, []byte("plain text")...), "compressed: zlib: invalid header"},
		{"compressed in itself", b.compressed(b.compressed(good)),
			"compressed: expected a matrix, found compressed"},
		{"compressed number", b.compressed(b.small(typeUint8, 1)),
			"compressed: expected a matrix, found uint8"},
		{"compressed tag cut", b.compressed(good[:7]), "compressed: tag: expected 8 bytes, found 7"},
		{"compressed matrix cut", b.compressed(good[:len(good)-7]),
			`variable "v": values: truncated: expected 7 bytes more`},
		{"compressed more", b.compressed(append(slices.Clone(good), 0)),
			`variable "v": values: compressed: expected the end at the end of the matrix`},
		{"compressed data cut", b.raw(typeCompressed, deflate(good)[:30]...), "unexpected EOF"},
		{"checksum cut", b.raw(typeCompressed, deflate(good)[:len(deflate(good))-1]...),
			`variable "v": values: compressed: unexpected EOF`},
		{"checksum", b.raw(typeCompressed, damageLast(deflate(good))...),
			`variable "v": values: compressed: zlib: invalid checksum`},
	} {
		// A good variable before, to see that the place is told.
		_, err := readAll(bytes.NewReader(b.file(good, c.element)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
		if err != nil && !strings.Contains(err.Error(), `variable "v"`) &&
			!strings.Contains(err.Error(), "variable at byte 208:") {
			t.Errorf("%s: error %v does not tell the place", c.name, err)
		}
	}
}

func damageLast(b []byte) []byte {
	b[len(b)-1] ^= 1
	return b
}

// A wrong checksum comes with the last values, whatever way they are read, and from Next
// too; not if the values are skipped.
func TestChecksum(t *testing.T) {
	b := little
	m := b.matrix(uint32(Uint8), []int32{2, 5}, "v", b.element(typeUint8, make([]byte, 10)...))
	file := b.file(b.raw(typeCompressed, damageLast(deflate(m))...), m)
	const want = "zlib: invalid checksum"
	for name, read := range map[string]func(a *Array) error{
		"at once": func(a *Array) error { return a.Float64s(make([]float64, 10)) },
		"one by one": func(a *Array) error {
			for range 9 {
				if err := a.Float64s(make([]float64, 1)); err != nil {
					return errors.New("too early")
				}
			}
			return a.Float64s(make([]float64, 1))
		},
	} {
		r, a := open(t, file)
		if err := read(a); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", name, err, want)
		}
		for range 2 {
			if _, err := r.Next(); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Next after %s: error %v, want one with %q", name, err, want)
			}
		}
	}
	m = b.matrix(uint32(Uint8), []int32{0, 5}, "v", b.element(typeUint8))
	_, a := open(t, b.file(b.raw(typeCompressed, damageLast(deflate(m))...)))
	if err := a.Float64s(nil); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("array without values: error %v, want one with %q", err, want)
	}
	r, _ := open(t, file)
	if a, err := r.Next(); err != nil || a.Len() != 10 {
		t.Errorf("after a variable skipped: %v, %v", a, err)
	}
}

// Every cut of a file but those between variables is an error, read or skipped.
func TestCut(t *testing.T) {
	b := little
	x := b.matrix(uint32(Uint8), []int32{2, 5}, "x", b.element(typeUint8, make([]byte, 10)...))
	z := b.compressed(x)
	file := b.file(x, z)
	for n := range file {
		between := n == headerSize || n == headerSize+len(x)
		if _, err := readAll(bytes.NewReader(file[:n])); (err == nil) != between {
			t.Errorf("cut to %d of %d bytes: error %v", n, len(file), err)
		} else if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut to %d of %d bytes: error %v is not io.ErrUnexpectedEOF", n, len(file), err)
		}
		r, err := NewReader(bytes.NewReader(file[:n]), testLimit)
		for err == nil {
			_, err = r.Next()
		}
		if (err == io.EOF) != between {
			t.Errorf("cut to %d of %d bytes and skipped: error %v", n, len(file), err)
		}
	}
}

func TestReaderError(t *testing.T) {
	b := little
	x := b.matrix(uint32(Uint8), []int32{2, 5}, "x", b.element(typeUint8, make([]byte, 10)...))
	file := b.file(x, b.compressed(x))
	for n := range len(file) + 1 {
		r := io.MultiReader(bytes.NewReader(file[:n]), iotest.ErrReader(io.ErrClosedPipe))
		if _, err := readAll(r); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("after %d bytes: error %v, want %v", n, err, io.ErrClosedPipe)
		}
	}
}

// A small file may claim much, compressed data may unfold to much: neither is believed.
func TestMemory(t *testing.T) {
	b := little
	const size = 1 << 24
	bomb := b.compressed(b.matrix(uint32(Uint8), []int32{1, size}, "v",
		b.element(typeUint8, make([]byte, size)...)))
	skipped := b.compressed(b.matrix(uint32(Char), []int32{1, size}, "v",
		b.element(typeUint8, make([]byte, size)...)))
	claim := b.uint32s(uint32(typeMatrix), 1<<31-8)
	claim = append(claim, b.matrix(uint32(Uint8), []int32{1 << 10, 1 << 20}, "v",
		b.uint32s(uint32(typeUint8), 1<<30))[8:]...)
	for _, c := range []struct {
		name    string
		element []byte
		ok      bool
	}{{"bomb", bomb, false}, {"skipped bomb", skipped, true}, {"claim", claim, false}} {
		file := b.file(c.element)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := readAll(bytes.NewReader(file))
		runtime.ReadMemStats(&after)
		if (err == nil) != c.ok {
			t.Errorf("%s: error %v", c.name, err)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<18 {
			t.Errorf("%s: %d bytes allocated", c.name, n)
		}
	}
}
