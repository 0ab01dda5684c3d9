// Package files writes files whole or not at all, and reads regular files of bounded size.
//
// What others hand over (runs, packs, archives, arrays) is only data: it is read and written inside an
// [os.Root], so that neither names nor links lead outside.
package files

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// MaxSize is the largest file that is read whole, in bytes: the largest budget of a pack.
const MaxSize = 1<<31 - 1

// Pending is a file that appears under its name only with [Pending.Commit].
type Pending struct {
	*os.File
	root       *os.Root
	name, temp string
	close      bool // the root is the pending file's own
}

// Create begins a file of a root. Call Cleanup when done, also after Commit.
func Create(root *os.Root, name string) (*Pending, error) {
	temp := filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+"."+rand.Text()[:8]+".tmp")
	f, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	return &Pending{File: f, root: root, name: name, temp: temp}, nil
}

// CreatePath is [Create] of the file at a path.
func CreatePath(path string) (*Pending, error) {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	p, err := Create(root, filepath.Base(path))
	if err != nil {
		root.Close()
		return nil, err
	}
	p.close = true
	return p, nil
}

// Commit syncs the file, gives it its name, in place of what had it, and syncs the directory.
func (p *Pending) Commit() error {
	step("sync")
	if err := p.Sync(); err != nil {
		return err
	}
	if err := p.Close(); err != nil {
		return err
	}
	step("rename")
	if err := p.root.Rename(p.temp, p.name); err != nil {
		return err
	}
	p.temp = ""
	return syncDir(p.root, filepath.Dir(p.name))
}

// Cleanup removes the file unless it was committed.
func (p *Pending) Cleanup() {
	p.Close()
	if p.temp != "" {
		p.root.Remove(p.temp)
	}
	if p.close {
		p.root.Close()
	}
}

func syncDir(root *os.Root, name string) error {
	step("sync directory")
	dir, err := root.Open(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) { // some file systems cannot
		return err
	}
	return nil
}

// Write writes a file of a root, in place of what has its name, whole or not at all.
func Write(root *os.Root, name string, raw []byte) error {
	p, err := Create(root, name)
	return write(p, err, raw)
}

// WritePath is [Write] of the file at a path.
func WritePath(path string, raw []byte) error {
	p, err := CreatePath(path)
	return write(p, err, raw)
}

func write(p *Pending, err error, raw []byte) error {
	if err != nil {
		return err
	}
	defer p.Cleanup()
	if _, err := p.Write(raw); err != nil {
		return err
	}
	return p.Commit()
}

// JSON is a value as indented JSON.
func JSON(v any) ([]byte, error) {
	raw, err := json.MarshalIndent(v, "", " ")
	return append(raw, '\n'), err
}

// WriteJSON writes a value to the file at a path, whole or not at all.
func WriteJSON(path string, v any) error {
	raw, err := JSON(v)
	if err == nil {
		err = WritePath(path, raw)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// ReadJSON reads what [WriteJSON] wrote.
func ReadJSON(path string, v any) error {
	raw, err := ReadPath(path, MaxSize)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// Remove removes a file or a tree of a root; one that is not there is no error.
func Remove(root *os.Root, name string) error {
	step("remove")
	return root.RemoveAll(name)
}

// Sweep removes what interrupted writes left in a directory of a root: nobody else may write there.
func Sweep(root *os.Root, dir string) error {
	entries, err := fs.ReadDir(root.FS(), filepath.ToSlash(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if IsTemporary(e.Name()) && (e.Type().IsRegular() || e.IsDir()) {
			if err := Remove(root, filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// IsTemporary tells the name of a file that [Create] began, or of a directory for what is not kept.
func IsTemporary(name string) bool {
	return strings.HasPrefix(name, ".") && strings.HasSuffix(name, ".tmp")
}

// Open opens a regular file of a root and tells its size. Another kind of file, or a link, is an error;
// none is waited for.
func Open(root *os.Root, name string) (*os.File, int64, error) {
	info, err := root.Lstat(name)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, irregular(name, info)
	}
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	return regular(f, err)
}

// OpenPath opens the regular file at a path, or that a link there leads to, and tells its size.
func OpenPath(path string) (*os.File, int64, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	return regular(f, err)
}

func regular(f *os.File, err error) (*os.File, int64, error) {
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = irregular(f.Name(), info)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

func irregular(name string, info fs.FileInfo) error {
	kind := "a device or a pipe"
	switch {
	case info.IsDir():
		kind = "a directory"
	case info.Mode()&fs.ModeSymlink != 0:
		kind = "a link"
	}
	return fmt.Errorf("%s is %s, want a regular file", name, kind)
}

// Read is the content of a regular file of a root, of at most max bytes.
func Read(root *os.Root, name string, max int64) ([]byte, error) {
	f, size, err := Open(root, name)
	return readAll(f, size, max, err)
}

// ReadPath is [Read] of the file at a path.
func ReadPath(path string, max int64) ([]byte, error) {
	f, size, err := OpenPath(path)
	return readAll(f, size, max, err)
}

func readAll(f *os.File, size, max int64, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > max {
		return nil, fmt.Errorf("%s has %d bytes, want at most %d", f.Name(), size, max)
	}
	raw := make([]byte, size)
	if _, err := io.ReadFull(f, raw); err != nil {
		return nil, fmt.Errorf("read %s: %w", f.Name(), err)
	}
	return raw, nil
}
