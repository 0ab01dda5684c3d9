package pipeline

import (
	"os"
	"path/filepath"
	"testing"

	"weightsep/datasets/files"
	"weightsep/wslib/rundir"
)

// A file that claims to be enormous, or is a link to one, makes no room for an enormous network.
func TestMostValues(t *testing.T) {
	dir := t.TempDir()
	d, err := rundir.Open(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	r := &Run{Dir: d}
	large := filepath.Join(dir, "large.npy")
	sparse := func(size int64) func(path string) error {
		return func(path string) error {
			if err := os.WriteFile(path, nil, 0o644); err != nil {
				return err
			}
			return os.Truncate(path, size)
		}
	}
	if err := sparse(4000)(large); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		make func(path string) error
		want int
	}{
		"ordinary": {sparse(400), 100},
		"enormous": {sparse(1 << 40), files.MaxSize / 4},
		"link":     {func(path string) error { return os.Symlink(large, path) }, 0},
		"none":     {func(string) error { return nil }, 0},
	} {
		if _, err := d.Mkdir(name); err != nil {
			t.Fatal(err)
		}
		if err := c.make(d.File(weightsFile(name))); err != nil {
			t.Fatal(err)
		}
		if got := r.mostValues(name); got != c.want {
			t.Errorf("%s: room for %d values, want %d", name, got, c.want)
		}
	}
	if err := os.Symlink(dir, d.File("outside")); err != nil {
		t.Fatal(err)
	}
	if err := sparse(400)(filepath.Join(dir, "weights.npy")); err != nil {
		t.Fatal(err)
	}
	if got := r.mostValues("outside"); got != 0 {
		t.Errorf("in a directory that is a link: room for %d values", got)
	}
}
