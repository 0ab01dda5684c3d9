package download

import (
	"context"
	"errors"
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
	f := fileOf(t, content, s)
	cancelAt(t, f, 100_000)
	fetch(t, f, content)
	wantRequests(t, s, "", "bytes=100000-")
	wantSent(t, s, size)
}

// A part that was complete when the check was interrupted is not sent again.
func TestCancelWhileChecking(t *testing.T) {
	content := random(3<<20, 1) // hashed in more than one piece
	s := newServer(t, content)
	for name, f := range map[string]File{
		"size published": fileOf(t, content, s),
		"size announced": {Path: filepath.Join(t.TempDir(), "x"), URLs: []string{s.URL},
			SHA256: sha256Of(content)},
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
		sent := s.bytesSent()
		fetch(t, f, content)
		if f.Size > 0 && len(s.requests()) != n || s.bytesSent() > sent+100 {
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

// The file changes on the server: the checksum finds the mixture.
func TestFileChangesOnServer(t *testing.T) {
	v1, v2 := random(size, 1), random(size, 2)
	s := newServer(t, v2, cutting(100_000, serving(v1)))
	fetch(t, fileOf(t, v2, s), v2)
	wantRequests(t, s, "", "bytes=100000-", "")
	wantSent(t, s, size+size)
}
