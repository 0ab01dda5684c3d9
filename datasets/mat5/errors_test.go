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
	good := fileOf()
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
		{"byte order", change(126, "XY"), `byte order: expected IM, found "XY"`},
		{"big-endian", change(124, "\x01\x00MI"), "expected a little-endian MAT-file, found a big-endian one"},
		{"text", bytes.Repeat([]byte("no MAT-file "), 20), "byte order: expected IM"},
		{"web page", append([]byte("<!DOCTYPE html>"), make([]byte, 200)...),
			"not a level 5 MAT-file but text/html"},
		{"short web page", []byte("<html>not found</html>"), "text/html"},
	} {
		_, err := readAll(bytes.NewReader(c.file))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

func TestReadErrors(t *testing.T) {
	dims := func(d ...int32) []int32 { return d }
	uint8s := func(d []int32, n int) []byte { // n values
		return matrix(Uint8, d, "v", full(typeUint8, make([]byte, n)...))
	}
	flags := full(typeUint32, uint32s(Uint8, 0)...)
	good := uint8s(dims(2, 5), 10)
	for _, c := range []struct {
		name    string
		element []byte
		want    string
	}{
		{"tag cut", good[:7], "tag: expected 8 bytes, found 7"},
		{"not a matrix", full(typeUint8, 1, 2), "expected a matrix, found uint8"},
		{"small at the top", small(typeMatrix, 1), "array flags: tag: expected 8 bytes, found 1"},
		{"small and too large", uint32s(5<<16|2, 0),
			"a small element of uint8 has at most 4 bytes, found 5"},
		{"matrix cut", good[:20], "matrix truncated: expected 72 bytes, found 12"},
		{"matrix without content", raw(typeMatrix), "array flags: tag: expected 8 bytes, found 0"},
		{"flags of another type", raw(typeMatrix, full(typeInt8, 0)...),
			"array flags: expected type [uint32], found int8"},
		{"flags too short", raw(typeMatrix, small(typeUint32, 9, 0, 0, 0)...),
			"array flags: expected 8 bytes, found 4"},
		{"flags too long", raw(typeMatrix, full(typeUint32, make([]byte, 12)...)...),
			"array flags: expected 8 bytes, found 12"},
		{"class 0", matrix(0, dims(1, 1), "v"), "class: expected 1 to 17, found 0"},
		{"class 18", matrix(18, dims(1, 1), "v"), "class: expected 1 to 17, found 18"},
		{"flags only", raw(typeMatrix, flags...), "dimensions: tag: expected 8 bytes, found 0"},
		{"dimensions beyond the matrix", raw(typeMatrix,
			append(slices.Clone(flags), uint32s(5, 8, 1)...)...),
			"dimensions: int32 truncated: expected 8 bytes, found 4"},
		{"one dimension", matrix(Uint8, dims(1), "v"),
			"dimensions: expected 2 to 64, 4 bytes each, found 4 bytes"},
		{"65 dimensions", matrix(Uint8, make([]int32, 65), "v"),
			"dimensions: expected 2 to 64, 4 bytes each, found 260 bytes"},
		{"dimensions of another type", raw(typeMatrix,
			slices.Concat(flags, full(typeDouble, make([]byte, 8)...))...),
			"dimensions: expected type [int32 uint32], found double"},
		{"name of another type", raw(typeMatrix, slices.Concat(flags,
			full(typeInt32, uint32s(1, 1)...), full(typeUint16, 'v', 0))...),
			"name: expected type [int8 uint8 utf8], found uint16"},
		{"negative dimension", uint8s(dims(2, -5), 10), "dimension 1: expected 0 or more, found -5"},
		{"negative product", uint8s(dims(-2, -5), 10), "dimension 0: expected 0 or more, found -2"},
		{"product overflows to 0", uint8s(dims(1<<30, 1<<30, 16), 0),
			"of uint8 take 18446744073709551616 bytes, found 0"},
		{"product overflows to 10", uint8s(dims(1<<30, 1<<30, 1<<4, 10), 10),
			"of uint8 take 184467440737095516160 bytes, found 10"},
		{"over the limit", compressed(uint8s(dims(1, 1<<16), 1<<16)),
			"compressed: expected at most 65536 bytes, found more"},
		{"name too long", matrix(Uint8, dims(1, 1), strings.Repeat("n", 256)),
			"name: expected at most 255 bytes, found 256"},
		{"no values", matrix(Uint8, dims(1, 1), "v"),
			`"v": values: tag: expected 8 bytes, found 0`},
		{"values that are no numbers", matrix(Uint8, dims(1, 1), "v", full(typeUTF8, 'a')),
			"values: expected numbers, found utf8"},
		{"fewer values", uint8s(dims(2, 5), 9), "values: dimensions [2 5] of uint8 take 10 bytes, found 9"},
		{"more values", uint8s(dims(2, 5), 11), "values: dimensions [2 5] of uint8 take 10 bytes, found 11"},
		{"fewer values than the class needs",
			matrix(Double, dims(1, 2), "v", full(typeDouble, make([]byte, 15)...)),
			"values: dimensions [1 2] of double take 16 bytes, found 15"},
		{"fewer values in a small element", matrix(Uint8, dims(1, 3), "v",
			small(typeUint8, 1, 2)), "take 3 bytes, found 2"},
		{"values cut", good[:len(good)-7], "matrix truncated: expected 72 bytes, found 65"},
		{"element after the values", matrix(Uint8, dims(1, 1), "v", small(typeUint8, 1),
			small(typeUint8, 1)),
			`"v": expected the end of the matrix, found 8 bytes more`},
		{"nothing compressed", raw(typeCompressed), "compressed: unexpected EOF"},
		{"not zlib", raw(typeCompressed, []byte("plain text")...), "compressed: zlib: invalid header"},
		{"compressed in itself", compressed(compressed(good)),
			"expected a matrix, found compressed"},
		{"compressed number", compressed(small(typeUint8, 1)),
			"expected a matrix, found uint8"},
		{"compressed tag cut", compressed(good[:7]), "compressed: tag: expected 8 bytes, found 7"},
		{"compressed matrix cut", compressed(good[:len(good)-7]),
			"compressed: matrix truncated: expected 72 bytes, found 65"},
		{"compressed more", compressed(append(slices.Clone(good), 0)),
			"compressed: expected the end of the matrix, found 1 bytes more"},
		{"compressed data cut", raw(typeCompressed, deflate(good)[:30]...), "unexpected EOF"},
		{"checksum cut", raw(typeCompressed, deflate(good)[:len(deflate(good))-1]...),
			"compressed: unexpected EOF"},
		{"checksum", raw(typeCompressed, damageLast(deflate(good))...),
			"compressed: zlib: invalid checksum"},
	} {
		// A good variable before, to see that the place is told.
		_, err := readAll(bytes.NewReader(fileOf(good, c.element)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
		if err != nil && !strings.Contains(err.Error(), "variable at byte 208:") {
			t.Errorf("%s: error %v does not tell the place", c.name, err)
		}
	}
}

func damageLast(b []byte) []byte {
	b[len(b)-1] ^= 1
	return b
}

// Every cut of a file but those between variables is an error.
func TestCut(t *testing.T) {
	x := matrix(Uint8, []int32{2, 5}, "x", full(typeUint8, make([]byte, 10)...))
	z := compressed(x)
	file := fileOf(x, z)
	for n := range file {
		between := n == headerSize || n == headerSize+len(x)
		if _, err := readAll(bytes.NewReader(file[:n])); (err == nil) != between {
			t.Errorf("cut to %d of %d bytes: error %v", n, len(file), err)
		} else if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut to %d of %d bytes: error %v is not io.ErrUnexpectedEOF", n, len(file), err)
		}
	}
}

func TestReaderError(t *testing.T) {
	x := matrix(Uint8, []int32{2, 5}, "x", full(typeUint8, make([]byte, 10)...))
	file := fileOf(x, compressed(x))
	for n := range len(file) + 1 {
		r := io.MultiReader(bytes.NewReader(file[:n]), iotest.ErrReader(io.ErrClosedPipe))
		if _, err := readAll(r); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("after %d bytes: error %v, want %v", n, err, io.ErrClosedPipe)
		}
	}
}

// A small file may claim much, compressed data may unfold to much: neither is believed.
func TestLimits(t *testing.T) {
	const size = 1 << 24
	large := func(n int32) []byte {
		return matrix(Uint8, []int32{1, n}, "v", full(typeUint8, make([]byte, n)...))
	}
	unread := matrix(Char, []int32{1, size}, "v", full(typeUint8, make([]byte, size)...))
	claim := uint32s(uint32(typeMatrix), 1<<31-8)
	claim = append(claim, matrix(Uint8, []int32{1 << 10, 1 << 20}, "v",
		uint32s(uint32(typeUint8), 1<<30))[8:]...)
	const more = " bytes, found more"
	half := compressed(large(testLimit / 2))
	for _, c := range []struct {
		name, want string
		elements   [][]byte
	}{
		{"all that is allowed", "", [][]byte{compressed(large(testLimit - 64))}},
		{"a byte more", more, [][]byte{compressed(large(testLimit - 63))}},
		{"in all", more, [][]byte{half, half}},
		{"bomb", more, [][]byte{compressed(large(size))}},
		{"bomb of another class", more, [][]byte{compressed(unread)}},
		{"claim", "matrix truncated", [][]byte{claim}},
		{"compressed claim", "matrix truncated", [][]byte{compressed(claim)}},
		{"long file", "mat5: expected at most 65536" + more, [][]byte{large(testLimit)}},
	} {
		file := fileOf(c.elements...)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		arrays, err := Read(bytes.NewReader(file), testLimit)
		runtime.ReadMemStats(&after)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %d arrays, error %v, want one with %q", c.name, len(arrays), err, c.want)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 10*testLimit {
			t.Errorf("%s: %d bytes allocated", c.name, n)
		}
	}
}
