package datasets

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"weightsep/datasets/npy"
	"weightsep/datasets/prepared"
)

// arrays finds the finished arrays that the original system downloads, as in
// cifar10_train_data.npy, cifar10_train_label.npy, cifar10_test_data.npy and
// cifar10_test_label.npy. Data are floats, a sample a row, of the dataset's shape or flat; of pictures
// they may be bytes, which are divided by 255. Labels are one-hot, or class indices.
//
// They came without the code that made them and are taken as they are: not
// standardised, and without a word of which samples are related.
func (e entry) arrays(folder string) (form, error) {
	var names []string
	for _, suffix := range []string{"_train_data.npy", "_train_label.npy", "_test_data.npy",
		"_test_label.npy"} {
		names = append(names, e.Name+suffix)
	}
	paths, err := findAll(folder, names, "")
	return form{name: "arrays", version: 1, files: paths,
		provenance: Provenance{Source: "finished arrays of the original system"},
		load: loadHalves(paths, func(r *recorder, files []string, part prepared.Part) error {
			return addArrays(r, files[0], files[1], part)
		})}, err
}

// spectra are the datasets whose samples are no pictures, for which bytes could stand.
var spectra = []string{"gsc", "esc10", "us8k", "hhar"}

// addArrays adds the samples of a file of data and its file of labels.
func addArrays(r *recorder, dataPath, labelPath string, part prepared.Part) error {
	data, err := openArray(dataPath)
	if err != nil {
		return err
	}
	defer data.Close()
	sides := sidesOf(data.shape)
	if !slices.Equal(sides, sidesOf(r.Shape)) && !slices.Equal(sides, []int{r.size()}) {
		return fmt.Errorf("%s: expected samples of shape %v or of %d values, found %v", dataPath, r.Shape,
			r.size(), data.shape)
	}
	pixels := strings.Contains(data.Type, "u1") && !slices.Contains(spectra, r.Name)
	if !pixels && !strings.Contains(data.Type, "f") {
		return fmt.Errorf("%s: expected floats or, of pictures, bytes (uint8), found type %q", dataPath,
			data.Type)
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
		if err := data.Read(v); err != nil {
			return fmt.Errorf("sample %d: %w", i, err)
		}
		if pixels {
			for k := range v {
				v[k] /= 255
			}
		}
		if err := r.addAt(part, i, label, v); err != nil {
			return fmt.Errorf("%s: %w", dataPath, err)
		}
		r.read(data.size / int64(data.rows))
	}
	return nil
}

// readLabels reads a file of one-hot labels, or of class indices.
func readLabels(ctx context.Context, path string, classes int) ([]int32, error) {
	a, v, err := readArray(ctx, path)
	if err != nil {
		return nil, err
	}
	if len(sidesOf(a.shape)) > 1 {
		return nil, fmt.Errorf("%s: expected one-hot labels or indices, found rows of shape %v", path,
			a.shape)
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
	*npy.Reader
	rows, columns int
	shape         []int // of a row
	size          int64 // of the file, in bytes
}

// openArray reads the header of an array.
func openArray(path string) (*array, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	r, err := npy.Open(path)
	if err != nil {
		return nil, err
	}
	if len(r.Shape) == 0 {
		r.Close()
		return nil, fmt.Errorf("%s: expected an array, found a single number", path)
	}
	a := &array{Reader: r, rows: r.Shape[0], columns: 1, shape: r.Shape[1:], size: info.Size()}
	for _, n := range a.shape {
		a.columns *= n // no more than there are values: it does not overflow
	}
	if a.rows < 1 || a.rows > math.MaxInt32 || a.columns < 1 || a.columns > math.MaxInt32 {
		r.Close()
		return nil, fmt.Errorf("%s: expected rows of values, found the shape %v", path, r.Shape)
	}
	return a, nil
}

// sidesOf returns the sides of a shape but for those of 1, which change nothing.
func sidesOf(shape []int) []int {
	return slices.DeleteFunc(slices.Clone(shape), func(n int) bool { return n == 1 })
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
		if err := a.Read(values[i*a.columns:][:a.columns]); err != nil {
			return nil, nil, fmt.Errorf("row %d: %w", i, err)
		}
	}
	return a, values, nil
}
