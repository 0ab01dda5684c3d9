package download

import (
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
	want := Status{State: Verified, Size: size}
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
			if _, err := quick.Fetch(t.Context(), g, ignore); err == nil {
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
	fetch(t, fileOf(t, content, s), content)
	wantRequests(t, s, "", "bytes=100000-", "bytes=150000-")
	wantSent(t, s, size)
}

// Attempts that bring much are not counted, those that bring little are.
func TestRoundsCountOnlyVainAttempts(t *testing.T) {
	content := random(4*worthwhile, 1)
	s := newServer(t, content, cut(worthwhile), cut(worthwhile), cut(worthwhile))
	f := fileOf(t, content, s)
	c := &Client{Pause: time.Microsecond, Rounds: 1}
	if _, err := c.Fetch(t.Context(), f, ignore); err != nil {
		t.Fatal(err)
	}
	wantFile(t, f.Path, content)
	wantSent(t, s, len(content))

	s = newServer(t, content, cut(worthwhile), status(500))
	if _, err := c.Fetch(t.Context(), fileOf(t, content, s), ignore); err != nil {
		t.Error("after a gain there is another round: ", err)
	}

	s = newServer(t, content, cut(10), cut(10), cut(10))
	f = fileOf(t, content, s)
	c.Rounds = 3
	if _, err := c.Fetch(t.Context(), f, ignore); err == nil {
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
	b := newServer(t, content, cut(50_000))
	fetch(t, fileOf(t, content, a, b), content)
	wantRequests(t, a, "", "bytes=150000-")
	wantRequests(t, b, "bytes=100000-", "bytes=150000-")
	wantSent(t, b, size-100_000)
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
	mute := newServer(t, nil, func(_ *server, _ http.ResponseWriter,
		r *http.Request) {
		<-r.Context().Done()
	})
	s := newServer(t, content)
	f := fileOf(t, content, mute, s)
	c := &Client{Pause: time.Microsecond, Stall: 100 * time.Millisecond}
	if _, err := c.Fetch(t.Context(), f, ignore); err != nil {
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
	if _, err := c.Fetch(t.Context(), f, ignore); err != nil {
		t.Error(err)
	}
	// A server that always does so is given up, not asked for ever.
	wrong := partial("bytes 1-149999/300000")
	s = newServer(t, content, cut(100_000), wrong, cut(100_000), wrong, cut(100_000), wrong)
	if _, err := quick.Fetch(t.Context(), fileOf(t, content, s), ignore); err == nil {
		t.Error("no error")
	}
	wantRequests(t, s, "", "bytes=100000-", "", "bytes=100000-", "", "bytes=100000-")
}
