package datasets

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes/float16"
	"github.com/sbinet/npyio/npy"

	"weightsep/datasets/prepared"
)

// arrays finds the finished arrays that the original system downloads, as in
// cifar10_train_data.npy, cifar10_train_label.npy, cifar10_test_data.npy and
// cifar10_test_label.npy. Data are float32 or float64, a sample a row of any shape;
// labels are one-hot, or class indices. The case of the dataset's name is free.
//
// They came without the code that made them and are taken as they are: not
// standardised, and without a word of which samples are related.
func (e entry) arrays(folder string) (form, error) {
	listed, err := os.ReadDir(folder)
	if err != nil {
		return form{}, err
	}
	var names []string
	for _, suffix := range []string{"_train_data.npy", "_train_label.npy", "_test_data.npy",
		"_test_label.npy"} {
		names = append(names, e.Name+suffix)
		for _, f := range listed {
			if strings.EqualFold(f.Name(), e.Name+suffix) {
				names[len(names)-1] = f.Name()
			}
		}
	}
	paths, err := findAll(folder, names, "")
	return form{name: "arrays", version: 1, files: paths,
		provenance: Provenance{Source: "finished arrays of the original system"},
		load: loadHalves(paths, func(r *recorder, files []string, part prepared.Part) error {
			return addArrays(r, files[0], files[1], part)
		})}, err
}

// addArrays adds the samples of a file of data and its file of labels.
func addArrays(r *recorder, dataPath, labelPath string, part prepared.Part) error {
	data, err := openArray(dataPath)
	if err != nil {
		return err
	}
	defer data.Close()
	if data.columns != r.size() {
		return fmt.Errorf("%s: expected %d values a sample (%v), found %d", dataPath, r.size(), r.Shape,
			data.columns)
	}
	labels, err := readLabels(r.ctx, labelPath, r.Classes)
	if err != nil {
		return err
	}
	if len(labels) != data.rows {
		return fmt.Errorf("%s: expected %d labels, one for each sample of %s, found %d",
			labelPath, data.rows, filepath.Base(dataPath), len(labels))
	}
	v := make([]float32, data.columns)
	for i, label := range labels {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if err := data.next(v); err != nil {
			return fmt.Errorf("%s: sample %d: %w", dataPath, i, err)
		}
		if err := r.addAt(part, i, label, v); err != nil {
			return fmt.Errorf("%s: %w", dataPath, err)
		}
		r.read(int64(data.width * data.columns))
	}
	return nil
}

// readLabels reads a file of one-hot labels, or of class indices.
func readLabels(ctx context.Context, path string, classes int) ([]int32, error) {
	a, v, err := readArray(ctx, path)
	if err != nil {
		return nil, err
	}
	labels, err := classLabels(v, a.columns, classes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return labels, nil
}

// classLabels returns the classes that one-hot rows, or rows of a class index, stand for.
func classLabels(v []float32, columns, classes int) (labels []int32, err error) {
	if columns != classes && columns != 1 {
		return nil, fmt.Errorf("expected one-hot labels of %d classes, or indices, found rows of %d",
			classes, columns)
	}
	for row := range slices.Chunk(v, columns) {
		i, label := len(labels), row[0]
		if columns > 1 {
			label = float32(slices.Index(row, 1))
			if others := slices.DeleteFunc(slices.Clone(row), isZero); label < 0 || len(others) != 1 {
				return nil, fmt.Errorf("label %d is %v: expected a single 1 among zeros", i, row)
			}
		}
		switch {
		case label != float32(int32(label)):
			return nil, fmt.Errorf("label %d is %v: expected a class index", i, label)
		case label < 0 || int(label) >= classes:
			return nil, fmt.Errorf("label %d: expected 0 to %d, found %v", i, classes-1, label)
		}
		labels = append(labels, int32(label))
	}
	return labels, nil
}

func isZero(x float32) bool { return x == 0 }

// array is an open .npy file of numbers, read row by row.
type array struct {
	*os.File
	rows, columns int
	shape         []int  // of a row
	kind          string // of its numbers, as NumPy writes it: "<f4", "|u1", …
	width         int    // bytes of a number
	value         func(b []byte) float32
	buffer        []byte
}

// openArray reads the header of an array in C order.
func openArray(path string) (a *array, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		// npyio slices the header at places that it does not check.
		if r := recover(); r != nil {
			err = errors.New("damaged header")
		}
		if err != nil {
			f.Close()
			a, err = nil, fmt.Errorf("%s: not a usable .npy file: %w", path, err)
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := checkHeader(f, info.Size()); err != nil {
		return nil, err
	}
	r, err := npy.NewReader(f)
	if err != nil {
		return nil, err
	}
	d := r.Header.Descr
	a = &array{File: f, columns: 1, kind: d.Type}
	if d.Fortran {
		return nil, errors.New("expected values in C order")
	}
	number, ok := numberTypes[d.Type]
	if a.value, a.width = number.value, number.width; !ok {
		return nil, fmt.Errorf("expected little-endian numbers, found type %q", d.Type)
	}
	if len(d.Shape) == 0 {
		return nil, errors.New("expected an array, found a single number")
	}
	a.rows, a.shape = d.Shape[0], d.Shape[1:]
	for _, n := range d.Shape[1:] {
		if n < 1 || a.columns > math.MaxInt32/n {
			return nil, fmt.Errorf("shape %v", d.Shape)
		}
		a.columns *= n
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, err
	}
	// In this order nothing can overflow: columns fit an int32.
	rest, row := info.Size()-at, int64(a.columns)*int64(a.width)
	if a.rows < 1 || a.rows > math.MaxInt32 || rest%row != 0 || rest/row != int64(a.rows) {
		return nil, fmt.Errorf("shape %v of %d-byte numbers does not fit %d bytes", d.Shape, a.width, rest)
	}
	a.buffer = make([]byte, a.width*a.columns)
	return a, nil
}

// readArray reads an array whole.
func readArray(ctx context.Context, path string) (*array, []float32, error) {
	a, err := openArray(path)
	if err != nil {
		return nil, nil, err
	}
	defer a.Close()
	values := make([]float32, a.rows*a.columns)
	for i := range a.rows {
		if i%1024 == 0 && ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		if err := a.next(values[i*a.columns:][:a.columns]); err != nil {
			return nil, nil, fmt.Errorf("%s: row %d: %w", path, i, err)
		}
	}
	return a, values, nil
}

// checkHeader refuses a header longer than the file, for which npyio would make room.
func checkHeader(f *os.File, size int64) error {
	var head [12]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return err
	}
	length := int64(binary.LittleEndian.Uint16(head[8:]))
	if head[6] > 1 {
		length = int64(binary.LittleEndian.Uint32(head[8:]))
	}
	if length > size {
		return fmt.Errorf("header of %d bytes in a file of %d", length, size)
	}
	return nil
}

// next reads the next row.
func (a *array) next(dst []float32) error {
	if _, err := io.ReadFull(a, a.buffer); err != nil {
		return err
	}
	for i := range dst {
		dst[i] = a.value(a.buffer[i*a.width:])
	}
	return nil
}

// numberTypes says how the numbers of a .npy type are read, and their width in bytes.
var numberTypes = map[string]struct {
	width int
	value func(b []byte) float32
}{
	"<f4": {4, func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }},
	"<f8": {8, func(b []byte) float32 { return float32(math.Float64frombits(binary.LittleEndian.Uint64(b))) }},
	"<f2": {2, func(b []byte) float32 { return float16.Float16(binary.LittleEndian.Uint16(b)).Float32() }},
	"|b1": {1, func(b []byte) float32 { return float32(int8(b[0])) }},
	"|i1": {1, func(b []byte) float32 { return float32(int8(b[0])) }},
	"<i2": {2, func(b []byte) float32 { return float32(int16(binary.LittleEndian.Uint16(b))) }},
	"<i4": {4, func(b []byte) float32 { return float32(int32(binary.LittleEndian.Uint32(b))) }},
	"<i8": {8, func(b []byte) float32 { return float32(int64(binary.LittleEndian.Uint64(b))) }},
	"|u1": {1, func(b []byte) float32 { return float32(b[0]) }},
}
