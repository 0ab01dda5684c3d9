// Package archive walks through the files of a dataset where they are: in a tar.gz
// or zip archive, or in a directory that one was unpacked to.
//
// Archives are read as a stream, one file at a time; nothing is unpacked to disk.
// What an archive can make a reader do is bounded: by the size of a file, by the
// size of all, and by names that stay inside it.
package archive

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
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
	err := w.visit(File{Name: name, Size: size, Reader: &bounded{w, r, size}})
	if err == nil || errors.Is(err, fs.SkipAll) {
		return err
	}
	return fmt.Errorf("%s: %s: %w", w.root, name, err)
}

// visitLazily visits a file that is opened only if it is read, and reports the bytes that
// it takes on disk.
func (w *walker) visitLazily(name string, size, disk int64, open func() (io.ReadCloser, error)) error {
	f := &lazy{open: open}
	defer f.close()
	err := w.file(name, size, f)
	if err == nil {
		w.read(disk)
	}
	return err
}

// read reports bytes read from disk.
func (w *walker) read(n int64) {
	if w.limits.Read != nil {
		w.limits.Read(n)
	}
}

// dir walks an unpacked directory. A link to a file is followed: the tree is the
// user's own.
func (w *walker) dir() error {
	root, err := filepath.EvalSymlinks(w.root)
	if err != nil {
		return err
	}
	return fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("%s: %w", w.root, err)
		}
		if d.IsDir() {
			if name != "." && strings.HasPrefix(path.Base(name), ".") {
				return fs.SkipDir
			}
			return nil
		}
		full := filepath.Join(root, filepath.FromSlash(name))
		info, err := os.Stat(full)
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return nil
		}
		if _, ok, err := w.check(name, info.Size()); err != nil || !ok {
			return err
		}
		return w.visitLazily(name, info.Size(), info.Size(), func() (io.ReadCloser, error) { return os.Open(full) })
	})
}

// zip walks a zip archive.
func (w *walker) zip() error {
	z, err := zip.OpenReader(w.root)
	if err != nil {
		return fmt.Errorf("%s: %w", w.root, err)
	}
	defer z.Close()
	slices.SortStableFunc(z.File, func(a, b *zip.File) int { return strings.Compare(a.Name, b.Name) })
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		size := int64(min(f.UncompressedSize64, math.MaxInt64/2))
		name, ok, err := w.check(f.Name, size)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if !f.Mode().IsRegular() {
			return fmt.Errorf("%s: %s: expected a regular file, found %v", w.root, name, f.Mode())
		}
		if err := w.visitLazily(name, size, int64(min(f.CompressedSize64, math.MaxInt64/2)), f.Open); err != nil {
			return err
		}
	}
	return nil
}

// tar walks a tar archive to the end of its last block, so that a cut or altered
// compressed stream is noticed even if all files came out.
func (w *walker) tar(compressed bool) error {
	f, err := os.Open(w.root)
	if err != nil {
		return err
	}
	defer f.Close()
	var r io.Reader = bufio.NewReaderSize(counter{w, f}, 1<<18)
	if compressed {
		z, err := gzip.NewReader(r)
		if err != nil {
			return fmt.Errorf("%s: %w", w.root, err)
		}
		defer z.Close()
		r = z
	}
	t := tar.NewReader(r)
	for {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("%s: %w", w.root, err)
		}
		if h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		name, ok, err := w.check(h.Name, h.Size)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if h.Typeflag != tar.TypeReg {
			return fmt.Errorf("%s: %s: expected a regular file, found tar type %q", w.root, name, h.Typeflag)
		}
		if err := w.file(name, h.Size, t); err != nil {
			return err
		}
	}
	// What follows the end is padding; unpacked it must not be endless.
	const padding = 1 << 20
	n, err := io.Copy(io.Discard, io.LimitReader(r, padding+1))
	if err == nil && n > padding {
		err = fmt.Errorf("expected the end, found more than %d bytes", padding)
	}
	if err != nil {
		return fmt.Errorf("%s: end of the archive: %w", w.root, err)
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

// lazy opens a file at its first read.
type lazy struct {
	open func() (io.ReadCloser, error)
	f    io.ReadCloser
}

func (l *lazy) Read(p []byte) (int, error) {
	if l.f == nil {
		f, err := l.open()
		if err != nil {
			return 0, err
		}
		l.f = f
	}
	return l.f.Read(p)
}

func (l *lazy) close() {
	if l.f != nil {
		l.f.Close()
	}
}

// counter reads from disk until the walk's context ends, and tells how much.
type counter struct {
	w *walker
	r io.Reader
}

func (c counter) Read(p []byte) (int, error) {
	if err := c.w.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	c.w.read(int64(n))
	return n, err
}
