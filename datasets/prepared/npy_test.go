package prepared

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sbinet/npyio/npy"
)

// The files must be what they say they are to readers of others.
func TestFilesAreNPY(t *testing.T) {
	samples := []item{
		{Sample{Name: "b", Label: 8, Part: Test, Group: "g", Clip: "c"}, []float32{5, 6, 7, 8}},
		{Sample{Name: "a", Label: 9}, []float32{1, 2, 3, 4}},
	}
	floats, bytes := filepath.Join(t.TempDir(), "floats"), filepath.Join(t.TempDir(), "bytes")
	made(t, floats, Layout{Size: 4, Period: 2}, nil, samples...)
	made(t, bytes, Layout{Size: 4, Bytes: true}, nil, samples...)

	check(t, filepath.Join(floats, "values.npy"), "<f4", []int{2, 4}, []float32{5, 6, 7, 8, 1, 2, 3, 4})
	check(t, filepath.Join(bytes, "values.npy"), "|u1", []int{2, 4}, []uint8{5, 6, 7, 8, 1, 2, 3, 4})
	index := []int32{ // row, label, part, group, clip
		1, 9, 0, -1, -1,
		0, 8, 2, 0, 0,
	}
	check(t, filepath.Join(floats, "index.npy"), "<i4", []int{2, 5}, index)
	check(t, filepath.Join(bytes, "index.npy"), "<i4", []int{2, 5}, index)
	check(t, filepath.Join(floats, "moments.npy"), "<f8", []int{2, 2, 2}, []float64{
		5 + 7, 25 + 49, 6 + 8, 36 + 64,
		1 + 3, 1 + 9, 2 + 4, 4 + 16,
	})
	if got := names(t, bytes); !slices.Equal(got, []string{"index.npy", "set.json", "values.npy"}) {
		t.Errorf("files %v: want no moments", got)
	}
}

// check reads a file with a reader that shares no code with this package.
func check[T comparable](t *testing.T, path, typ string, shape []int, want []T) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := npy.NewReader(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if d := r.Header.Descr; d.Type != typ || d.Fortran || !slices.Equal(d.Shape, shape) {
		t.Errorf("%s: %+v, want %s %v", path, d, typ, shape)
	}
	var got []T
	if err := r.Read(&got); err != nil || !slices.Equal(got, want) {
		t.Errorf("%s: %v, %v, want %v", path, got, err, want)
	}
	if n, err := f.Read(make([]byte, 1)); n > 0 {
		t.Errorf("%s: bytes after the values (%v)", path, err)
	}
}

// Mapped values are read in place, so they must begin where a float32 may. NumPy asks
// for 64 bytes.
func TestValuesAreAligned(t *testing.T) {
	for _, n := range []int{1, 10, 1000} {
		dir := filepath.Join(t.TempDir(), "set")
		made(t, dir, Layout{Size: 3}, nil, slices.Repeat([]item{{Sample{}, []float32{1, 2, 3}}}, n)...)
		info, err := os.Stat(filepath.Join(dir, "values.npy"))
		if err != nil {
			t.Fatal(err)
		}
		if head := info.Size() - int64(n*3*4); head%64 != 0 {
			t.Errorf("%d samples: the values begin at byte %d", n, head)
		}
	}
}
