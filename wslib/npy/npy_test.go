package npy

import (
	"bytes"
	"encoding/binary"
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
	fortran := bytes.Replace(numpyFile("<f4", "(2, 2)", []float32{1, 2, 3, 4}),
		[]byte("False, 'shape': (2, 2), }"), []byte("True, 'shape': (2, 2), } "), 1)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"truncated":      {good[:len(good)-3], "13 bytes of data"},
		"trailing":       {append(slices.Clone(good), 0), "17 bytes of data"},
		"empty":          {nil, "not a .npy file"},
		"no newline":     {good[:30], "not a .npy file"},
		"magic":          {append([]byte("NUMPY!"), good[6:]...), "not a .npy file"},
		"wrong type":     {numpyFile("<i4", "(1,)", []int32{1}), `element type "<i4"`},
		"huge shape":     {numpyFile("<f4", "(99999999, 99999999)", []float32{1}), "4 bytes of data"},
		"negative shape": {numpyFile("<f4", "(-4,)", []float32{1}), "shape [-4]"},
		"fortran":        {fortran, "Fortran order"},
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
