package files

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A file is there whole or not at all, and what an interrupted write left is swept.
func TestWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	if err := WritePath(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	p, err := CreatePath(path)
	if err != nil {
		t.Fatal(err)
	}
	p.Write([]byte("ne"))
	if raw, _ := os.ReadFile(path); string(raw) != "old" {
		t.Errorf("before its end: %q", raw)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 || !IsTemporary(entries[0].Name()) {
		t.Errorf("while it is written: %v", entries)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := Sweep(root, "."); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("after a sweep: %v", entries)
	}
	if err := p.Commit(); err == nil {
		t.Error("a file that was swept was committed")
	}
	p.Cleanup()
	if err := Write(root, "a", []byte("new")); err != nil {
		t.Fatal(err)
	}
	if raw, err := Read(root, "a", 3); err != nil || string(raw) != "new" {
		t.Errorf("read %q, %v", raw, err)
	}
	if _, err := Read(root, "a", 2); err == nil || !strings.Contains(err.Error(), "3 bytes, want at most 2") {
		t.Errorf("beyond the bound: %v", err)
	}
	if err := WritePath(filepath.Join(dir, "no", "b"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("into a folder that is not there: %v", err)
	}
}

// Only regular files are read; within a root not even links to them.
func TestRegularFilesOnly(t *testing.T) {
	dir := t.TempDir()
	for name, make := range map[string]func(path string) error{
		"pipe":      func(path string) error { return syscall.Mkfifo(path, 0o644) },
		"directory": func(path string) error { return os.Mkdir(path, 0o755) },
		"link":      func(path string) error { return os.Symlink(os.DevNull, path) },
	} {
		path := filepath.Join(dir, name)
		if err := make(path); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadPath(path, 10); err == nil || !strings.Contains(err.Error(), "want a regular file") {
			t.Errorf("%s: %v", name, err)
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Read(root, name, 10); err == nil || !strings.Contains(err.Error(), "want a regular file") {
			t.Errorf("%s in a root: %v", name, err)
		}
		root.Close()
	}
}
