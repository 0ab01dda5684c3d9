package download

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const size = 300_000

func TestFetch(t *testing.T) {
	content := random(size, 1)
	s := newServer(t, content)
	r := fetch(t, fileOf(t, content, s), content)
	want := Result{
		State: Verified, Downloaded: true, URL: s.URL + "/file.bin", Size: size,
		Sums: Sums{MD5: md5Of(content), SHA256: sha256Of(content)},
	}
	if r != want {
		t.Errorf("result %+v, want %+v", r, want)
	}
	wantRequests(t, s, "")
	wantSent(t, s, size)
}

// Each sum alone decides, in either case of letters; so does none.
func TestFetchWithSomeSums(t *testing.T) {
	content := random(1000, 1)
	for name, set := range map[string]func(*File){
		"md5":       func(f *File) { f.SHA256, f.Size = "", 0 },
		"sha256":    func(f *File) { f.MD5, f.Size = "", 0 },
		"uppercase": func(f *File) { f.MD5, f.SHA256 = strings.ToUpper(f.MD5), strings.ToUpper(f.SHA256) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, content)
			f := fileOf(t, content, s)
			set(&f)
			if r := fetch(t, f, content); r.State != Verified {
				t.Errorf("state %v", r.State)
			}
			bad := newServer(t, random(1000, 2))
			g := fileOf(t, content, bad)
			set(&g)
			if _, err := quick.Fetch(t.Context(), g, nil); err == nil {
				t.Error("wrong bytes: no error")
			}
		})
	}
}

func TestEmptyFile(t *testing.T) {
	s := newServer(t, nil)
	f := fileOf(t, nil, s)
	fetch(t, f, nil)
}

// Three answers make the file, and no byte came twice.
func TestResumeAfterCut(t *testing.T) {
	content := random(size, 1)
	s := newServer(t, content, cut(100_000), cut(50_000))
	s.etag = `"1"`
	fetch(t, fileOf(t, content, s), content)
	wantRequests(t, s, "", "bytes=100000-", "bytes=150000-")
	for _, h := range s.requests()[1:] {
		if v := h.Get("If-Range"); v != `"1"` {
			t.Errorf("If-Range %q", v)
		}
	}
	wantSent(t, s, size)
}

// Attempts that bring much are not counted, those that bring little are.
func TestRoundsCountOnlyVainAttempts(t *testing.T) {
	content := random(4*worthwhile, 1)
	s := newServer(t, content, cut(worthwhile), cut(worthwhile), cut(worthwhile))
	f := fileOf(t, content, s)
	c := &Client{Pause: time.Microsecond, Rounds: 1}
	if _, err := c.Fetch(t.Context(), f, nil); err != nil {
		t.Fatal(err)
	}
	wantFile(t, f.Path, content)
	wantSent(t, s, len(content))

	s = newServer(t, content, cut(worthwhile), status(500))
	if _, err := c.Fetch(t.Context(), fileOf(t, content, s), nil); err != nil {
		t.Error("after a gain there is another round: ", err)
	}

	s = newServer(t, content, cut(10), cut(10), cut(10))
	f = fileOf(t, content, s)
	c.Rounds = 3
	if _, err := c.Fetch(t.Context(), f, nil); err == nil {
		t.Error("three vain attempts: no error")
	}
	wantRequests(t, s, "", "bytes=10-", "bytes=20-")
	if st, err := Stat(f); err != nil || st.State != Missing || st.Part != 30 {
		t.Errorf("%+v, %v: want 30 bytes kept", st, err)
	}
}

func TestResumeAtAnotherMirror(t *testing.T) {
	content := random(size, 1)
	a := newServer(t, content, cut(100_000), status(404))
	a.etag = `"a"`
	b := newServer(t, content, cut(50_000))
	b.etag = `"b"`
	r := fetch(t, fileOf(t, content, a, b), content)
	wantRequests(t, a, "", "bytes=150000-")
	wantRequests(t, b, "bytes=100000-", "bytes=150000-")
	for _, h := range append(b.requests(), a.requests()[1]) {
		if v := h.Get("If-Range"); v != "" {
			t.Errorf("If-Range %q: no server knows all of the bytes", v)
		}
	}
	wantSent(t, b, size-100_000)
	if r.URL != b.URL+"/file.bin" {
		t.Errorf("from %s", r.URL)
	}
}

func TestStall(t *testing.T) {
	content := random(size, 1)
	s := newServer(t, content, hang(100_000))
	f := fileOf(t, content, s)
	var errs []error
	c := &Client{Pause: time.Microsecond, Stall: 400 * time.Millisecond}
	_, err := c.Fetch(t.Context(), f, func(e Event) {
		if e.Stage == Failed {
			errs = append(errs, e.Err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	wantFile(t, f.Path, content)
	wantRequests(t, s, "", "bytes=100000-")
	if len(errs) != 1 || !strings.Contains(errs[0].Error(), "no byte for 400ms") {
		t.Errorf("errors %v", errs)
	}
}

// A server that accepts and never answers is one that stalls.
func TestStallBeforeHead(t *testing.T) {
	content := random(1000, 1)
	mute := newServer(t, nil, func(_ *server, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	s := newServer(t, content)
	f := fileOf(t, content, mute, s)
	c := &Client{Pause: time.Microsecond, Stall: 100 * time.Millisecond}
	if _, err := c.Fetch(t.Context(), f, nil); err != nil {
		t.Fatal(err)
	}
	wantFile(t, f.Path, content)
}

func TestNoRangeSupport(t *testing.T) {
	content := random(size, 1)
	s := newServer(t, content, cutting(100_000, whole), whole)
	fetch(t, fileOf(t, content, s), content)
	wantRequests(t, s, "", "bytes=100000-")
	wantSent(t, s, 100_000+size)
}

func TestBadAnswersToRanges(t *testing.T) {
	content := random(size, 1)
	partial := func(ranges string) step {
		return func(_ *server, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", ranges)
			w.WriteHeader(http.StatusPartialContent)
			w.Write(content[:size/2])
		}
	}
	unsatisfied := func(ranges string) step {
		return func(_ *server, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", ranges)
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		}
	}
	for name, bad := range map[string]step{
		"another offset":    partial("bytes 90000-239999/300000"),
		"from the start":    partial("bytes 0-149999/300000"),
		"no Content-Range":  partial(""),
		"junk":              partial("bytes x-y/z"),
		"no such range":     unsatisfied("bytes */50000"),
		"range, no total":   unsatisfied(""),
		"another total, */": unsatisfied("bytes */400000"),
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, content, cut(100_000), bad)
			fetch(t, fileOf(t, content, s), content)
			wantRequests(t, s, "", "bytes=100000-", "")
		})
	}
	// The attempt after that is measured from the first byte, too.
	long := random(3*worthwhile, 1)
	s := newServer(t, long, partial("bytes 1-149999/300000"), cut(worthwhile))
	f := fileOf(t, long, s)
	os.MkdirAll(filepath.Dir(f.Path), 0o777)
	os.WriteFile(partPath(f.Path), long[:2*worthwhile], 0o666)
	c := &Client{Pause: time.Microsecond, Rounds: 1}
	if _, err := c.Fetch(t.Context(), f, nil); err != nil {
		t.Error(err)
	}
	// A server that always does so is given up, not asked for ever.
	wrong := partial("bytes 1-149999/300000")
	s = newServer(t, content, cut(100_000), wrong, cut(100_000), wrong, cut(100_000), wrong)
	if _, err := quick.Fetch(t.Context(), fileOf(t, content, s), nil); err == nil {
		t.Error("no error")
	}
	wantRequests(t, s, "", "bytes=100000-", "", "bytes=100000-", "", "bytes=100000-")
}

func TestWrongBytesThenGoodMirror(t *testing.T) {
	content := random(size, 1)
	bad, s := newServer(t, random(size, 2)), newServer(t, content)
	fetch(t, fileOf(t, content, bad, s), content)
	wantRequests(t, bad, "")
	wantRequests(t, s, "") // from the first byte: nothing of the wrong ones is kept
}

func TestWrongBytesEverywhere(t *testing.T) {
	content := random(size, 1)
	a, b := newServer(t, random(size, 2)), newServer(t, random(size, 3))
	f := fileOf(t, content, a, b)
	_, err := quick.Fetch(t.Context(), f, nil)
	var m *MismatchError
	if !errors.As(err, &m) || m.Kind != "md5" || m.Want != md5Of(content) {
		t.Fatalf("%v", err)
	}
	for _, want := range []string{f.Path, a.URL, b.URL, md5Of(content), md5Of(random(size, 2)), md5Of(random(size, 3))} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error without %q: %v", want, err)
		}
	}
	wantRequests(t, a, "")
	wantNoPart(t, f.Path)
	if _, err := os.Stat(f.Path); err == nil {
		t.Error("the file is there")
	}
	if _, err := os.Stat(recordPath(f.Path)); err == nil {
		t.Error("a record of it is there")
	}
}

func TestStatuses(t *testing.T) {
	content := random(1000, 1)
	for _, code := range []int{400, 401, 403, 404, 410, 204, 304} {
		bad := newServer(t, nil, status(code))
		s := newServer(t, content, cut(10), status(503), status(429))
		fetch(t, fileOf(t, content, bad, s), content)
		if n := len(bad.requests()); n != 1 {
			t.Errorf("status %d: asked %d times, want once", code, n)
		}
		if n := len(s.requests()); n != 4 {
			t.Errorf("asked %d times, want 4: statuses 503 and 429 pass", n)
		}
	}
	s := newServer(t, content, status(404))
	_, err := quick.Fetch(t.Context(), fileOf(t, content, s), nil)
	if err == nil || !strings.Contains(err.Error(), "404 Not Found") || !strings.Contains(err.Error(), s.URL) {
		t.Errorf("%v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "Wed, 21 Oct 2015 07:28:00 GMT": 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {text}}); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestRedirect(t *testing.T) {
	content := random(size, 1)
	s := newServer(t, content, cut(100_000))
	to := func(_ *server, w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, s.URL, http.StatusFound) }
	front := newServer(t, nil, to, to)
	fetch(t, fileOf(t, content, front), content)
	wantRequests(t, s, "", "bytes=100000-")
}

// A .gz file must not be unpacked on the way, whatever the server says.
func TestContentEncoding(t *testing.T) {
	content := []byte("\x1f\x8b not really")
	s := newServer(t, content, func(s *server, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(s.content)
	})
	fetch(t, fileOf(t, content, s), content)
	if got := s.requests()[0].Get("Accept-Encoding"); got != "identity" {
		t.Errorf("Accept-Encoding %q", got)
	}
}

func TestAnnouncedSizeIsWrong(t *testing.T) {
	content := random(1000, 1)
	bad, s := newServer(t, random(2000, 1)), newServer(t, content)
	var errs []error
	f := fileOf(t, content, bad, s)
	if _, err := quick.Fetch(t.Context(), f, func(e Event) {
		if e.Err != nil {
			errs = append(errs, e.Err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if len(errs) != 1 || errs[0].Error() != "size: expected 1000, found 2000" {
		t.Errorf("%v", errs)
	}
	// What has come from elsewhere is kept.
	bad, s = newServer(t, random(2000, 1)), newServer(t, content, cut(500))
	fetch(t, fileOf(t, content, s, bad), content)
	wantRequests(t, bad, "bytes=500-")
	wantRequests(t, s, "", "bytes=500-")
}

// Without an announced length a body could go on for ever.
func TestBodyTooLong(t *testing.T) {
	content := random(size, 1)
	endless := newServer(t, nil, func(s *server, w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(content); err != nil {
				return
			}
		}
	})
	f := fileOf(t, content, endless)
	_, err := quick.Fetch(t.Context(), f, nil)
	if err == nil || !strings.Contains(err.Error(), "goes on after the expected 300000 bytes") {
		t.Fatalf("%v", err)
	}
	wantNoPart(t, f.Path)
	s := newServer(t, content)
	f.URLs = append(f.URLs, s.URL)
	endless.steps = []step{status(404)}
	fetch(t, f, content)
}

// A body that ends early, as its chunks or its connection do, is resumed.
func TestBodyTooShort(t *testing.T) {
	content := random(size, 1)
	s := newServer(t, content, func(s *server, w http.ResponseWriter, r *http.Request) {
		w.Write(content[:100_000]) // more than a buffer: goes in chunks
		http.NewResponseController(w).Flush()
	})
	fetch(t, fileOf(t, content, s), content)
	wantRequests(t, s, "", "bytes=100000-")
}

func TestInvalidFiles(t *testing.T) {
	s := newServer(t, nil)
	for want, change := range map[string]func(*File){
		"no path":    func(f *File) { f.Path = "" },
		"no address": func(f *File) { f.URLs = nil },
		"size -1":    func(f *File) { f.Size = -1 },
		"md5 \"12":   func(f *File) { f.MD5 = "12" },
		"sha256 \"z": func(f *File) { f.SHA256 = strings.Repeat("z", 64) },
	} {
		f := fileOf(t, nil, s)
		change(&f)
		if _, err := quick.Fetch(t.Context(), f, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	wantRequests(t, s)
}

func TestBadAddress(t *testing.T) {
	content := random(1000, 1)
	s := newServer(t, content)
	f := fileOf(t, content, s)
	f.URLs = append([]string{"http://\x00", "gopher://nowhere", "http://127.0.0.1:0"}, f.URLs...)
	fetch(t, f, content)
}

// Errors name an address once. One whose host does not exist is asked once.
func TestAddressesInErrors(t *testing.T) {
	f := fileOf(t, []byte("x"))
	f.URLs = []string{"http://127.0.0.1:0/a", "http://b.invalid/b"}
	c := &Client{Pause: time.Microsecond, HTTP: &http.Client{Transport: lookup{}}}
	n := map[string]int{}
	_, err := c.Fetch(t.Context(), f, func(e Event) { n[e.URL]++ })
	if err == nil {
		t.Fatal("no error")
	}
	for _, a := range f.URLs {
		if strings.Count(err.Error(), a) != 1 {
			t.Errorf("want %s once in: %v", a, err)
		}
	}
	if n[f.URLs[0]] != 4 || n[f.URLs[1]] != 1 {
		t.Errorf("attempts %v, want 4 and 1", n)
	}
}

// lookup fails like a connection that is refused, or like a host that is not found.
type lookup struct{}

func (lookup) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Host, ".invalid") {
		return nil, &net.DNSError{Err: "no such host", Name: r.URL.Host, IsNotFound: true}
	}
	return nil, errors.New("connection refused")
}

func TestNoPlaceForIt(t *testing.T) {
	s := newServer(t, []byte("x"))
	dir := t.TempDir()
	blocked := filepath.Join(dir, "file")
	if err := os.WriteFile(blocked, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	f := fileOf(t, []byte("x"), s)
	f.Path = filepath.Join(blocked, "sub", "x")
	if _, err := quick.Fetch(t.Context(), f, nil); err == nil || !strings.Contains(err.Error(), f.Path) {
		t.Errorf("in a file: %v", err)
	}
	f.Path = dir
	if _, err := quick.Fetch(t.Context(), f, nil); err == nil || !strings.Contains(err.Error(), "regular file") {
		t.Errorf("a directory: %v", err)
	}
	if os.Geteuid() != 0 {
		os.Chmod(dir, 0o500)
		f.Path = filepath.Join(dir, "x")
		if _, err := quick.Fetch(t.Context(), f, nil); !errors.Is(err, os.ErrPermission) {
			t.Errorf("read-only directory: %v", err)
		}
	}
	wantRequests(t, s)
}

// A disk that fails is no reason to ask other mirrors.
func TestDiskFails(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	content := random(1000, 1)
	a, b := newServer(t, content), newServer(t, content)
	f := fileOf(t, content, a, b)
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	os.MkdirAll(filepath.Dir(f.Path), 0o777)
	p, err := openPart(t.Context(), f.Path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	real := p.file
	defer real.Close()
	p.file = full
	tr := &transfer{client: quick, file: f, part: p, progress: func(Event) {}}
	if _, err := tr.run(t.Context()); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("%v", err)
	}
	wantRequests(t, b)
}

func TestEvents(t *testing.T) {
	content := random(size, 1)
	a, b := newServer(t, nil, status(404)), newServer(t, content)
	f := fileOf(t, content, a, b)
	var stages []Stage
	var received, checked int64
	_, err := quick.Fetch(context.Background(), f, func(e Event) {
		if n := len(stages); n == 0 || stages[n-1] != e.Stage {
			stages = append(stages, e.Stage)
		}
		switch e.Stage {
		case Receiving:
			received = e.Done
		case Checking:
			checked = e.Done
		}
		if e.Stage != Failed && e.Size != size {
			t.Errorf("%+v: want size %d", e, size)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []Stage{Failed, Receiving, Checking}
	if len(stages) != 3 || stages[0] != want[0] || stages[1] != want[1] || stages[2] != want[2] {
		t.Errorf("stages %v, want %v", stages, want)
	}
	if received != size || checked != size {
		t.Errorf("%d received, %d checked, want %d", received, checked, size)
	}
}
