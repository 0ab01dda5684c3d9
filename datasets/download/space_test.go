package download

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestFreeSpace(t *testing.T) {
	dir := t.TempDir()
	n, ok := FreeSpace(dir)
	if !ok {
		t.Skip("not known on this system")
	}
	if n <= 0 {
		t.Errorf("%d bytes", n)
	}
	if _, ok := FreeSpace(filepath.Join(dir, "not", "yet")); !ok {
		t.Error("a directory that does not exist yet: not known")
	}
}

// What there is no room for is not begun, and does not fill the disk where its size is not known.
func TestNoRoom(t *testing.T) {
	content := random(size, 1)
	for name, c := range map[string]struct {
		do   step
		want string
	}{
		"size known": {good, "has room for 1000 bytes, 300000 are missing"},
		"size unknown": {func(s *server, w http.ResponseWriter, _ *http.Request) {
			http.NewResponseController(w).Flush() // without a length
			w.Write(s.content)
		}, "goes on after 1000 bytes, all that there is room for"},
	} {
		s := newServer(t, content, c.do)
		f := fileOf(t, content, s)
		f.Size = 0
		free := func(string) (int64, bool) { return 1000, true }
		_, err := (&Client{Pause: time.Microsecond, Free: free}).Fetch(t.Context(), f, ignore)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		wantNothing(t, f)
	}
}

// A size that a server tells is no reason to take any amount.
func TestUnknownSizeIsBounded(t *testing.T) {
	s := newServer(t, nil, func(_ *server, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "900000000000000")
		w.Write([]byte("x"))
	})
	f := fileOf(t, []byte("x"), s)
	f.Size = 0
	_, err := quick.Fetch(t.Context(), f, ignore)
	if err == nil || !strings.Contains(err.Error(), "expected at most 17179869184 bytes") {
		t.Errorf("%v", err)
	}
	wantNothing(t, f)
}

// A server that goes on, but too slowly, is given up. What has come is kept.
func TestTooSlow(t *testing.T) {
	content := random(2*minRate, 1)
	drip := func(s *server, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		for i := 0; i < len(content) && r.Context().Err() == nil; i++ {
			w.Write(content[i : i+1])
			http.NewResponseController(w).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	}
	s := newServer(t, content, drip)
	f := fileOf(t, content, s)
	_, err := (&Client{Pause: time.Microsecond, Slow: 200 * time.Millisecond}).Fetch(t.Context(), f, ignore)
	if err == nil || !strings.Contains(err.Error(), "slower than 300 bytes a second") {
		t.Fatalf("%v", err)
	}
	wantRequests(t, s, "")
	st, err := Stat(f)
	if err != nil || st.Part == 0 || st.Part == int64(len(content)) {
		t.Fatalf("%+v, %v: want a part", st, err)
	}
	fetch(t, f, content)
	wantRequests(t, s, "", fmt.Sprintf("bytes=%d-", st.Part))
}

// A download of which nothing came leaves nothing, not even the folders made for it.
func TestFailureLeavesNothing(t *testing.T) {
	s := newServer(t, nil, status(403))
	f := fileOf(t, []byte("x"), s)
	if _, err := quick.Fetch(t.Context(), f, ignore); err == nil {
		t.Fatal("no error")
	}
	wantNothing(t, f)
	above := filepath.Dir(filepath.Dir(f.Path))
	if _, err := os.Stat(above); err != nil {
		t.Errorf("the folder that was there: %v", err)
	}
}

// wantNothing fails if there is a folder for the file.
func wantNothing(t *testing.T, f File) {
	t.Helper()
	if entries, err := os.ReadDir(filepath.Dir(f.Path)); err == nil {
		t.Errorf("%v is left", entries)
	}
}
