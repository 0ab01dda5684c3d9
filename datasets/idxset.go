package datasets

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// idxPair names the two idx files of a split.
type idxPair struct{ images, labels string }

// The files of MNIST and of the datasets that copy its form.
var (
	idxTrain = idxPair{"train-images-idx3-ubyte", "train-labels-idx1-ubyte"}
	idxTest  = idxPair{"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}
)

// names returns both names.
func (p idxPair) names() []string { return []string{p.images, p.labels} }

// idxFolder reads the four idx files of a folder, each plain or, with the suffix
// .gz, compressed. If both are there the compressed one counts.
type idxFolder struct {
	dir     string
	shape   [3]int
	classes int
	title   string            // of the dataset, for errors
	where   string            // of the files, for the provenance; empty for the data directory
	sums    map[string]string // md5 that the compressed files must have; nil to not check
}

// mnistLike is a folder with files of the shape and number of MNIST's.
func mnistLike(dir, title string) idxFolder {
	return idxFolder{dir: dir, shape: [3]int{28, 28, 1}, classes: 10, title: title}
}

// form returns the four files as a form of their dataset.
func (f idxFolder) form() (form, error) {
	names, err := f.find()
	if err != nil {
		return form{}, fmt.Errorf("%s: %w", f.title, err)
	}
	var paths []string
	for _, name := range names {
		paths = append(paths, filepath.Join(f.dir, name))
	}
	return form{name: "idx", version: 1, files: paths, bytes: true,
		load: func(ctx context.Context, r *recorder) (Provenance, error) {
			train, test, err := f.read(ctx, names)
			if err != nil {
				return Provenance{}, fmt.Errorf("%s: %w", f.title, err)
			}
			r.read(fileSizes(paths))
			return Provenance{Kind: Real, Source: f.where + strings.Join(names, ", "),
				TrainOf: 60000, TestOf: 10000}, r.record(train, test)
		}}, nil
}

// read returns both splits of the four files.
func (f idxFolder) read(ctx context.Context, files []string) (train, test *Split, err error) {
	if train, err = f.split(ctx, files[0], files[1]); err != nil {
		return nil, nil, err
	}
	if test, err = f.split(ctx, files[2], files[3]); err != nil {
		return nil, nil, err
	}
	return train, test, nil
}

// find returns the names of the four files. None at all is errNoFiles.
func (f idxFolder) find() ([]string, error) {
	var found, missing []string
	for _, name := range append(idxTrain.names(), idxTest.names()...) {
		switch {
		case isFile(filepath.Join(f.dir, name+".gz")):
			found = append(found, name+".gz")
		case isFile(filepath.Join(f.dir, name)):
			found = append(found, name)
		default:
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return found, nil
	}
	err := fmt.Errorf("%s: expected %s (or .gz), not found", f.dir, strings.Join(missing, ", "))
	if len(found) == 0 {
		err = fmt.Errorf("%w: %w", errNoFiles, err)
	}
	return nil, err
}

// split reads the images and labels of one split.
func (f idxFolder) split(ctx context.Context, imageFile, labelFile string) (*Split, error) {
	images, err := f.array(ctx, imageFile, 3)
	if err != nil {
		return nil, err
	}
	labels, err := f.array(ctx, labelFile, 1)
	if err != nil {
		return nil, err
	}
	n, h, w := images.dims[0], images.dims[1], images.dims[2]
	if h != f.shape[0] || w != f.shape[1] {
		return nil, fmt.Errorf("%s: expected images of %dx%d, found %dx%d",
			filepath.Join(f.dir, imageFile), f.shape[0], f.shape[1], h, w)
	}
	if labels.dims[0] != n {
		return nil, fmt.Errorf("%s: expected %d labels, one for each image of %s, found %d",
			filepath.Join(f.dir, labelFile), n, imageFile, labels.dims[0])
	}
	if n == 0 {
		return nil, fmt.Errorf("%s: expected images, found none", filepath.Join(f.dir, imageFile))
	}
	l := make([]int32, n)
	for i, c := range labels.data {
		if int(c) >= f.classes {
			return nil, fmt.Errorf("%s: label %d: expected 0 to %d, found %d",
				filepath.Join(f.dir, labelFile), i, f.classes-1, c)
		}
		l[i] = int32(c)
	}
	return newByteSplit(h*w, images.data, l), nil
}

// array reads one idx file and, if it is known, checks its md5.
func (f idxFolder) array(ctx context.Context, file string, rank int) (*idx, error) {
	path := filepath.Join(f.dir, file)
	b, err := os.ReadFile(path) // at most 47 MB
	if err != nil {
		return nil, err
	}
	if f.sums != nil {
		sum := md5.Sum(b)
		if found := hex.EncodeToString(sum[:]); found != f.sums[file] {
			return nil, fmt.Errorf("%s: expected the original file with md5 %s, found %s", path, f.sums[file], found)
		}
	}
	a, err := decodeIDX(ctxReader{ctx, bytes.NewReader(b)}, strings.HasSuffix(file, ".gz"), rank)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// decodeIDX reads an idx array from a plain or compressed stream.
func decodeIDX(r io.Reader, compressed bool, rank int) (*idx, error) {
	if !compressed {
		return parseIDX(r, rank)
	}
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return parseIDX(z, rank)
}
