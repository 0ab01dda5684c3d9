package rundir

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func open(t *testing.T, path string) *Dir {
	t.Helper()
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestCommitAndReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run")
	d := open(t, path)
	if err := d.WriteJSON("a/x.json", map[string]int{"v": 1}); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"first", "second"} {
		if err := d.Commit(Stage{Name: s, ID: "k" + s}, []string{"a/x.json"}); err != nil {
			t.Fatal(err)
		}
	}
	d.Close()

	d = open(t, path)
	defer d.Close()
	if s, ok, err := d.Stage("second"); !ok || err != nil || s.ID != "ksecond" {
		t.Fatalf("second: %+v %v %v", s, ok, err)
	}
	// Dropped stages stay dropped, and their files may then be overwritten.
	if err := d.Drop("second"); err != nil {
		t.Fatal(err)
	}
	d.Close()
	d = open(t, path)
	if _, ok, _ := d.Stage("second"); ok || d.ID("second") != "" || d.ID("first") != "kfirst" {
		t.Errorf("after a drop: second %v, ids %q %q", ok, d.ID("first"), d.ID("second"))
	}
}

func TestChangedFileIsNamed(t *testing.T) {
	d := open(t, t.TempDir())
	defer d.Close()
	d.WriteJSON("x.json", 1)
	d.Commit(Stage{Name: "s"}, []string{"x.json"})
	os.WriteFile(d.File("x.json"), []byte("2"), 0o644)
	if _, ok, err := d.Stage("s"); ok || err == nil || !strings.Contains(err.Error(), "x.json") {
		t.Errorf("changed file: %v %v", ok, err)
	}
	os.Remove(d.File("x.json"))
	if _, ok, err := d.Stage("s"); ok || err == nil || !strings.Contains(err.Error(), "x.json") {
		t.Errorf("missing file: %v %v", ok, err)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	path := t.TempDir()
	d := open(t, path)
	if _, err := Open(path); !errors.Is(err, ErrLocked) {
		t.Errorf("opened twice: %v", err)
	}
	d.Close()
	open(t, path).Close()
}

func TestBadDirectories(t *testing.T) {
	foreign := t.TempDir()
	os.WriteFile(filepath.Join(foreign, "thesis.tex"), nil, 0o644)
	if _, err := Open(foreign); err == nil || !strings.Contains(err.Error(), "thesis.tex") {
		t.Errorf("directory with other files: %v", err)
	}
	for content, want := range map[string]string{"{": ManifestFile, `{"format": 99}`: "format 99"} {
		dir := t.TempDir()
		os.WriteFile(filepath.Join(dir, ManifestFile), []byte(content), 0o644)
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("manifest %q: %v", content, err)
		}
	}
	file := filepath.Join(t.TempDir(), "f")
	os.WriteFile(file, nil, 0o644)
	if _, err := Open(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file as run directory: %v", err)
	}
}
