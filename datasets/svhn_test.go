package datasets

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"
)

// pixel is the value of channel c at row y, column x of image i.
func pixel(i, y, x, c int) byte { return byte(7*y + 3*x + 50*c + 101*i + x*y) }

// element returns a data element of a MAT-file, padded.
func element(typ uint32, data ...byte) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(le.AppendUint32(nil, typ), uint32(len(data)))
	b = append(b, data...)
	return append(b, make([]byte, (8-len(data)%8)%8)...)
}

func int32s(v ...int) (b []byte) {
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, uint32(x))
	}
	return b
}

// Numbers of the format: types of elements and classes of arrays.
const (
	miINT8, miUINT8, miINT32, miUINT32, miDOUBLE, miMATRIX, miCOMPRESSED = 1, 2, 5, 6, 9, 14, 15
	mxCHAR, mxDOUBLE, mxUINT8                                            = 4, 6, 9
)

// matrix returns a variable of a MAT-file.
func matrix(name string, class int, dims []int, typ uint32, data []byte) []byte {
	return element(miMATRIX, slices.Concat(element(miUINT32, int32s(class, 0)...),
		element(miINT32, int32s(dims...)...),
		element(miINT8, []byte(name)...), element(typ, data...))...)
}

// matFile returns a MAT-file of variables, each compressed as MATLAB does.
func matFile(variables ...[]byte) []byte {
	b := append([]byte("MATLAB 5.0 MAT-file"), bytes.Repeat([]byte(" "), 97)...)
	b = append(b, make([]byte, 8)...)
	b = append(b, 0x00, 0x01, 'I', 'M')
	for _, v := range variables {
		var z bytes.Buffer
		w := zlib.NewWriter(&z)
		w.Write(v)
		w.Close()
		b = binary.LittleEndian.AppendUint32(b, miCOMPRESSED)
		b = binary.LittleEndian.AppendUint32(b, uint32(z.Len()))
		b = append(b, z.Bytes()...)
	}
	return b
}

// digits returns the array X: rows run fastest, then columns, channels and images.
func digits(n int, dims ...int) []byte {
	var data []byte
	for i := range n {
		for c := range 3 {
			for x := range 32 {
				for y := range 32 {
					data = append(data, pixel(i, y, x, c))
				}
			}
		}
	}
	if dims == nil {
		dims = []int{32, 32, 3, n}
	}
	return matrix("X", mxUINT8, dims, miUINT8, data)
}

// answers returns the array y, as doubles that are stored in bytes.
func answers(y ...byte) []byte { return matrix("y", mxDOUBLE, []int{len(y), 1}, miUINT8, y) }

func TestSVHN(t *testing.T) {
	test := matFile(digits(2), answers(10, 5))
	for name, train := range map[string][]byte{
		"X before y": matFile(digits(4), answers(10, 1, 9, 2)),
		"y before X": matFile(answers(10, 1, 9, 2), digits(4)),
		"more variables": matFile(matrix("z", mxDOUBLE, []int{1, 1}, miUINT8, []byte{1}), digits(4),
			answers(10, 1, 9, 2)),
		"y in a row": matFile(digits(4), matrix("y", mxDOUBLE, []int{1, 4}, miUINT8,
			[]byte{10, 1, 9, 2})),
		"y of bytes": matFile(digits(4), matrix("y", mxUINT8, []int{4, 1}, miUINT8,
			[]byte{10, 1, 9, 2})),
	} {
		folder := unpack(t, t.TempDir(), file{svhnTrain, train}, file{svhnTest, test})
		s, err := loadFresh(t, entryOf("svhn"), folder)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := []int32{0, 1, 9, 2}; !slices.Equal(s.Train.Labels, want) {
			t.Errorf("%s: training labels %v, want %v", name, s.Train.Labels, want)
		}
		if want := []int32{0, 5}; !slices.Equal(s.Test.Labels, want) { // in the order of the file
			t.Errorf("%s: test labels %v, want %v", name, s.Test.Labels, want)
		}
		for part, split := range map[string]*Split{"training": s.Train, "test": s.Test} {
			for i := range split.Len() {
				checkDigit(t, name+", "+part, split.Sample(i), i)
			}
		}
		if p := s.Provenance; p.Kind != Real || p.TrainOf != 73257 || p.TestOf != 26032 ||
			p.Source != "train_32x32.mat, test_32x32.mat" {
			t.Errorf("%s: provenance %+v", name, p)
		}
		if s.Train.Groups != nil || s.Train.Clips != nil {
			t.Errorf("%s: groups %v, clips %v", name, s.Train.Groups, s.Train.Clips)
		}
	}
}

func checkDigit(t *testing.T, name string, v []float32, i int) {
	t.Helper()
	for y := range 32 {
		for x := range 32 {
			for c := range 3 {
				if got, want := v[(y*32+x)*3+c], float32(pixel(i, y, x, c))/255; got != want {
					t.Errorf("%s: image %d, row %d, column %d, channel %d: %v, want %v", name, i, y, x, c,
						got, want)
					return
				}
			}
		}
	}
}

// MATLAB drops a last dimension of 1.
func TestSVHNOneImage(t *testing.T) {
	one := matFile(digits(1, 32, 32, 3), answers(3))
	s, err := loadFresh(t, entryOf("svhn"), unpack(t, t.TempDir(),
		file{svhnTrain, matFile(digits(2), answers(1, 2))},
		file{svhnTest, one}))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Test.Labels, []int32{3}) {
		t.Errorf("test labels %v", s.Test.Labels)
	}
	checkDigit(t, "test", s.Test.Sample(0), 0)
}

func TestSVHNErrors(t *testing.T) {
	doubles := func(v ...float64) []byte {
		var b []byte
		for _, x := range v {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		}
		return matrix("y", mxDOUBLE, []int{len(v), 1}, miDOUBLE, b)
	}
	good := matFile(digits(2), answers(1, 2))
	even := func(typ uint32, value ...byte) []byte { // one image of this value
		return matFile(matrix("X", mxDOUBLE, []int{32, 32, 3}, typ, bytes.Repeat(value, 3072)), answers(1))
	}
	const whole = "array X, image 0: expected whole numbers from 0 to 255, found "
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"label 11", matFile(digits(2), answers(1, 11)), "array y: label 1: expected 1 to 10, found 11"},
		{"label 0", matFile(digits(2), answers(0, 1)), "array y: label 0: expected 1 to 10, found 0"},
		{"half a label", matFile(digits(2), doubles(1, 2.5)),
			"array y: label 1: expected 1 to 10, found 2.5"},
		{"no number", matFile(digits(2), doubles(math.NaN(), 2)),
			"array y: label 0: expected 1 to 10, found NaN"},
		{"huge label", matFile(digits(2), doubles(1, 1e300)),
			"array y: label 1: expected 1 to 10, found 1e+300"},
		{"a label less", matFile(digits(2), answers(1)),
			"array y: expected 2 labels, one for each image of X, found 1"},
		{"a label more", matFile(answers(1, 2, 3), digits(2)),
			"array y: expected 2 labels, one for each image of X, found 3"},
		{"no labels", matFile(digits(2)), "expected the arrays X and y"},
		{"no images", matFile(answers(1, 2)), "expected the arrays X and y"},
		{"other case", matFile(digits(2), matrix("Y", mxUINT8, []int{2, 1}, miUINT8, []byte{1, 2})),
			"expected the arrays X and y"},
		{"nothing", matFile(), "expected the arrays X and y"},
		{"X twice", matFile(digits(2), digits(2), answers(1, 2)), "expected array X once, found it twice"},
		{"y twice", matFile(answers(1, 2), answers(1, 2), digits(2)),
			"expected array y once, found it twice"},
		{"images first", matFile(digits(2, 2, 32, 32, 3), answers(1, 2)),
			"expected numbers [32 32 3 n], found [2 32 32 3]"},
		{"flat", matFile(digits(2, 3072, 2), answers(1, 2)), "expected numbers [32 32 3 n], found [3072 2]"},
		{"grey", matFile(digits(1, 32, 32, 1, 3), answers(1, 2, 3)),
			"expected numbers [32 32 3 n], found [32 32 1 3]"},
		{"negative", even(miINT8, 255), whole + "-1"},
		{"above a byte", even(miINT32, 0, 1, 0, 0), whole + "256"},
		{"no whole number", even(miDOUBLE, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f), whole + "0.5"},
		{"NaN", even(miDOUBLE, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f), whole + "NaN"},
		{"text", matFile(matrix("X", mxCHAR, []int{32, 32, 3, 1}, miUINT8, make([]byte, 3072)), answers(1)),
			"expected numbers [32 32 3 n]"},
		{"text for labels", matFile(digits(1), matrix("y", mxCHAR, []int{1, 1}, miUINT8, []byte("1"))),
			"array y: expected real numbers, found [1 1] of class char"},
		{"fewer values than stated", matFile(matrix("X", mxUINT8, []int{32, 32, 3, 2}, miUINT8,
			make([]byte, 5000)), answers(1, 2)), `"X": values`},
		{"cut", good[:len(good)/2], "unexpected EOF"},
		{"empty", nil, "unexpected EOF"},
		{"no MAT-file", bytes.Repeat([]byte("<html>"), 100), "mat5: header"},
	} {
		for _, name := range []string{svhnTrain, svhnTest} {
			dir := t.TempDir()
			unpack(t, dir, file{"svhn/" + svhnTrain, good}, file{"svhn/" + svhnTest, good},
				file{"svhn/" + name, c.data})
			_, err := Open(t.Context(), "svhn", Options{Dir: dir})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s in %s: error %v, want one with %q and the file", c.name, name, err, c.want)
			}
		}
	}
	for _, name := range []string{svhnTrain, svhnTest} {
		dir := t.TempDir()
		write(t, good, dir, "svhn", name)
		_, err := Open(t.Context(), "svhn", Options{Dir: dir})
		other := map[string]string{svhnTrain: svhnTest, svhnTest: svhnTrain}[name]
		if err == nil || !strings.Contains(err.Error(), "expected "+other+", not found") {
			t.Errorf("%s alone: error %v", name, err)
		}
	}
}
