package datasets

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/sbinet/npyio/npy"
	"gonum.org/v1/gonum/mat"
)

// npyFile returns a .npy file as NumPy writes it.
func npyFile(descr string, fortran bool, shape string, data []byte) []byte {
	order := "False"
	if fortran {
		order = "True"
	}
	dict := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", descr, order, shape)
	for (10+len(dict)+1)%64 != 0 {
		dict += " "
	}
	dict += "\n"
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(dict)), byte(len(dict)>>8))
	return slices.Concat(b, []byte(dict), data)
}

// packed returns numbers as they are stored in a file of the given type.
func packed(descr string, v ...float64) (b []byte) {
	le := binary.LittleEndian
	for _, x := range v {
		switch descr {
		case "<f4":
			b = le.AppendUint32(b, math.Float32bits(float32(x)))
		case "<f8":
			b = le.AppendUint64(b, math.Float64bits(x))
		case "<i4":
			b = le.AppendUint32(b, uint32(int32(x)))
		case "<i8":
			b = le.AppendUint64(b, uint64(int64(x)))
		case "|u1":
			b = append(b, byte(x))
		}
	}
	return b
}

const hharSize = 20 * 120

// ramp are the values of n samples: value k of sample i is 10i + k/4 - 3.
func ramp(n int) (v []float64) {
	for i := range n {
		for k := range hharSize {
			v = append(v, float64(10*i)+float64(k)/4-3)
		}
	}
	return v
}

// oneHot returns labels of six classes in the form that the original system takes.
func oneHot(labels ...int) (v []float64) {
	for _, c := range labels {
		row := make([]float64, 6)
		row[c] = 1
		v = append(v, row...)
	}
	return v
}

// hharArrays are the four arrays of two training samples of the classes 5 and 0, and one
// test sample of class 3.
func hharArrays() map[string][]byte {
	return map[string][]byte{
		"hhar_train_data.npy":  npyFile("<f4", false, "(2, 20, 120, 1)", packed("<f4", ramp(2)...)),
		"hhar_train_label.npy": npyFile("<f8", false, "(2, 6)", packed("<f8", oneHot(5, 0)...)),
		"hhar_test_data.npy":   npyFile("<f8", false, "(1, 2400)", packed("<f8", ramp(1)...)),
		"hhar_test_label.npy":  npyFile("<i8", false, "(1,)", packed("<i8", 3)),
	}
}

func writeArrays(t *testing.T, folder string, files map[string][]byte) string {
	t.Helper()
	for name, b := range files {
		write(t, b, folder, name)
	}
	return folder
}

func TestArrays(t *testing.T) {
	for name, edit := range map[string]func(f map[string][]byte){
		"as they are": func(map[string][]byte) {},
		"other case": func(f map[string][]byte) {
			for _, n := range []string{"hhar_train_data.npy", "hhar_test_label.npy"} {
				f[strings.Replace(n, "hhar", "HHAR", 1)] = f[n]
				delete(f, n)
			}
		},
		"capitals": func(f map[string][]byte) {
			f["Hhar_Train_Label.NPY"] = f["hhar_train_label.npy"]
			delete(f, "hhar_train_label.npy")
		},
		"indices of float64": func(f map[string][]byte) {
			f["hhar_train_label.npy"] = npyFile("<f8", false, "(2,)", packed("<f8", 5, 0))
		},
		"indices of float32": func(f map[string][]byte) {
			f["hhar_train_label.npy"] = npyFile("<f4", false, "(2, 1)", packed("<f4", 5, 0))
		},
		"indices of int32": func(f map[string][]byte) {
			f["hhar_train_label.npy"] = npyFile("<i4", false, "(2, 1, 1)", packed("<i4", 5, 0))
		},
		"indices of bytes": func(f map[string][]byte) {
			f["hhar_train_label.npy"] = npyFile("|u1", false, "(2,)", packed("|u1", 5, 0))
		},
		"one-hot of bytes": func(f map[string][]byte) {
			f["hhar_train_label.npy"] = npyFile("|u1", false, "(2, 6)", packed("|u1", oneHot(5, 0)...))
		},
		"one-hot of int64": func(f map[string][]byte) {
			f["hhar_train_label.npy"] = npyFile("<i8", false, "(2, 6)", packed("<i8", oneHot(5, 0)...))
		},
		"data of float64": func(f map[string][]byte) {
			f["hhar_train_data.npy"] = npyFile("<f8", false, "(2, 20, 120, 1)", packed("<f8", ramp(2)...))
		},
		"data by npyio": func(f map[string][]byte) {
			var b bytes.Buffer
			if err := npy.Write(&b, mat.NewDense(2, hharSize, ramp(2))); err != nil {
				t.Fatal(err)
			}
			f["hhar_train_data.npy"] = b.Bytes()
		},
	} {
		files := hharArrays()
		edit(files)
		s, err := loadFresh(t, entryOf("hhar"), writeArrays(t, t.TempDir(), files))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !slices.Equal(s.Train.Labels, []int32{5, 0}) || !slices.Equal(s.Test.Labels, []int32{3}) {
			t.Errorf("%s: labels %v and %v", name, s.Train.Labels, s.Test.Labels)
		}
		for part, split := range map[string]*Split{"training": s.Train, "test": s.Test} {
			want := ramp(split.Len())
			for i, x := range values(split) {
				if x != float32(want[i]) {
					t.Errorf("%s: %s value %d is %v, want %v", name, part, i, x, want[i])
					break
				}
			}
		}
		if p := s.Provenance; p.Kind != Real || p.Source != "finished arrays of the original system" ||
			s.Train.Groups != nil {
			t.Errorf("%s: provenance %+v, groups %v", name, p, s.Train.Groups)
		}
	}
}

// Arrays are as they are: what was computed for the original system is not scaled again.
func TestArraysAreNotStandardised(t *testing.T) {
	dir := t.TempDir()
	writeArrays(t, filepath.Join(dir, "hhar"), hharArrays())
	d, err := Open(t.Context(), "hhar", Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Test.Sample(0)[:3]; !slices.Equal(got, []float32{-3, -2.75, -2.5}) {
		t.Errorf("values %v", got)
	}
}

// The originals' files, if they are there, come before arrays.
func TestArraysComeLast(t *testing.T) {
	dir := t.TempDir()
	writeArrays(t, filepath.Join(dir, "hhar"), hharArrays())
	unpack(t, dir, under("hhar", both(rowsOf(stretch{user: "a", device: "d", gt: "sit", seconds: 22})))...)
	d, err := Open(t.Context(), "hhar", Options{Dir: dir})
	if err != nil || !strings.HasPrefix(d.Provenance.Source, "unpacked files") {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestArraysErrors(t *testing.T) {
	const train, trainLabel, test, testLabel = "hhar_train_data.npy", "hhar_train_label.npy",
		"hhar_test_data.npy", "hhar_test_label.npy"
	hot := func(v ...float64) []byte { return npyFile("<f8", false, "(2, 6)", packed("<f8", v...)) }
	wrong := func(at int, x float64) []byte {
		v := ramp(2)
		v[at] = x
		return npyFile("<f8", false, "(2, 2400)", packed("<f8", v...))
	}
	for _, c := range []struct {
		name, file string
		data       []byte // nil to leave the file out
		want       string
	}{
		{"missing", test, nil, "expected hhar_test_data.npy, not found"},
		{"missing labels", trainLabel, nil, "expected hhar_train_label.npy, not found"},
		{"too narrow", train, npyFile("<f4", false, "(2, 2399)", packed("<f4", ramp(2)[:2*2399]...)),
			"expected samples of shape [20 120 1] or of 2400 values, found [2399]"},
		{"a number a sample", train, npyFile("<f4", false, "(2,)", packed("<f4", 1, 2)),
			"expected samples of shape [20 120 1]"},
		{"a single number", train, npyFile("<f4", false, "()", packed("<f4", 1)),
			"expected an array, found a single number"},
		{"other order", train, npyFile("<f4", false, "(2, 120, 20, 1)", packed("<f4", ramp(2)...)),
			"expected samples of shape [20 120 1] or of 2400 values, found [120 20 1]"},
		{"cut in pieces", train, npyFile("<f4", false, "(2, 100, 24)", packed("<f4", ramp(2)...)),
			"expected samples of shape [20 120 1]"},
		{"bytes of spectra", train, npyFile("|u1", false, "(2, 2400)", make([]byte, 4800)),
			`expected floats or, of pictures, bytes (uint8), found type "|u1"`},
		{"whole numbers", train, npyFile("<i8", false, "(2, 2400)", packed("<i8", make([]float64, 4800)...)),
			`found type "<i8"`},
		{"labels in pieces", trainLabel, npyFile("<f8", false, "(2, 3, 2)", packed("<f8", oneHot(5, 0)...)),
			"expected one-hot labels or indices, found rows of shape [3 2]"},
		{"complex", train, npyFile("<c8", false, "(2, 1200)", packed("<f4", ramp(2)...)),
			`element type "<c8"`},
		{"objects", train, npyFile("|O", false, "(2, 2400)", []byte("pickled")), `element type "|O"`},
		{"cut", train, hharArrays()[train][:10000], "truncated or damaged"},
		{"cut header", train, hharArrays()[train][:50], "not a usable .npy file"},
		{"more than stated", train, append(hharArrays()[train], 0), "truncated or damaged"},
		{"empty", train, []byte{}, "not a usable .npy file"},
		{"other file", train, []byte("PK\x03\x04 and so on, longer than a header"),
			"not a usable .npy file"},
		{"negative shape", train, npyFile("<f4", false, "(-2, 2400)", nil), "not a usable .npy file"},
		{"empty dimension", train, npyFile("<f4", false, "(2, 0)", nil), "expected rows of values"},
		{"overflow", train, npyFile("<f8", false, "(4294967296, 4294967296)", nil),
			"truncated or damaged"},
		{"NaN", train, wrong(2400+7, math.NaN()), "value 7 is NaN"},
		{"infinity", train, wrong(1, math.Inf(-1)), "value 1 is -Inf"},
		{"beyond float32", train, wrong(1, 1e300), "expected a finite number"},
		{"a label less", trainLabel, npyFile("<i8", false, "(1,)", packed("<i8", 5)),
			"expected 2 labels, one for each sample of hhar_train_data.npy, found 1"},
		{"a label more", trainLabel, npyFile("<i8", false, "(3,)", packed("<i8", 5, 4, 3)), "found 3"},
		{"other classes", trainLabel, npyFile("<f8", false, "(2, 5)", make([]byte, 80)),
			"expected one-hot labels of 6 classes, or indices, found rows of 5"},
		{"all zero", trainLabel, hot(0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0),
			"label 1 is [0 0 0 0 0 0]: expected a single 1 among zeros"},
		{"two hot", trainLabel, hot(0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0),
			"label 0 is [0 1 0 0 0 1]: expected a single 1"},
		{"half hot", trainLabel, hot(0, 0, 0, 0, 0.5, 0.5, 1, 0, 0, 0, 0, 0), "label 0"},
		{"hot and NaN", trainLabel, hot(0, 0, 0, 0, 1, math.NaN(), 1, 0, 0, 0, 0, 0), "label 0"},
		{"half an index", trainLabel, npyFile("<f8", false, "(2,)", packed("<f8", 1, 1.5)),
			"label 1 is 1.5: expected a class index"},
		{"NaN for an index", trainLabel, npyFile("<f8", false, "(2,)", packed("<f8", math.NaN(), 1)),
			"label 0 is NaN"},
		{"huge index", trainLabel, npyFile("<f8", false, "(2,)", packed("<f8", 1e30, 1)), "label 0 is"},
		{"index 6", trainLabel, npyFile("<i8", false, "(2,)", packed("<i8", 1, 6)),
			"expected 0 to 5, found 6"},
		{"negative index", testLabel, npyFile("<i8", false, "(1,)", packed("<i8", -1)),
			"expected 0 to 5, found -1"},
	} {
		files := hharArrays()
		if files[c.file] = c.data; c.data == nil {
			delete(files, c.file)
		}
		dir := t.TempDir()
		writeArrays(t, filepath.Join(dir, "hhar"), files)
		_, err := Open(t.Context(), "hhar", Options{Dir: dir})
		for _, want := range []string{c.want, c.file} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want one with %q", c.name, err, want)
			}
		}
	}
}

// A header alone is no reason to allocate.
func TestArraysHugeHeaders(t *testing.T) {
	long := npyFile("<f8", false, "(2, 2)", make([]byte, 32))
	// version 2: four bytes for the length of the header, which then is huge
	long[6] = 2
	copy(long[8:], []byte{0, 0, 0, 4}) // 64 MB
	for name, b := range map[string][]byte{
		"no rows, and wide ones": npyFile("<f8", false, "(0, 16777216)", nil),
		"a long header":          long,
		// 2^64 bytes more than there are.
		"a product that overflows": npyFile("<f8", false, "(1073793636, 2147380029)", make([]byte, 11936)),
	} {
		dir := t.TempDir()
		write(t, b, dir, "x.npy")
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		a, err := openArray(filepath.Join(dir, "x.npy"))
		runtime.ReadMemStats(&after)
		if err == nil {
			a.Close()
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<24 {
			t.Errorf("%s: %d MB allocated for a file of %d bytes (error %v)", name, n>>20, len(b), err)
		}
	}
}
