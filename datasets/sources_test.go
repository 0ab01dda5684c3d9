package datasets

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Only obs, whose images have no address, is without files to fetch.
func TestSourcesOfAll(t *testing.T) {
	want := map[string]int{"cifar10": 1, "mnist": 4, "fmnist": 4, "gtsrb": 3, "svhn": 2,
		"obs": 0, "gsc": 1, "esc10": 1, "us8k": 1, "hhar": 1}
	for _, name := range Names() {
		files, err := Sources(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(files) != want[name] {
			t.Errorf("%s: %d files, want %d", name, len(files), want[name])
		}
		for _, f := range files {
			checkSource(t, name, f)
		}
	}
	var all map[string][]Source
	if err := json.Unmarshal(sourcesJSON, &all); err != nil || len(all) != len(Names()) {
		t.Errorf("sources of %d datasets, want %d: %v", len(all), len(Names()), err)
	}
}

// checkSource looks for slips of the pen.
func checkSource(t *testing.T, name string, s Source) {
	t.Helper()
	where := name + "/" + s.File
	if s.File == "" || s.File != filepath.Base(s.File) || strings.HasPrefix(s.File, ".") {
		t.Errorf("%s: not the name of a file", where)
	}
	if s.MD5 == "" && s.SHA256 == "" {
		t.Errorf("%s: no checksum", where)
	}
	for sum, size := range map[string]int{s.MD5: md5.Size, s.SHA256: sha256.Size} {
		if b, err := hex.DecodeString(sum); sum != "" && (err != nil || len(b) != size) {
			t.Errorf("%s: checksum %q: want %d bytes in hex", where, sum, size)
		}
	}
	if s.Size < 0 || len(s.URLs) == 0 {
		t.Errorf("%s: size %d, %d addresses", where, s.Size, len(s.URLs))
	}
	seen := map[string]bool{}
	for _, a := range s.URLs {
		u, err := url.Parse(a)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.String() != a {
			t.Errorf("%s: address %q: %v", where, a, err)
		}
		if seen[a] {
			t.Errorf("%s: address %q twice", where, a)
		}
		seen[a] = true
	}
}

func TestSourcesUnknown(t *testing.T) {
	for _, name := range []string{"", "cifar", "MNIST"} {
		_, err := Sources(name)
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", name)) ||
			!strings.Contains(err.Error(), strings.Join(Names(), ", ")) {
			t.Errorf("Sources(%q): %v, want an error with the valid names", name, err)
		}
	}
}

// What a caller does to the result is no one else's matter.
func TestSourcesAreCopies(t *testing.T) {
	a, _ := Sources("mnist")
	a[0].File, a[0].URLs[0] = "x", "x"
	b, _ := Sources("mnist")
	if b[0].File == "x" || b[0].URLs[0] == "x" {
		t.Error("changed by a caller")
	}
}

// The files of the Go module are the originals, so they must be what is published.
func TestSourcesOfMNIST(t *testing.T) {
	dir, _, err := goMNISTData()
	if err != nil {
		t.Skip("the Go module is not on this machine: ", err)
	}
	files, err := Sources("mnist")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(dir, f.File))
		if err != nil {
			t.Fatal(err)
		}
		if int64(len(b)) != f.Size {
			t.Errorf("%s: %d bytes, want %d", f.File, len(b), f.Size)
		}
		if sum := fmt.Sprintf("%x", sha256.Sum256(b)); sum != f.SHA256 {
			t.Errorf("%s: sha256 %s, want %s", f.File, sum, f.SHA256)
		}
	}
}
