package main

import (
	"bytes"
	"context"
	"crypto/md5"
	"fmt"
	"io"
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
		in:      strings.NewReader(""),
		client:  &download.Client{Pause: time.Microsecond, Rounds: 2},
		sources: b.sources,
		free:    func(string) (int64, bool) { return 0, false },
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
		return []datasets.Source{source("one", int64(len("content of one"))), source("two", int64(len("content of two")))}, nil
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

func TestFetchTwo(t *testing.T) {
	b := newBench(t)
	b.publish("one", "two", "master.zip")
	b.want(b.call("cifar10", "esc10", "cifar10"), 0)
	b.wantFile("cifar10/one", "content of one")
	b.wantFile("cifar10/two", "content of two")
	b.wantFile("esc10/master.zip", "content of master.zip")
	b.wantAsked("HEAD /master.zip", "GET /one", "GET /two", "GET /master.zip")
	b.wantOut("to download into "+b.data+": 49 B\n", "cifar10/one: 14 B, verified\n", "esc10/master.zip: 21 B, verified\n")
	// Again: nothing to do, nobody is asked.
	b.want(b.call("cifar10", "esc10"), 0)
	b.wantAsked()
	b.wantOut("verified")
	if strings.Contains(b.out.String(), "to download") {
		t.Errorf("there is nothing to download:\n%s", &b.out)
	}
}

// Without names: all, and a word about the one that must be put there by hand.
func TestFetchAll(t *testing.T) {
	b := newBench(t)
	b.publish("one", "two", "master.zip", "a b%.zip")
	b.want(b.call(), 0)
	b.wantFile("hhar/a b%.zip", "content of a b%.zip")
	b.wantFile("esc10/master.zip", "content of master.zip")
	b.wantOut("obs: cannot be fetched; put a folder of images per class into " + filepath.Join(b.data, "obs") + ": Forward, Left, Right, Stop\n")
}

func TestByHand(t *testing.T) {
	b := newBench(t)
	b.want(b.call("obs"), 1)
	b.wantErr("no files to fetch for obs")
	b.write("obs/x", "")
	os.Remove(filepath.Join(b.data, "obs", "x"))
	b.want(b.call("obs"), 1)
	b.wantErr("no files to fetch for obs")
	b.write("obs/Left/1.png", "")
	b.want(b.call("obs"), 0)
	b.wantOut("present")
}

// One file that fails does not keep the others from coming, but the command fails.
func TestOneFails(t *testing.T) {
	b := newBench(t)
	b.publish("two", "master.zip")
	b.want(b.call("cifar10", "esc10"), 1)
	b.wantFile("cifar10/two", "content of two")
	b.wantFile("esc10/master.zip", "content of master.zip")
	b.wantErr(filepath.Join(b.data, "cifar10", "one"), b.url+"/one: HTTP status 404", "fetch: 1 of 3 files could not be fetched")
	if strings.Contains(b.err.String(), "-accept") {
		t.Errorf("nothing to accept:\n%s", &b.err)
	}
}

func TestSizeNobodyTells(t *testing.T) {
	b := newBench(t)
	b.publish("master.zip", "a b%.zip")
	b.hook = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
		return r.Method == http.MethodHead
	}
	b.want(b.call("esc10"), 0)
	b.wantOut("to download into "+b.data+": 0 B and a file of unknown size\n", "?")
	b.data = t.TempDir()
	b.want(b.call("esc10", "hhar"), 0)
	b.wantOut(": 0 B and 2 files of unknown size\n")
}

func TestAccept(t *testing.T) {
	b := newBench(t)
	b.files["/master.zip"] = "packed anew"
	b.want(b.call("esc10"), 1)
	b.wantErr("md5: expected", "-accept esc10 keeps them")
	b.want(b.call("-accept", "esc10", "esc10"), 0)
	b.wantOut("esc10/master.zip: 11 B, accepted, sha256 ")
	b.wantFile("esc10/master.zip", "packed anew")
	b.want(b.call("esc10"), 0)
	b.wantAsked()
	b.wantOut("accepted")
	b.want(b.call("-list", "esc10"), 0)
	b.wantOut("accepted")
}

// What is accepted of one dataset is not of another.
func TestAcceptOnlyOne(t *testing.T) {
	b := newBench(t)
	b.files["/master.zip"], b.files["/a b%.zip"] = "packed anew", "packed anew"
	b.want(b.call("-accept", "esc10", "esc10", "hhar"), 1)
	b.wantOut("esc10/master.zip: 11 B, accepted")
	b.wantErr("-accept hhar keeps them", "1 of 2 files")
	b.want(b.call("-accept", "esc10,hhar", "esc10", "hhar"), 0)
}

func TestTimeout(t *testing.T) {
	b := newBench(t)
	b.hook = func(w http.ResponseWriter, r *http.Request) bool {
		<-r.Context().Done()
		return true
	}
	b.want(b.call("-timeout", "20ms", "cifar10"), 1)
	b.wantErr("no byte for 20ms")
}

func TestDamagedIsReplaced(t *testing.T) {
	b := newBench(t)
	b.publish("one", "two")
	b.write("cifar10/one", "conTent of one")
	b.write("cifar10/two", "content")
	b.want(b.call("cifar10"), 0)
	b.wantOut("wrong, md5: expected", "wrong, size: expected 14, found 7")
	b.wantFile("cifar10/one", "content of one")
	b.wantFile("cifar10/two", "content of two")
}

// A mirror is laid out as the data directory is, and is asked first.
func TestMirror(t *testing.T) {
	b := newBench(t)
	b.publish("one", "two", "a b%.zip")
	b.files["/m/cifar10/one"] = "content of one"
	b.files["/m/hhar/a b%.zip"] = "content of a b%.zip"
	b.want(b.call("-mirror", b.url+"/no/", "-mirror", b.url+"/m", "cifar10", "hhar"), 0)
	b.wantAsked("HEAD /no/hhar/a b%.zip", "HEAD /m/hhar/a b%.zip",
		"GET /no/cifar10/one", "GET /m/cifar10/one",
		"GET /no/cifar10/two", "GET /m/cifar10/two", "GET /two",
		"GET /no/hhar/a b%.zip", "GET /m/hhar/a b%.zip")
}

func TestInterrupt(t *testing.T) {
	b := newBench(t)
	b.publish("one", "two")
	ctx, cancel := context.WithCancel(t.Context())
	b.hook = func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Length", "14")
		io.WriteString(w, "content")
		http.NewResponseController(w).Flush()
		for r.Context().Err() == nil { // until the command has it: then a transfer is interrupted
			if info, err := os.Stat(filepath.Join(b.data, "cifar10", "one.part")); err == nil && info.Size() == 7 {
				break
			}
		}
		cancel()
		<-r.Context().Done()
		return true
	}
	b.want(b.callContext(ctx, "cifar10"), 130)
	b.wantErr("interrupted", "the same command resumes")
	if n := strings.Count(b.err.String(), "fetch:"); n != 1 {
		t.Errorf("%d errors, want one:\n%s", n, &b.err)
	}
	b.wantAsked("GET /one") // and the next file was not begun
	b.want(b.call("-list", "cifar10"), 0)
	b.wantOut("missing, 50% received")
	var ranges []string
	b.hook = func(w http.ResponseWriter, r *http.Request) bool {
		ranges = append(ranges, r.Header.Get("Range"))
		return false
	}
	b.want(b.call("cifar10"), 0)
	b.wantOut("missing, 7 B received", "to download into "+b.data+": 21 B\n")
	b.wantFile("cifar10/one", "content of one")
	if len(ranges) != 2 || ranges[0] != "bytes=7-" {
		t.Errorf("ranges %q, want the first to resume", ranges)
	}
}

func TestList(t *testing.T) {
	b := newBench(t)
	b.publish("one")
	b.write("cifar10/two", "content of two")
	b.want(b.call("-list", "cifar10", "esc10", "obs"), 0)
	b.wantOut("dataset  file ", "size  in "+b.data+"  address\n", "cifar10  one ", "14 B", "missing", "present", b.url+"/one\n", "obs      Forward/, Left/, Right/, Stop/  ?", "by hand\n")
	b.wantAsked()
	if _, err := os.Stat(filepath.Join(b.data, "esc10")); err == nil {
		t.Error("a folder was made")
	}
	b.call("cifar10")
	b.want(b.call("-list", "cifar10"), 0)
	if n := strings.Count(b.out.String(), "verified"); n != 2 {
		t.Errorf("%d files verified, want 2:\n%s", n, &b.out)
	}
	b.write("cifar10/one", "x")
	b.want(b.call("-list", "cifar10"), 0)
	b.wantOut("wrong")
	// The real ones.
	b.app.sources = datasets.Sources
	b.want(b.call("-list"), 0)
	for _, name := range datasets.Names() {
		b.wantOut(name)
	}
	b.wantOut("UrbanSound8K.tar.gz", "6.02 GB", "Activity recognition exp.zip")
}

// The directory is the flag's, or else the environment's, or else data.
func TestDataDirectory(t *testing.T) {
	b := newBench(t)
	for env, want := range map[string]string{"": "data", "/env/dir": "/env/dir"} {
		t.Setenv(datasets.DirEnv, env)
		b.out.Reset()
		b.app.out, b.app.err = &checked{w: &b.out}, &b.err
		b.want(b.run(t.Context(), []string{"-list"}), 0)
		b.wantOut("in " + want + " ")
	}
}

func TestUsage(t *testing.T) {
	b := newBench(t)
	b.publish("one", "two", "master.zip")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"cifar"}, `unknown dataset "cifar": want some of cifar10, mnist`},
		{[]string{"-list", "cifar"}, `unknown dataset "cifar"`},
		{[]string{"cifar10", "-yes"}, "-yes after a name: flags come first"},
		{[]string{"-no"}, "flag provided but not defined"},
		{[]string{"-timeout", "0s"}, "-timeout 0s: want more than 0"},
		{[]string{"-timeout", "30"}, "invalid value"},
		{[]string{"-mirror", "ftp://x"}, "-mirror ftp://x: want an address"},
		{[]string{"-mirror", "http:///x"}, "-mirror http:///x: want an address"},
		{[]string{"-accept", "esc"}, "-accept esc: not one of"},
		{[]string{"-accept", "hhar,esc10", "esc10"}, "-accept hhar: not one of the datasets to fetch: esc10"},
		{[]string{"-data", ""}, "-data: want a directory"},
	} {
		b.want(b.call(c.args...), 2)
		b.wantErr(c.want)
		b.wantAsked()
	}
	b.want(b.call("-h"), 0)
	b.wantErr("fetch [flags] [names]", "-accept")
}

func TestNoPlaceForData(t *testing.T) {
	b := newBench(t)
	b.publish("one", "two")
	b.data = filepath.Join(t.TempDir(), "file")
	b.write("", "")
	b.want(b.call("cifar10"), 1)
	b.wantErr(b.data)
	b.want(b.call("-list", "cifar10"), 1)
	b.want(b.call("obs"), 1)
	b.wantAsked()
}

func TestOutputFails(t *testing.T) {
	b := newBench(t)
	b.app.out, b.app.err = &checked{w: broken{}}, &b.err
	if code := b.run(t.Context(), []string{"-list"}); code != 1 {
		t.Errorf("exit %d", code)
	}
	b.wantErr("write results")
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
