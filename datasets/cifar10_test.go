package datasets

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

// cifarHand returns records with the given labels. In record i the value of channel
// c at row y, column x is 100*c + 10*y + x + i, as a byte.
func cifarHand(labels ...byte) []byte {
	var b []byte
	for i, l := range labels {
		b = append(b, l)
		for c := range 3 {
			for y := range 32 {
				for x := range 32 {
					b = append(b, byte(100*c+10*y+x+i))
				}
			}
		}
	}
	return b
}

// file is a file of an archive.
type file struct {
	name string
	data []byte
}

// cifarTarGz returns a compressed tar file.
func cifarTarGz(t *testing.T, files ...file) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	for _, f := range files {
		h := &tar.Header{Name: "cifar-10-batches-bin/" + f.name, Mode: 0o644, Size: int64(len(f.data))}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestCIFAR10Archive(t *testing.T) {
	dir := t.TempDir()
	// Batches 5 and 2, in this order in the archive, but 2 comes first in the samples.
	write(t, cifarTarGz(t,
		file{"batches.meta.txt", []byte("airplane\n")},
		file{"data_batch_5.bin", cifarHand(7, 8)},
		file{"test_batch.bin", cifarHand(3)},
		file{"data_batch_2.bin", cifarHand(1, 0, 9)},
	), dir, cifarArchive)
	s, err := loadFolder(t, entryOf("cifar10"), dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := []int32{1, 0, 9, 7, 8}; !slices.Equal(s.Train.Labels, want) {
		t.Errorf("training labels %v, want %v", s.Train.Labels, want)
	}
	if want := []int32{3}; !slices.Equal(s.Test.Labels, want) {
		t.Errorf("test labels %v, want %v", s.Test.Labels, want)
	}
	v := s.Train.Sample(2) // record 2 of batch 2
	for _, p := range []struct{ y, x, c int }{{0, 0, 0}, {0, 1, 0}, {1, 0, 0}, {0, 0, 1}, {31, 31, 2},
		{4, 7, 1}} {
		want := float32(byte(100*p.c+10*p.y+p.x+2)) / 255
		if got := v[(p.y*32+p.x)*3+p.c]; got != want {
			t.Errorf("row %d, column %d, channel %d: %v, want %v", p.y, p.x, p.c, got, want)
		}
	}
	if want := cifarArchive + ": data_batch_2, data_batch_5, test_batch"; s.Provenance.Source != want {
		t.Errorf("source %q, want %q", s.Provenance.Source, want)
	}
}

func TestCIFAR10Unpacked(t *testing.T) {
	for _, in := range []string{"cifar-10-batches-bin", "."} {
		dir := t.TempDir()
		write(t, cifarHand(4, 5), dir, "cifar10", in, "data_batch_3.bin")
		write(t, cifarHand(6, 7, 8), dir, "cifar10", in, "test_batch.bin")
		d, err := Open(t.Context(), "cifar10", Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		p := d.Provenance
		if p.Kind != Real || p.Train != 2 || p.TrainOf != 50000 || p.Test != 3 || p.TestOf != 10000 {
			t.Errorf("provenance %+v", p)
		}
		if want := "real: unpacked files: data_batch_3, test_batch; " +
			"2 of 50000 training and 3 of 10000 test samples (9 of 10 classes have no training " +
			"samples)"; p.String() != want {
			t.Errorf("provenance %q, want %q", p, want)
		}
	}
}

func TestCIFAR10Errors(t *testing.T) {
	train, test := file{"data_batch_1.bin", cifarHand(1, 2)}, file{"test_batch.bin", cifarHand(3)}
	for _, c := range []struct {
		name    string
		archive []byte
		want    string
	}{
		{"no test batch", cifarTarGz(t, train), "expected test_batch.bin, not found"},
		{"no training batch", cifarTarGz(t, test), "expected at least one of data_batch_1.bin"},
		{"empty", cifarTarGz(t), "expected test_batch.bin, not found"},
		{"label", cifarTarGz(t, file{"data_batch_4.bin", cifarHand(0, 10)}),
			"data_batch_4.bin: label 1: expected 0 to 9, found 10"},
		{"half a record", cifarTarGz(t, file{"test_batch.bin", cifarHand(0, 1)[:4000]}),
			"test_batch.bin: expected records of 3073 bytes, found 4000 bytes, 927 too many"},
		{"empty batch", cifarTarGz(t, file{"test_batch.bin", nil}), "found 0 bytes"},
		{"twice", cifarTarGz(t, train, train), "expected once, found twice"},
		{"cut", cifarTarGz(t, train, test)[:100], "unexpected EOF"},
		{"no gzip", []byte("<html>not found</html>"), "the file is a web page"},
		{"no tar", compressed(t, bytes.Repeat([]byte("x"), 1024)), "invalid tar header"},
	} {
		dir := t.TempDir()
		write(t, c.archive, dir, "cifar10", cifarArchive)
		_, err := Open(t.Context(), "cifar10", Options{Dir: dir})
		if err == nil || !strings.Contains(err.Error(), c.want) ||
			!strings.Contains(err.Error(), cifarArchive) {
			t.Errorf("%s: error %v, want one with %q and the file", c.name, err, c.want)
		}
	}
}

// A gzip stream damaged after the tar's end has a wrong checksum.
func TestCIFAR10Checksum(t *testing.T) {
	b := cifarTarGz(t, file{"data_batch_1.bin", cifarHand(1, 2)}, file{"test_batch.bin", cifarHand(3)})
	b[len(b)-8]++
	dir := t.TempDir()
	write(t, b, dir, "cifar10", cifarArchive)
	if _, err := Open(t.Context(), "cifar10", Options{Dir: dir}); !errors.Is(err, gzip.ErrChecksum) {
		t.Errorf("error %v, want %v", err, gzip.ErrChecksum)
	}
}

func TestCIFAR10Cancelled(t *testing.T) {
	dir := t.TempDir()
	write(t, cifarTarGz(t, file{"test_batch.bin", cifarHand(3)}), dir, "cifar10", cifarArchive)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, "cifar10", Options{Dir: dir}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// dataDir returns the directory with real data, or skips the test.
func dataDir(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv(DirEnv)
	if dir == "" {
		t.Skip(DirEnv + " is not set")
	}
	folder, _, err := findFolder(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	if folder == "" {
		t.Skip("no folder " + name)
	}
	return dir
}

// The means of CIFAR-10's channels are well known.
func TestCIFAR10Real(t *testing.T) {
	dir := dataDir(t, "cifar10")
	d, err := Open(t.Context(), "cifar10", Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(d.Provenance)
	var mean [3]float64
	for i := range d.Train.Len() {
		for k, v := range d.Train.Sample(i) {
			mean[k%3] += float64(v)
		}
	}
	for c, want := range []float64{0.4914, 0.4822, 0.4465} {
		got := mean[c] / float64(d.Train.Len()*cifarPlane)
		if math.Abs(got-want) > 0.005 {
			t.Errorf("mean of channel %d is %.4f, want about %.4f", c, got, want)
		}
	}
}
