package download

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// cancelAt fetches f until n bytes are there and then cancels.
func cancelAt(t *testing.T, f File, n int64) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := quick.Fetch(ctx, f, func(e Event) {
		if e.Stage == Receiving && e.Done >= n {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("%v, want that it was cancelled", err)
	}
	if st, err := Stat(f); err != nil || st.State != Missing || st.Part != n {
		t.Fatalf("%+v, %v: want %d bytes kept", st, err, n)
	}
}

func TestCancelAndResume(t *testing.T) {
	content := random(size, 1)
	s := newServer(t, content, hang(100_000))
	s.etag = `"1"`
	f := fileOf(t, content, s)
	cancelAt(t, f, 100_000)
	fetch(t, f, content)
	wantRequests(t, s, "", "bytes=100000-")
	if v := s.requests()[1].Get("If-Range"); v != `"1"` {
		t.Errorf("If-Range %q: the validator was forgotten", v)
	}
	wantSent(t, s, size)
}

// A part that was complete when the check was interrupted is not asked for again.
func TestCancelWhileChecking(t *testing.T) {
	content := random(3<<20, 1) // hashed in more than one piece
	s := newServer(t, content)
	for name, f := range map[string]File{
		"size published": fileOf(t, content, s),
		"size announced": {Path: filepath.Join(t.TempDir(), "x"), URLs: []string{s.URL}, SHA256: sha256Of(content)},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := quick.Fetch(ctx, f, func(e Event) {
			if e.Stage == Checking {
				cancel()
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("%s: %v", name, err)
		}
		n := len(s.requests())
		fetch(t, f, content)
		if len(s.requests()) != n {
			t.Errorf("%s: asked again", name)
		}
	}
}

func TestCancelWhileWaiting(t *testing.T) {
	s := newServer(t, nil, status(500))
	ctx, cancel := context.WithCancel(t.Context())
	c := &Client{Pause: time.Hour}
	_, err := c.Fetch(ctx, fileOf(t, []byte("x"), s), func(e Event) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// The complete part of a file without a known length: there is nothing to send.
func TestResumeAtTheEnd(t *testing.T) {
	content := random(size, 1)
	s := newServer(t, content)
	f := fileOf(t, content, s)
	f.Size = 0
	os.MkdirAll(filepath.Dir(f.Path), 0o777)
	os.WriteFile(partPath(f.Path), content, 0o666)
	fetch(t, f, content)
	wantRequests(t, s, "bytes=300000-")
	wantSent(t, s, len("invalid range: failed to overlap\n"))
}

// A part that is longer than the file, or junk, costs a start from the first byte.
func TestUselessPart(t *testing.T) {
	content := random(size, 1)
	for name, part := range map[string][]byte{
		"too long": random(size+1, 1),
		"complete": random(size, 2),
		"short":    random(10, 2),
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, content)
			f := fileOf(t, content, s)
			os.MkdirAll(filepath.Dir(f.Path), 0o777)
			os.WriteFile(partPath(f.Path), part, 0o666)
			fetch(t, f, content)
			asked := s.requests()
			if got := asked[len(asked)-1].Get("Range"); got != "" || len(asked) > 2 {
				t.Errorf("%d requests, the last with Range %q", len(asked), got)
			}
		})
	}
}

// The server says that the file is another one: the first bytes are not used.
func TestFileChangesOnServer(t *testing.T) {
	v1, v2 := random(size, 1), random(size, 2)
	s := newServer(t, v2, cutting(100_000, func(_ *server, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		serving(v1)(nil, w, r)
	}))
	s.etag = `"2"`
	fetch(t, fileOf(t, v2, s), v2)
	wantRequests(t, s, "", "bytes=100000-")
	wantSent(t, s, 100_000+size)
}

// The server does not say so: the checksum finds the mixture.
func TestFileChangesUnnoticed(t *testing.T) {
	v1, v2 := random(size, 1), random(size, 2)
	s := newServer(t, v2, cutting(100_000, serving(v1)))
	fetch(t, fileOf(t, v2, s), v2)
	wantRequests(t, s, "", "bytes=100000-", "")
	wantSent(t, s, size+size)
}

// Without a checksum nobody would find it: only a validator allows to resume.
func TestResumeWithoutChecksum(t *testing.T) {
	v1, v2 := random(size, 1), random(size, 2)
	for _, etag := range []string{"", `W/"weak"`} {
		s := newServer(t, v2, cutting(100_000, func(_ *server, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", etag)
			serving(v1)(nil, w, r)
		}))
		fetch(t, plainFile(t, s), v2)
		wantRequests(t, s, "", "")
	}
	s := newServer(t, v2, cut(100_000))
	s.etag = `"2"`
	fetch(t, plainFile(t, s), v2)
	wantRequests(t, s, "", "bytes=100000-")

	a, b := newServer(t, v1, cut(100_000)), newServer(t, v2)
	a.etag, b.etag = `"1"`, `"1"`
	fetch(t, plainFile(t, a, b), v2)
	wantRequests(t, b, "")
}

// The total in Content-Range shows a change too.
func TestSizeChangesOnServer(t *testing.T) {
	v1, v2 := random(size, 1), random(size+1, 2)
	s := newServer(t, v2, cutting(100_000, serving(v1)))
	f := fileOf(t, v2, s)
	f.Size = 0
	var last error
	if _, err := quick.Fetch(t.Context(), f, func(e Event) {
		if e.Stage == Failed {
			last = e.Err
		}
	}); err != nil {
		t.Fatal(err)
	}
	wantFile(t, f.Path, v2)
	wantRequests(t, s, "", "bytes=100000-", "")
	if last == nil || last.Error() != "the file changed: it had 300000 bytes, now 300001" {
		t.Errorf("%v", last)
	}
}
