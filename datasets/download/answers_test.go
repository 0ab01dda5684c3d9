package download

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

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
	_, err := quick.Fetch(t.Context(), f, ignore)
	var m *MismatchError
	if !errors.As(err, &m) || m.Kind != "md5" || m.Want != md5Of(content) {
		t.Fatalf("%v", err)
	}
	for _, want := range []string{f.Path, a.URL, b.URL, md5Of(content), md5Of(random(size, 2)),
		md5Of(random(size, 3))} {
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
	_, err := quick.Fetch(t.Context(), fileOf(t, content, s), ignore)
	if err == nil || !strings.Contains(err.Error(), "404 Not Found") ||
		!strings.Contains(err.Error(), s.URL) {
		t.Errorf("%v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "Wed, 21 Oct 2015 07:28:00 GMT": 0,
	} {
		err := badStatus(&http.Response{StatusCode: 503, Header: http.Header{"Retry-After": {text}}})
		if got := failureOf(err).wait; got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestRedirect(t *testing.T) {
	content := random(size, 1)
	s := newServer(t, content, cut(100_000))
	to := func(_ *server, w http.ResponseWriter,
		r *http.Request) {
		http.Redirect(w, r, s.URL, http.StatusFound)
	}
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
	_, err := quick.Fetch(t.Context(), f, ignore)
	if err == nil || !strings.Contains(err.Error(),
		"goes on after 300000 bytes, the size that is expected") {
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

func TestNoAddress(t *testing.T) {
	_, err := quick.Fetch(t.Context(), fileOf(t, nil), ignore)
	if err == nil || !strings.Contains(err.Error(), "no mirror gave the file") {
		t.Errorf("%v", err)
	}
}
