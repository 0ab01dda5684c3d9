// Package archive walks through the files of a dataset where they are: in a tar.gz
// or zip archive, or in a directory that one was unpacked to.
//
// Archives are read as a stream, one file at a time; nothing is unpacked to disk.
// What an archive can make a reader do is bounded: by the size of a file, by the
// size of all, and by names that stay inside it.
package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// Limits bounds what a walk reads. A limit of 0 is none.
type Limits struct {
	File  int64 // bytes of one file, unpacked
	Total int64 // bytes of all files, unpacked, whether a visit reads them or not

	// Read, if it is set, is called with the number of bytes that were read from
	// disk since its last call.
	Read func(n int64)
}

// A File is a regular file met on a walk. Reading it is optional.
type File struct {
	Name string // slash-separated, relative to the archive or directory
	Size int64  // bytes, as the archive states
	io.Reader
}

// A Visit is called for a file. Its reader is valid until it returns. Returning
// [fs.SkipAll] ends the walk without an error.
type Visit func(File) error

// Walk visits the regular files of the archive or directory at name: a directory's
// and a zip archive's in the order of their names, a tar archive's in its own order.
// What an archive is, is told by its suffix: .tar.gz, .tgz, .tar or .zip.
//
// Hidden files and folders (of a name with a leading dot, as systems leave them in
// archives) are passed over. An error of a visit is returned with the names of archive and file.
// It is an error if an archive is damaged, has a name that leads out of it, has a
// name twice, has links, or exceeds the limits.
func Walk(ctx context.Context, name string, l Limits, visit Visit) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	w := &walker{ctx: ctx, root: name, limits: l, visit: visit, seen: map[string]bool{}}
	switch {
	case info.IsDir():
		err = w.dir()
	case strings.HasSuffix(name, ".zip"):
		err = w.zip()
	case strings.HasSuffix(name, ".tar.gz"), strings.HasSuffix(name, ".tgz"):
		err = w.tar(true)
	case strings.HasSuffix(name, ".tar"):
		err = w.tar(false)
	default:
		return fmt.Errorf("%s: expected a directory, or a .zip, .tar.gz, .tgz or .tar archive", name)
	}
	if errors.Is(err, fs.SkipAll) {
		return nil
	}
	return err
}

// walker holds the state of one walk.
type walker struct {
	ctx    context.Context
	root   string
	limits Limits
	visit  Visit
	total  int64 // bytes of the files so far
	seen   map[string]bool
}

// check returns the cleaned name of a file, and whether to visit it.
func (w *walker) check(name string, size int64) (string, bool, error) {
	clean := path.Clean(name)
	if strings.Contains(name, `\`) || !fs.ValidPath(clean) {
		return "", false, fmt.Errorf("%s: file name %q leads out of the archive", w.root, name)
	}
	if max := w.limits.File; max > 0 && size > max {
		return "", false, fmt.Errorf("%s: %s: expected at most %d bytes, found %d", w.root, clean, max, size)
	}
	if w.total += size; w.limits.Total > 0 && w.total > w.limits.Total || w.total < 0 {
		return "", false, fmt.Errorf("%s: %s: expected at most %d bytes in all files up to here, found %d",
			w.root, clean, w.limits.Total, w.total)
	}
	if strings.HasPrefix(clean, ".") || strings.Contains(clean, "/.") {
		return "", false, nil
	}
	if w.seen[clean] {
		return "", false, fmt.Errorf("%s: file name %q: expected once, found twice", w.root, name)
	}
	w.seen[clean] = true
	return clean, true, nil
}

// file visits one file.
func (w *walker) file(name string, size int64, r io.Reader) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	b := &bounded{w: w, r: r, left: size}
	if err := w.visit(File{Name: name, Size: size, Reader: b}); err != nil {
		if errors.Is(err, fs.SkipAll) {
			return err
		}
		return fmt.Errorf("%s: %s: %w", w.root, name, err)
	}
	return nil
}

// bounded gives the stated size of a file, no more and no less, until the walk's
// context ends.
type bounded struct {
	w    *walker
	r    io.Reader
	left int64 // of the stated size
}

func (b *bounded) Read(p []byte) (int, error) {
	if err := b.w.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return 0, errors.New("more bytes than the archive states")
	}
	if err == io.EOF && b.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("truncated, %d bytes are missing: %w", b.left, io.ErrUnexpectedEOF)
	}
	return n, err
}

// read reports bytes read from disk.
func (w *walker) read(n int64) {
	if w.limits.Read != nil {
		w.limits.Read(n)
	}
}
