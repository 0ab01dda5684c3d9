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
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"weightsep/datasets/files"
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
// What an archive is, zip, tar or compressed tar, is told by its first bytes.
//
// [Hidden] files and folders, as systems leave them in archives, are passed over. An error
// of a visit is returned with the names of archive and file. It is an error if an archive is
// damaged, has a name that leads out of it, has a name twice, has links, or exceeds the
// limits. In a directory links are followed, see [Tree].
func Walk(ctx context.Context, name string, l Limits, visit Visit) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	w := &walker{ctx: ctx, root: name, limits: l, visit: visit, seen: map[string]bool{}}
	if info.IsDir() {
		err = w.dir()
	} else {
		err = w.archive()
	}
	if err == nil || errors.Is(err, fs.SkipAll) {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
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

// file visits one file, which takes disk bytes of its own; irregular says what it is
// instead of a regular file.
func (w *walker) file(name string, size, disk int64, irregular string,
	open func() (io.ReadCloser, error)) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	clean := path.Clean(slashes(name))
	if !fs.ValidPath(clean) {
		return fmt.Errorf("file name %q leads out of the archive", name)
	}
	if max := w.limits.File; max > 0 && size > max {
		return fmt.Errorf("%s: expected at most %d bytes, found %d", clean, max, size)
	}
	if w.total += size; w.limits.Total > 0 && w.total > w.limits.Total || w.total < 0 {
		return fmt.Errorf("%s: expected at most %d bytes in all files up to here, found %d",
			clean, w.limits.Total, w.total)
	}
	if slices.ContainsFunc(strings.Split(clean, "/"), Hidden) {
		return nil
	}
	if w.seen[clean] {
		return fmt.Errorf("file name %q: expected once, found twice", name)
	}
	w.seen[clean] = true
	if irregular != "" {
		return fmt.Errorf("%s: expected a regular file, found %s", clean, irregular)
	}
	in := &input{ctx: w.ctx, open: open}
	defer in.Close()
	if err := w.visit(File{Name: clean, Size: size, Reader: in}); err != nil {
		return fmt.Errorf("%s: %w", clean, err)
	}
	if w.limits.Read != nil {
		w.limits.Read(disk)
	}
	return nil
}

// dir walks an unpacked directory. Reading a link that leads nowhere gives [fs.ErrNotExist].
func (w *walker) dir() error {
	return Tree(w.root, func(name string, info fs.FileInfo) error {
		size := int64(0)
		if info != nil {
			if size = info.Size(); !info.Mode().IsRegular() {
				return nil
			}
		}
		path := filepath.Join(w.root, filepath.FromSlash(name))
		return w.file(name, size, size, "", func() (io.ReadCloser, error) { return os.Open(path) })
	})
}

// slashes puts slashes for backslashes, as old programs for Windows write them.
func slashes(name string) string { return strings.ReplaceAll(name, `\`, "/") }

// archive walks an archive.
func (w *walker) archive() error {
	f, size, err := files.OpenPath(w.root)
	if err != nil {
		return err
	}
	defer f.Close()
	var head [3]byte
	if _, err := f.ReadAt(head[:], 0); err == nil && string(head[:2]) == "PK" && head[2] < ' ' {
		return w.zip(f, size)
	}
	content, err := Unpack(&input{ctx: w.ctx, r: f, read: w.limits.Read})
	if err != nil {
		return err
	}
	return w.tar(content)
}

// zip walks a zip archive.
func (w *walker) zip(r io.ReaderAt, size int64) error {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return err
	}
	for _, f := range z.File {
		f.Name = slashes(f.Name)
	}
	slices.SortStableFunc(z.File, func(a, b *zip.File) int { return strings.Compare(a.Name, b.Name) })
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		irregular := ""
		if !f.Mode().IsRegular() {
			irregular = f.Mode().String()
		}
		size, disk := min(f.UncompressedSize64, math.MaxInt64/2), min(f.CompressedSize64, math.MaxInt64/2)
		if err := w.file(f.Name, int64(size), int64(disk), irregular, f.Open); err != nil {
			return err
		}
	}
	return nil
}

// tar walks a tar archive to the end of its last block, so that a cut or altered
// compressed stream is noticed even if all files came out.
func (w *walker) tar(r io.Reader) error {
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("read as a tar archive: %w", err)
		}
		if h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		irregular := ""
		if h.Typeflag != tar.TypeReg {
			irregular = fmt.Sprintf("tar type %q", h.Typeflag)
		}
		open := func() (io.ReadCloser, error) { return io.NopCloser(t), nil }
		if err := w.file(h.Name, h.Size, 0, irregular, open); err != nil {
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
		return fmt.Errorf("end of the archive: %w", err)
	}
	return nil
}

// Unpack returns what a gzip stream holds, and other data as they are: browsers and proxies unpack
// files on the way and leave their names. Zeros after the stream are padding. Data that are none,
// but a web page, are an error.
func Unpack(r io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(r, 1<<18)
	head, err := b.Peek(512)
	kind := http.DetectContentType(bytes.TrimPrefix(head, []byte("\ufeff")))
	switch {
	case err != nil && err != io.EOF:
		return nil, err
	case len(head) == 0:
		return nil, errors.New("the file is empty")
	case strings.HasPrefix(kind, "text/html"), strings.HasPrefix(kind, "text/xml"):
		return nil, errors.New("the file is a web page, not the data: was a download refused?")
	case !strings.HasPrefix(string(head), "\x1f\x8b"):
		return b, nil
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, err
	}
	z.Multistream(false)
	return &members{z, b}, nil
}

// members reads the members of a gzip stream one after another.
type members struct {
	*gzip.Reader
	from *bufio.Reader
}

func (m *members) Read(p []byte) (int, error) {
	for {
		n, err := m.Reader.Read(p)
		if err != io.EOF {
			return n, err
		}
		for next := byte(0); next == 0; {
			if next, err = m.from.ReadByte(); err != nil {
				return n, err
			}
		}
		m.from.UnreadByte()
		if err := m.Reset(m.from); err != nil {
			return n, err
		}
		if m.Multistream(false); n > 0 {
			return n, nil
		}
	}
}

// Open opens a file that is read until ctx ends. Read, if not nil, is told the bytes read.
func Open(ctx context.Context, name string, read func(n int64)) (io.ReadCloser, error) {
	f, _, err := files.OpenPath(name)
	return &input{ctx: ctx, r: f, read: read}, err
}

// input is a file that is opened by its first Read, unless it is open.
type input struct {
	ctx  context.Context
	open func() (io.ReadCloser, error)
	r    io.ReadCloser
	read func(n int64)
}

func (i *input) Read(p []byte) (n int, err error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	if i.r == nil {
		if i.r, err = i.open(); err != nil {
			return 0, err
		}
	}
	n, err = i.r.Read(p)
	if i.read != nil {
		i.read(int64(n))
	}
	return n, err
}

func (i *input) Close() error {
	if i.r == nil {
		return nil
	}
	return i.r.Close()
}
