package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// entry is a file that the tests put into an archive.
type entry struct {
	name, data string
	kind       byte // tar type, 0 for a regular file
}

func tarGz(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Mode: 0o644, Size: int64(len(e.data)), Typeflag: tar.TypeReg}
		if e.kind != 0 {
			h.Typeflag, h.Linkname = e.kind, "elsewhere"
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, e.data)
	}
	w.Close()
	z.Close()
	return b.Bytes()
}

func zipped(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		if e.kind != 0 {
			h.SetMode(fs.ModeSymlink | 0o777)
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(f, e.data)
	}
	w.Close()
	return b.Bytes()
}

func put(t testing.TB, data []byte, path ...string) string {
	t.Helper()
	file := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(data)
	z.Close()
	return b.Bytes()
}

func unzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// read returns what a walk finds, as name=content.
func read(path string, l Limits) ([]string, error) {
	var got []string
	err := Walk(context.Background(), path, l, func(f File) error {
		b, err := io.ReadAll(f)
		if err == nil && int64(len(b)) != f.Size {
			err = fmt.Errorf("%d bytes, size %d", len(b), f.Size)
		}
		got = append(got, f.Name+"="+string(b))
		return err
	})
	return got, err
}

// All forms of the same files must read the same.
func TestWalkForms(t *testing.T) {
	entries := []entry{{name: "./a/two.txt", data: "2"}, {name: "b.txt", data: ""},
		{name: "a/one.txt", data: strings.Repeat("1", 5000)}, {name: "a/._one.txt", data: "junk"},
		{name: ".git/config", data: "junk"}}
	dir := t.TempDir()
	packed := tarGz(t, entries...)
	parts := append(gzipped(t, unzipped(t, packed)[:700]), gzipped(t, unzipped(t, packed)[700:])...)
	paths := []string{
		put(t, packed, dir, "x.tar.gz"),
		put(t, unzipped(t, packed), dir, "unpacked on the way.tar.gz"),
		put(t, append(slices.Clone(packed), make([]byte, 1000)...), dir, "padded.tgz"),
		put(t, append(parts, 0), dir, "two members, padded.tgz"),
		put(t, packed, dir, "gzip by its bytes.tar"),
		put(t, unzipped(t, tarGz(t, append([]entry{{name: "PKs/", kind: tar.TypeDir}}, entries...)...)), dir,
			"PK.tar"),
		put(t, zipped(t, entry{name: `a\`}, entry{name: "b.txt"}, entry{name: `a\two.txt`, data: "2"},
			entry{name: `a\one.txt`, data: entries[2].data}), dir, "windows.zip"),
		put(t, zipped(t, entry{name: "a/"}, entries[1], entry{name: "a/two.txt", data: "2"}, entries[2],
			entries[3], entries[4]), dir, "x.zip"),
		filepath.Join(dir, "tree"),
	}
	for _, e := range entries {
		put(t, []byte(e.data), dir, "tree", e.name)
	}
	want := []string{"a/one.txt=" + entries[2].data, "a/two.txt=2", "b.txt="}
	for _, p := range paths {
		var n int64
		got, err := read(p, Limits{Read: func(k int64) { n += k }})
		if !strings.HasSuffix(p, "tree") {
			slices.Sort(got)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v", p, got, err)
		}
		if n == 0 {
			t.Errorf("%s: no bytes reported", p)
		}
	}
}

func TestWalkRefuses(t *testing.T) {
	dir := t.TempDir()
	good := tarGz(t, entry{name: "a", data: strings.Repeat("x", 3000)}, entry{name: "b", data: "y"})
	altered := slices.Clone(good)
	altered[len(altered)-6] ^= 1 // the checksum at the end
	bomb := entry{name: "zeros", data: strings.Repeat("\x00", 1<<20)}
	lying := zipped(t, entry{name: "a", data: strings.Repeat("x", 3000)})
	at := bytes.Index(lying, []byte("PK\x01\x02"))
	copy(lying[at+24:], []byte{10, 0, 0, 0}) // states 10 bytes, unpacks to 3000
	for _, c := range []struct {
		file string
		data []byte
		want string
	}{
		{"up.tar.gz", tarGz(t, entry{name: "../evil", data: "x"}),
			`file name "../evil" leads out of the archive`},
		{"absolute.tar.gz", tarGz(t, entry{name: "/etc/passwd", data: "x"}), "leads out of the archive"},
		{"inner.zip", zipped(t, entry{name: "a/../../evil", data: "x"}), "leads out of the archive"},
		{"windows.zip", zipped(t, entry{name: `..\evil`, data: "x"}), "leads out of the archive"},
		{"share.zip", zipped(t, entry{name: `\\server\evil`, data: "x"}), "leads out of the archive"},
		{"same.zip", zipped(t, entry{name: `a\b`}, entry{name: "a/b"}), "expected once, found twice"},
		{"link.tar.gz", tarGz(t, entry{name: "l", kind: tar.TypeSymlink}),
			`l: expected a regular file, found tar type '2'`},
		{"hard.tar.gz", tarGz(t, entry{name: "l", kind: tar.TypeLink}), "expected a regular file"},
		{"link.zip", zipped(t, entry{name: "l", data: "elsewhere", kind: 1}),
			"l: expected a regular file, found L"},
		{"twice.tar.gz", tarGz(t, entry{name: "a", data: "1"}, entry{name: "./a", data: "2"}),
			"expected once, found twice"},
		{"cut.tar.gz", good[:len(good)/2], "unexpected EOF"},
		{"end.tar.gz", good[:len(good)-4], "unexpected EOF"},
		{"sum.tar.gz", altered, "invalid checksum"},
		{"not.tar.gz", []byte("hello"), "read as a tar archive: "},
		{"not.zip", []byte("PK\x03\x04 hello"), "not a valid zip file"},
		{"page.tar.gz", []byte("\n<!doctype html><title>404</title>"), "the file is a web page"},
		{"page.zip", []byte("<HTML>"), "the file is a web page"},
		{"empty.tar", nil, "the file is empty"},
		{"behind.tar.gz", append(slices.Clone(good), "\x00\x00what is no gzip"...), "gzip: invalid header"},
		{"bomb.tar.gz", tarGz(t, bomb), "zeros: expected at most 500000 bytes, found 1048576"},
		{"bomb.zip", zipped(t, bomb), "zeros: expected at most 500000 bytes, found 1048576"},
		{"many.zip", zipped(t, entry{name: "a", data: strings.Repeat("1", 400000)},
			entry{name: "b", data: strings.Repeat("2", 400000)}),
			"expected at most 700000 bytes in all files up to here, found 800000"},
		{"lying.zip", lying, "a: "},
	} {
		p := put(t, c.data, dir, c.file)
		_, err := read(p, Limits{File: 500000, Total: 700000})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.file) {
			t.Errorf("%s: error %v, want one with %q", c.file, err, c.want)
		}
	}
	if _, err := read(filepath.Join(dir, "none.zip"), Limits{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
}

// Whole files that came without their compression, or with padding, read the same.
func TestUnpack(t *testing.T) {
	want := strings.Repeat("data ", 1000)
	packed := gzipped(t, []byte(want))
	for name, data := range map[string][]byte{"packed": packed, "plain": []byte(want),
		"padded": append(slices.Clone(packed), 0, 0)} {
		r, err := Unpack(iotest.OneByteReader(bytes.NewReader(data)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != want {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	for _, page := range []string{"<!DOCTYPE html>", "\ufeff<html lang=en>",
		"<?xml version='1.0'?><Error>"} {
		if _, err := Unpack(strings.NewReader(page)); err == nil ||
			!strings.Contains(err.Error(), "web page") {
			t.Errorf("%q: %v", page, err)
		}
	}
	if _, err := Unpack(iotest.ErrReader(io.ErrClosedPipe)); err != io.ErrClosedPipe {
		t.Errorf("%v, want %v", err, io.ErrClosedPipe)
	}
	r, err := Unpack(bytes.NewReader(packed[:len(packed)-1]))
	if err == nil {
		_, err = io.ReadAll(r)
	}
	if err != io.ErrUnexpectedEOF {
		t.Errorf("cut: %v", err)
	}
}

// An unread bomb must not be unpacked past the limits either.
func TestWalkUnread(t *testing.T) {
	p := put(t, tarGz(t, entry{name: "zeros", data: strings.Repeat("\x00", 1<<20)}), t.TempDir(), "x.tar.gz")
	err := Walk(t.Context(), p, Limits{Total: 1000}, func(File) error { return nil })
	if err == nil {
		t.Error("no error")
	}
}

func TestWalkStops(t *testing.T) {
	dir := t.TempDir()
	for i := range 5 {
		put(t, []byte("x"), dir, "tree", fmt.Sprint(i))
	}
	p := put(t, zipped(t, entry{name: "a"}, entry{name: "b"}), dir, "x.zip")
	for _, p := range []string{p, filepath.Join(dir, "tree")} {
		n := 0
		if err := Walk(t.Context(), p, Limits{},
			func(File) error { n++; return fs.SkipAll }); err != nil || n != 1 {
			t.Errorf("%s: SkipAll: %d visits, %v", p, n, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		n = 0
		if err := Walk(ctx, p, Limits{}, func(File) error { n++; cancel(); return nil }); !errors.Is(err,
			context.Canceled) || n != 1 {
			t.Errorf("%s: cancelled: %d visits, %v", p, n, err)
		}
		broken := errors.New("broken")
		if err := Walk(t.Context(), p, Limits{}, func(File) error { return broken }); !errors.Is(err,
			broken) || !strings.Contains(err.Error(), p) {
			t.Errorf("%s: %v", p, err)
		}
	}
}

func FuzzWalk(f *testing.F) {
	f.Add(tarGz(f, entry{name: "a", data: "1"}, entry{name: "b/c", data: "2"}), true)
	f.Add(zipped(f, entry{name: "a", data: "1"}, entry{name: "b/c", data: "2"}), false)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte, tarred bool) {
		name := "x.zip"
		if tarred {
			name = "x.tar.gz"
		}
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, data, 0o644); err != nil {
			t.Fatal(err)
		}
		const limit = 1 << 16
		total := int64(0)
		Walk(t.Context(), p, Limits{Total: limit}, func(f File) error {
			if !fs.ValidPath(f.Name) || filepath.IsAbs(f.Name) {
				t.Fatalf("name %q", f.Name)
			}
			n, err := io.Copy(io.Discard, f)
			if total += n; total > limit {
				t.Fatalf("%d bytes read", total)
			}
			if err == nil && n != f.Size {
				t.Fatalf("%d bytes of %d without an error", n, f.Size)
			}
			return err
		})
	})
}
