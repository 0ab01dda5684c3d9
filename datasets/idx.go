package datasets

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"weightsep/datasets/archive"
	"weightsep/datasets/prepared"
)

// idxFiles are the files of MNIST and of the datasets that copy its form: images and
// labels to train on, images and labels to test with.
var idxFiles = []string{
	"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
}

// idxFolder reads the four idx files of a folder, each plain or, with the suffix
// .gz, compressed. If both are there the compressed one counts.
type idxFolder struct {
	dir           string
	height, width int
	classes       int
	where         string            // of the files, for the provenance; empty for the data directory
	sums          map[string]string // sha256 that files must have, by name; nil to not check
}

// form returns the four files as a form of their dataset.
func (f idxFolder) form() (form, error) {
	paths, err := findAll(f.dir, idxFiles, ".gz", "")
	if err != nil {
		return form{}, err
	}
	var names []string
	for _, p := range paths {
		names = append(names, filepath.Base(p))
	}
	return form{name: "idx", version: 1, files: paths, bytes: true,
		load: func(ctx context.Context, r *recorder) (Provenance, error) {
			for i, part := range []prepared.Part{prepared.Train, prepared.Test} {
				if err := f.add(ctx, r, names[2*i], names[2*i+1], part); err != nil {
					return Provenance{}, err
				}
			}
			return Provenance{Kind: Real, Source: f.where + strings.Join(names, ", "),
				TrainOf: 60000, TestOf: 10000}, nil
		}}, nil
}

// add adds the samples of a file of images and its file of labels.
func (f idxFolder) add(ctx context.Context, r *recorder, imageFile, labelFile string,
	part prepared.Part) error {
	images, err := f.array(ctx, r, imageFile, 3)
	if err != nil {
		return err
	}
	labels, err := f.array(ctx, r, labelFile, 1)
	if err != nil {
		return err
	}
	n, h, w := images.dims[0], images.dims[1], images.dims[2]
	if h != f.height || w != f.width {
		return fmt.Errorf("%s: expected images of %dx%d, found %dx%d",
			filepath.Join(f.dir, imageFile), f.height, f.width, h, w)
	}
	if labels.dims[0] != n {
		return fmt.Errorf("%s: expected %d labels, one for each image of %s, found %d",
			filepath.Join(f.dir, labelFile), n, imageFile, labels.dims[0])
	}
	if n == 0 {
		return fmt.Errorf("%s: expected images, found none", filepath.Join(f.dir, imageFile))
	}
	for i, c := range labels.data {
		if int(c) >= f.classes {
			return fmt.Errorf("%s: label %d: expected 0 to %d, found %d",
				filepath.Join(f.dir, labelFile), i, f.classes-1, c)
		}
		s := prepared.Sample{Name: fmt.Sprintf("%d-%08d", part, i), Label: int32(c), Part: part}
		if err := r.add([]finished{{Sample: s, bytes: images.data[i*h*w : (i+1)*h*w]}}); err != nil {
			return err
		}
	}
	return nil
}

// array reads one idx file and, if it is known, checks its sha256.
func (f idxFolder) array(ctx context.Context, r *recorder, file string, rank int) (*idx, error) {
	path := filepath.Join(f.dir, file)
	in, err := archive.Open(ctx, path, r.read)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	b, err := io.ReadAll(in) // at most 47 MB
	if err != nil {
		return nil, err
	}
	if f.sums != nil {
		sum := sha256.Sum256(b)
		if found := hex.EncodeToString(sum[:]); found != f.sums[file] {
			return nil, fmt.Errorf("%s: expected the original file with sha256 %s, found %s",
				path, f.sums[file], found)
		}
	}
	var data io.Reader = bytes.NewReader(b)
	if strings.HasSuffix(file, ".gz") {
		if data, err = gzip.NewReader(data); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	a, err := parseIDX(data, rank)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// maxIDX bounds the elements of an idx file: 2 GiB, forty times MNIST's images.
const maxIDX = 1 << 31

// idx is an array of unsigned bytes, the last dimension changing fastest.
type idx struct {
	dims []int
	data []byte
}

// parseIDX reads an idx file of unsigned bytes with the given number of dimensions.
// The format: two zero bytes, the element type (8), the number of dimensions, each
// dimension as a big-endian uint32, the elements. The reader must end there.
func parseIDX(r io.Reader, rank int) (*idx, error) {
	head, err := readFull(r, 4)
	if err != nil {
		return nil, fmt.Errorf("magic number: %w", err)
	}
	if want, found := uint32(8<<8|rank), binary.BigEndian.Uint32(head); found != want {
		return nil, fmt.Errorf("magic number: expected %#08x, found %#08x", want, found)
	}
	if head, err = readFull(r, 4*rank); err != nil {
		return nil, fmt.Errorf("dimensions: %w", err)
	}
	a := &idx{dims: make([]int, rank)}
	n := int64(1)
	for i := range a.dims {
		d := binary.BigEndian.Uint32(head[4*i:])
		// Checking at every factor keeps the product from overflowing.
		if n *= int64(d); n > maxIDX || d > maxIDX {
			return nil, fmt.Errorf("dimension %d: expected at most %d elements in all, found %d by here",
				i, maxIDX, n)
		}
		a.dims[i] = int(d)
	}
	if a.data, err = readFull(r, int(n)); err != nil {
		return nil, fmt.Errorf("elements: %w", err)
	}
	rest, err := io.Copy(io.Discard, r)
	if err != nil {
		return nil, fmt.Errorf("after the data: %w", err)
	}
	if rest > 0 {
		return nil, fmt.Errorf("expected the end, found %d bytes more", rest)
	}
	return a, nil
}

// readFull reads exactly n bytes. Memory grows with what is really there, so that a
// damaged size gives an error and not a huge allocation.
func readFull(r io.Reader, n int) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, int64(n)))
	if err != nil {
		return nil, fmt.Errorf("expected %d bytes, read %d: %w", n, len(b), err)
	}
	if len(b) < n {
		return nil, fmt.Errorf("truncated: expected %d bytes, found %d: %w", n, len(b), io.ErrUnexpectedEOF)
	}
	return b, nil
}
