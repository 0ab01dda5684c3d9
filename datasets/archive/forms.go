package archive

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"compress/gzip"
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
		f := &lazy{open: func() (io.ReadCloser, error) { return os.Open(full) }}
		defer f.Close()
		if err := w.file(name, info.Size(), f); err != nil {
			return err
		}
		w.read(info.Size())
		return nil
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
		r := &lazy{open: f.Open}
		err = w.file(name, size, r)
		r.Close()
		if err != nil {
			return err
		}
		w.read(int64(min(f.CompressedSize64, math.MaxInt64/2)))
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

func (l *lazy) Close() error {
	if l.f == nil {
		return nil
	}
	return l.f.Close()
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
