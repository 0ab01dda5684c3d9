package main

import (
	"bytes"
	"context"
	"crypto/md5"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"weightsep/datasets"
	"weightsep/datasets/download"
)

// bench is a command with a mirror of its own, on which the content of a file x is
// "content of x".
type bench struct {
	*app
	t        *testing.T
	url      string
	data     string
	out, err bytes.Buffer

	mu    sync.Mutex
	files map[string]string // path on the mirror to content
	asked []string          // method and path
	hook  func(w http.ResponseWriter, r *http.Request) bool
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, data: filepath.Join(t.TempDir(), "data"), files: map[string]string{}}
	s := httptest.NewServer(http.HandlerFunc(b.serve))
	t.Cleanup(s.Close)
	b.url = s.URL
	b.app = &app{
		in: strings.NewReader(""),
		client: &download.Client{Pause: time.Microsecond, Rounds: 2,
			Free: func(string) (int64, bool) { return 0, false }},
		sources: b.sources,
	}
	return b
}

func (b *bench) serve(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	b.asked = append(b.asked, r.Method+" "+r.URL.Path)
	content, ok := b.files[r.URL.Path]
	hook := b.hook
	b.mu.Unlock()
	if hook != nil && hook(w, r) {
		return
	}
	if !ok {
		http.NotFound(w, r)
		return
	}
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
}

// sources are two files for cifar10, one for esc10, whose size is not known, one for
// hhar, whose name needs care in an address, and none for obs.
func (b *bench) sources(name string) ([]datasets.Source, error) {
	source := func(file string, size int64) datasets.Source {
		return datasets.Source{
			File: file,
			URLs: []string{b.url + "/" + url.PathEscape(file)},
			MD5:  fmt.Sprintf("%x", md5.Sum([]byte("content of "+file))),
			Size: size,
		}
	}
	switch name {
	case "cifar10":
		return []datasets.Source{source("one", int64(len("content of one"))),
			source("two", int64(len("content of two")))}, nil
	case "esc10":
		return []datasets.Source{source("master.zip", 0)}, nil
	case "hhar":
		return []datasets.Source{source("a b%.zip", 0)}, nil
	}
	return nil, nil
}

// publish puts files on the mirror.
func (b *bench) publish(files ...string) {
	for _, f := range files {
		b.files["/"+f] = "content of " + f
	}
}

// call runs the command on the data directory.
func (b *bench) call(args ...string) int { return b.callContext(context.Background(), args...) }

func (b *bench) callContext(ctx context.Context, args ...string) int {
	b.out.Reset()
	b.err.Reset()
	b.mu.Lock()
	b.asked = nil
	b.mu.Unlock()
	b.app.out, b.app.err = &checked{w: &b.out}, &b.err
	return b.run(ctx, append([]string{"-data", b.data}, args...))
}

func (b *bench) want(code, want int) {
	b.t.Helper()
	if code != want {
		b.t.Fatalf("exit %d, want %d\n%s%s", code, want, &b.out, &b.err)
	}
}

func (b *bench) wantOut(parts ...string) {
	b.t.Helper()
	wantParts(b.t, "output", b.out.String(), parts)
}
func (b *bench) wantErr(parts ...string) {
	b.t.Helper()
	wantParts(b.t, "errors", b.err.String(), parts)
}

func wantParts(t *testing.T, what, text string, parts []string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%s without %q:\n%s", what, p, text)
		}
	}
}

func (b *bench) wantAsked(want ...string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if strings.Join(b.asked, ", ") != strings.Join(want, ", ") {
		b.t.Errorf("asked for %q, want %q", b.asked, want)
	}
}

func (b *bench) wantFile(path, content string) {
	b.t.Helper()
	got, err := os.ReadFile(filepath.Join(b.data, path))
	if err != nil || string(got) != content {
		b.t.Errorf("%s: %q, %v, want %q", path, got, err, content)
	}
}

// write puts a file into the data directory.
func (b *bench) write(path, content string) {
	b.t.Helper()
	path = filepath.Join(b.data, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		b.t.Fatal(err)
	}
}
