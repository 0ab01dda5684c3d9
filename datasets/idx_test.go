package datasets

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Two images of 2x3 and their labels, byte by byte.
var (
	handImages = []byte{
		0, 0, 8, 3,
		0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3,
		1, 2, 3, 4, 5, 6,
		7, 8, 9, 10, 11, 255,
	}
	handLabels = []byte{0, 0, 8, 1, 0, 0, 0, 2, 9, 4}
)

func TestParseIDX(t *testing.T) {
	a, err := parseIDX(bytes.NewReader(handImages), 3)
	if err != nil {
		t.Fatal(err)
	}
	if want := []int{2, 2, 3}; !slices.Equal(a.dims, want) {
		t.Errorf("dimensions %v, want %v", a.dims, want)
	}
	if want := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255}; !bytes.Equal(a.data, want) {
		t.Errorf("elements %v, want %v", a.data, want)
	}
	if a, err = parseIDX(bytes.NewReader(handLabels), 1); err != nil || !bytes.Equal(a.data, []byte{9, 4}) {
		t.Errorf("labels %v, %v", a, err)
	}
}

func TestParseIDXErrors(t *testing.T) {
	huge := []byte{0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}
	many := []byte{0, 0, 8, 1, 127, 255, 255, 255, 1, 2, 3} // 2 GiB promised, 3 bytes there
	for _, c := range []struct {
		name string
		file []byte
		want string // in the error
	}{
		{"empty", nil, "magic number: truncated: expected 4 bytes, found 0"},
		{"element type", []byte{0, 0, 9, 3, 0, 0, 0, 0}, "expected 0x00000803, found 0x00000903"},
		{"labels for images", handLabels, "expected 0x00000803, found 0x00000801"},
		{"header cut", handImages[:10], "dimensions: truncated: expected 12 bytes, found 6"},
		{"data cut", handImages[:len(handImages)-1], "elements: truncated: expected 12 bytes, found 11"},
		{"one byte more", append(slices.Clone(handImages), 0), "expected the end, found 1 bytes more"},
		{"product overflows", huge, "dimension 0: expected at most"},
		{"size without data", slices.Concat(many[:3], []byte{3}, many[4:8], []byte{0, 0, 0, 1, 0, 0, 0, 1},
			many[8:]),
			"expected 2147483647 bytes, found 3"},
	} {
		_, err := parseIDX(bytes.NewReader(c.file), 3)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

// FuzzParseIDX checks that what the parser accepts is exactly what the header says.
func FuzzParseIDX(f *testing.F) {
	f.Add(handImages)
	f.Add(handLabels)
	f.Add(handImages[:17])
	f.Add(append(slices.Clone(handLabels), 1))
	f.Add([]byte{0, 0, 8, 3, 255, 255, 255, 255, 0, 0, 0, 0, 255, 255, 255, 255})
	f.Add([]byte{0, 0, 8, 1, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, rank := range []int{1, 3} {
			a, err := parseIDX(bytes.NewReader(file), rank)
			if err != nil {
				continue
			}
			header := 4 + 4*rank
			if !bytes.Equal(a.data, file[header:]) {
				t.Errorf("elements are not what follows the header of %d bytes", header)
			}
			n := 1
			for i, d := range a.dims {
				n *= d
				b := file[4+4*i:]
				if d != int(b[0])<<24|int(b[1])<<16|int(b[2])<<8|int(b[3]) {
					t.Errorf("dimension %d is %d, bytes %v", i, d, b[:4])
				}
			}
			if n != len(a.data) || len(a.dims) != rank {
				t.Errorf("dimensions %v for %d elements", a.dims, len(a.data))
			}
		}
	})
}

// compressed returns b as a gzip file.
func compressed(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// write makes a file and its folders.
func write(t *testing.T, b []byte, path ...string) {
	t.Helper()
	name := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b, 0o666); err != nil {
		t.Fatal(err)
	}
}

// handFolder makes a folder of four idx files from the hand-written ones. The edit
// may change them, by name without .gz, before they are written; nil leaves one out.
func handFolder(t *testing.T, edit func(files map[string][]byte)) string {
	t.Helper()
	files := map[string][]byte{
		"train-images-idx3-ubyte": slices.Clone(handImages),
		"train-labels-idx1-ubyte": slices.Clone(handLabels),
		"t10k-images-idx3-ubyte":  slices.Clone(handImages),
		"t10k-labels-idx1-ubyte":  slices.Clone(handLabels),
	}
	if edit != nil {
		edit(files)
	}
	dir := t.TempDir()
	for name, b := range files {
		switch {
		case b == nil:
		case strings.HasPrefix(name, "train"):
			write(t, compressed(t, b), dir, name+".gz")
		default:
			write(t, b, dir, name)
		}
	}
	return dir
}

// readHand reads the files of a folder.
func readHand(t *testing.T, ctx context.Context, dir string) (*Dataset, error) {
	t.Helper()
	of, err := idxForm(dir, "")
	if err != nil {
		return nil, err
	}
	e := newEntry("hand", []int{2, 3, 1}, make([]string, 10), nil)
	return e.real(ctx, Options{CacheDir: t.TempDir()}, of)
}

func TestIDXFolder(t *testing.T) {
	all, err := readHand(t, t.Context(), handFolder(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Split{all.Train, all.Test} {
		if !slices.Equal(s.Labels, []int32{9, 4}) {
			t.Errorf("labels %v", s.Labels)
		}
		if got := s.Sample(1); got[0] != 7.0/255 || got[5] != 1 {
			t.Errorf("sample 1 is %v", got)
		}
	}
	want := "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte, " +
		"t10k-labels-idx1-ubyte"
	if all.Provenance.Source != want {
		t.Errorf("source %q, want %q", all.Provenance.Source, want)
	}
}

func TestIDXFolderErrors(t *testing.T) {
	const images, labels = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
	for _, c := range []struct {
		name string
		edit func(map[string][]byte)
		want string
	}{
		{"label out of range", func(f map[string][]byte) { f[labels][9] = 10 },
			labels + ": label 1: expected 0 to 9, found 10"},
		{"fewer labels", func(f map[string][]byte) { f[labels] = []byte{0, 0, 8, 1, 0, 0, 0, 1, 9} },
			labels + ": expected 2 labels, one for each image of " + images + ", found 1"},
		{"image size", func(f map[string][]byte) { f[images][11], f[images][15] = 3, 2 },
			images + ": expected images of 2x3, found 3x2"},
		{"no images", func(f map[string][]byte) {
			f[images] = []byte{0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 3}
			f[labels] = []byte{0, 0, 8, 1, 0, 0, 0, 0}
		}, "expected images, found none"},
		{"file missing", func(f map[string][]byte) { f[labels] = nil },
			"expected " + labels + " (or .gz), not found"},
		{"trailing", func(f map[string][]byte) {
			f["train-images-idx3-ubyte"] = append(f["train-images-idx3-ubyte"], 0)
		}, "train-images-idx3-ubyte.gz: expected the end, found 1 bytes more"},
	} {
		_, err := readHand(t, t.Context(), handFolder(t, c.edit))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
		if errors.Is(err, errNoFiles) {
			t.Errorf("%s: counts as a folder without files", c.name)
		}
	}
}

func TestIDXCutGzip(t *testing.T) {
	dir := handFolder(t, nil)
	z := compressed(t, handImages)
	write(t, z[:len(z)-3], dir, "train-images-idx3-ubyte.gz") // the checksum is cut
	if _, err := readHand(t, t.Context(), dir); err == nil ||
		!strings.Contains(err.Error(), "unexpected EOF") {
		t.Errorf("cut gzip: error %v", err)
	}
	write(t, handImages, dir, "train-images-idx3-ubyte.gz") // not compressed, as some browsers leave it
	if _, err := readHand(t, t.Context(), dir); err != nil {
		t.Errorf("no gzip: error %v", err)
	}
}

func TestIDXCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := readHand(t, ctx, handFolder(t, nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
