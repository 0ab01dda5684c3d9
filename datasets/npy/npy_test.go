package npy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// numpyFile builds the bytes that numpy.save writes, by its format description.
func numpyFile(descr, shape string, data any) []byte {
	header := "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }"
	for (10+len(header)+1)%64 != 0 {
		header += " "
	}
	header += "\n"
	var b bytes.Buffer
	b.WriteString("\x93NUMPY\x01\x00")
	binary.Write(&b, binary.LittleEndian, uint16(len(header)))
	b.WriteString(header)
	binary.Write(&b, binary.LittleEndian, data)
	return b.Bytes()
}

func TestReadNumpyBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.npy")
	os.WriteFile(path, numpyFile("<f8", "(2, 3)", []float64{1, 2, 3, 4, 5, 6.5}), 0o644)
	data, shape, err := ReadFloats(path)
	if err != nil || !slices.Equal(shape, []int{2, 3}) ||
		!slices.Equal(data, []float32{1, 2, 3, 4, 5, 6.5}) {
		t.Fatalf("got %v %v %v", data, shape, err)
	}
}

func TestWriteThenRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.npy")
	want := []float32{0, -1, float32(math.Inf(1)), 3e-42, 5, 6}
	if err := Write(path, want, 3, 2); err != nil {
		t.Fatal(err)
	}
	raw, _ := os.ReadFile(path)
	if !bytes.Contains(raw, []byte("'shape': (3, 2)")) || !bytes.Contains(raw, []byte("'<f4'")) {
		t.Errorf("header %q", raw[:80])
	}
	got, shape, err := ReadFloats(path)
	if err != nil || !slices.Equal(got, want) || !slices.Equal(shape, []int{3, 2}) {
		t.Fatalf("got %v %v %v", got, shape, err)
	}
	if err := Write(path, want, 4, 2); err == nil {
		t.Error("6 values accepted for shape 4x2")
	}
}

func TestBadFiles(t *testing.T) {
	good := numpyFile("<f4", "(4,)", []float32{1, 2, 3, 4})
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"truncated":  {good[:len(good)-3], "13 bytes of data"},
		"trailing":   {append(slices.Clone(good), 0), "17 bytes of data"},
		"empty":      {nil, "not a usable .npy file"},
		"no newline": {good[:30], "not a usable .npy file"},
		"magic":      {append([]byte("NUMPY!"), good[6:]...), "not a usable .npy file"},
		"complex":    {numpyFile("<c8", "(1,)", []float32{1, 0}), `element type "<c8"`},
		"objects":    {numpyFile("|O", "(1,)", []float32{1, 0}), `element type "|O"`},
		"huge shape": {numpyFile("<f4", "(99999999, 99999999)", []float32{1}), "4 bytes of data"},
		"negative shape": {numpyFile("<f4", "(-4,)", []float32{1}),
			"want one element type, an order and a shape"},
		"long header": {append(append(slices.Clone(good[:6]), 2, 0, 255, 255, 255, 255), good[10:]...),
			"4294967295 bytes"},
		"version": {append(append(slices.Clone(good[:6]), 9), good[7:]...), "version 9"},
	} {
		path := filepath.Join(t.TempDir(), "bad.npy")
		os.WriteFile(path, c.data, 0o644)
		_, _, err := ReadFloats(path)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want the path and %q", name, err, c.want)
		}
	}
}

// A failed write leaves the old file as it was.
func TestFailedWriteKeepsOld(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.npy")
	if err := Write(path, []float32{1, 2}); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, []float32{1}, 2, 2); err == nil {
		t.Fatal("wrong shape accepted")
	}
	if got, _, err := ReadFloats(path); err != nil || !slices.Equal(got, []float32{1, 2}) {
		t.Errorf("old file is now %v %v", got, err)
	}
	if err := Write(filepath.Join(dir, "no", "such", "b.npy"), []int32{1}); err == nil {
		t.Error("writing into a missing directory succeeded")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("%d files left, want 1", len(entries))
	}
}

// What numpy.load reads, written by hand: Python 2's long sides, keys in another order and without
// spaces, big-endian, Fortran order, small and unsigned integers, halves.
func TestReadsWhatNumPyWrites(t *testing.T) {
	file := func(version byte, header string, data ...byte) []byte {
		b := append([]byte("\x93NUMPY"), version, 0)
		if b = append(b, byte(len(header)), byte(len(header)>>8)); version > 1 {
			b = append(b, 0, 0)
		}
		return append(append(b, header...), data...)
	}
	six := []float32{1, 2, 3, 4, 5, 6}
	for name, raw := range map[string][]byte{
		"Python 2": file(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (2L, 3L), }\n", 1, 2,
			3, 4, 5, 6),
		"other order": file(1, "{'shape':(2,3),'fortran_order':False,'descr':'|i1'}", 1, 2, 3, 4, 5, 6),
		"version 3": file(3, "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)}", 1, 2,
			3, 4, 5, 6),
		"Fortran": file(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3)}", 1, 4, 2, 5, 3, 6),
		"big-endian": file(1, "{'descr': '>i2', 'fortran_order': False, 'shape': (2, 3)}", 0, 1, 0, 2,
			0, 3, 0, 4,
			0, 5, 0, 6),
		"halves": file(1, "{'descr': '<f2', 'fortran_order': False, 'shape': (2, 3)}", 0, 0x3c, 0,
			0x40, 0, 0x42,
			0, 0x44, 0, 0x45, 0, 0x46),
		"big doubles": file(2, "{'descr': '>f8', 'fortran_order': False, 'shape': (2, 3)}", 0x3f, 0xf0,
			0, 0, 0, 0,
			0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0x40, 8, 0, 0, 0, 0, 0, 0, 0x40, 0x10, 0, 0, 0, 0, 0, 0,
			0x40, 0x14,
			0, 0, 0, 0, 0, 0, 0x40, 0x18, 0, 0, 0, 0, 0, 0),
	} {
		got, shape, err := Floats(name, raw)
		if err != nil || !slices.Equal(got, six) || !slices.Equal(shape, []int{2, 3}) {
			t.Errorf("%s: %v %v, %v", name, got, shape, err)
		}
	}
	// In parts, as datasets read them.
	r, err := NewReader("x", file(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (3, 2)}", 1, 3,
		5, 2, 4, 6))
	if err != nil {
		t.Fatal(err)
	}
	for row := range slices.Chunk(six, 2) {
		got := make([]float32, 2)
		if err := r.Read(got); err != nil || !slices.Equal(got, row) {
			t.Errorf("row %v, %v; want %v", got, err, row)
		}
	}
}

// An archive is read as it was written, but not through a link.
func TestArchive(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "a.npz"), filepath.Join(dir, "link.npz")
	a, b := bytes.Repeat([]byte("a"), 100), bytes.Repeat([]byte("b"), 200)
	if err := SaveArchive(path, []Entry{{"a", a}, {"b", b}}); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadArchive(path, 299); err == nil || !strings.Contains(err.Error(), "more than 299 bytes") {
		t.Errorf("300 bytes: %v", err)
	}
	if got, err := ReadArchive(path, 300); err != nil || !bytes.Equal(got["a"], a) ||
		!bytes.Equal(got["b"], b) {
		t.Errorf("read %q, %v", got, err)
	}
	if err := os.Symlink("a.npz", link); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadArchive(link, 300); err == nil || !strings.Contains(err.Error(), "a link") {
		t.Errorf("through a link: %v", err)
	}
	for _, name := range []string{"no.npz", "no/no.npz"} {
		if _, err := ReadArchive(filepath.Join(dir, name), 300); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// No header takes memory, panics or is believed.
func FuzzFloats(f *testing.F) {
	f.Add(numpyFile("<f4", "(2, 3)", make([]float32, 6)))
	f.Add(numpyFile(">i2", "(1L,)", make([]int16, 1)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		values, shape, err := Floats("x", raw)
		if err == nil && (len(values) > len(raw) || elements(shape) != len(values)) {
			t.Errorf("%d values of shape %v from %d bytes", len(values), shape, len(raw))
		}
	})
}
