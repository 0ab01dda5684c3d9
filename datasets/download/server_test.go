package download

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// server is a mirror that does what a test tells it to, one step a request, and then
// serves its content as a good server does. It counts what it sends.
type server struct {
	*httptest.Server
	mu      sync.Mutex
	content []byte
	steps   []step
	asked   []http.Header // of each request
	sent    int           // bytes of bodies
}

type step func(s *server, w http.ResponseWriter, r *http.Request)

func newServer(t *testing.T, content []byte, steps ...step) *server {
	t.Helper()
	s := &server{content: content, steps: steps}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, r.Header.Clone())
	do := good
	if len(s.steps) > 0 {
		do, s.steps = s.steps[0], s.steps[1:]
	}
	s.mu.Unlock()
	do(s, &counter{w, s}, r)
}

// counter counts the bytes of bodies.
type counter struct {
	http.ResponseWriter
	s *server
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.s.mu.Lock()
	c.s.sent += n
	c.s.mu.Unlock()
	return n, err
}

func (c *counter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (s *server) requests() []http.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func (s *server) bytesSent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent
}

// good serves the content, ranges included.
func good(s *server, w http.ResponseWriter, r *http.Request) {
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(s.content))
}

// whole serves all of the content whatever is asked.
func whole(s *server, w http.ResponseWriter, r *http.Request) {
	r.Header.Del("Range")
	good(s, w, r)
}

// after lets a step send n bytes of its body and calls then.
func after(n int, do step, then func(r *http.Request)) step {
	return func(s *server, w http.ResponseWriter, r *http.Request) {
		do(s, &limited{w, n, func() { then(r) }}, r)
	}
}

// limited flushes after left bytes and calls then.
type limited struct {
	http.ResponseWriter
	left int
	then func()
}

func (l *limited) Write(b []byte) (int, error) {
	n, err := l.ResponseWriter.Write(b[:min(len(b), l.left)])
	l.left -= n
	if l.left == 0 {
		http.NewResponseController(l.ResponseWriter).Flush()
		l.then()
	}
	return n, err
}

// cut closes the connection after n bytes of the body.
func cut(n int) step { return cutting(n, good) }

func cutting(n int, do step) step {
	return after(n, do, func(*http.Request) { panic(http.ErrAbortHandler) })
}

// hang sends nothing after n bytes of the body, until the client leaves.
func hang(n int) step {
	return after(n, good, func(r *http.Request) {
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	})
}

// status answers with a status and no file.
func status(code int) step {
	return func(_ *server, w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", code) }
}

// serving answers with other content than the server's.
func serving(content []byte) step {
	return func(s *server, w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}
}

// random makes n bytes that differ with the seed.
func random(n int, seed uint64) []byte {
	b := make([]byte, n)
	r := rand.NewPCG(seed, 1)
	for i := range b {
		b[i] = byte(r.Uint64())
	}
	return b
}

// fileOf is content as a file of known size and sums.
func fileOf(t *testing.T, content []byte, servers ...*server) File {
	t.Helper()
	f := plainFile(t, servers...)
	f.MD5, f.SHA256, f.Size = md5Of(content), sha256Of(content), int64(len(content))
	return f
}

// plainFile is a file that nothing is known of but its address.
func plainFile(t *testing.T, servers ...*server) File {
	t.Helper()
	f := File{Path: filepath.Join(t.TempDir(), "set", "file.bin")}
	for _, s := range servers {
		f.URLs = append(f.URLs, s.URL+"/file.bin")
	}
	return f
}

func md5Of(b []byte) string {
	s := md5.Sum(b)
	return hex.EncodeToString(s[:])
}

func sha256Of(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// quick is a client that does not wait between rounds.
var quick = &Client{Pause: time.Microsecond}

func ignore(Event) {}

// fetch fetches f, which must succeed and leave content.
func fetch(t *testing.T, f File, content []byte) Status {
	t.Helper()
	r, err := quick.Fetch(context.Background(), f, ignore)
	if err != nil {
		t.Fatal(err)
	}
	wantFile(t, f.Path, content)
	wantNoPart(t, f.Path)
	if _, err := os.Stat(lockPath(f.Path)); err == nil {
		t.Errorf("%s is left", lockPath(f.Path))
	}
	return r
}

func wantFile(t *testing.T, path string, content []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, content) {
		t.Fatalf("%s: %d bytes with sum %s, want %d with %s", path, len(b), sha256Of(b), len(content),
			sha256Of(content))
	}
}

// wantNoPart fails if anything of an unfinished download is left.
func wantNoPart(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat(partPath(path)); err == nil {
		t.Errorf("%s is left", partPath(path))
	}
}

func wantRequests(t *testing.T, s *server, want ...string) {
	t.Helper()
	asked := s.requests()
	if len(asked) != len(want) {
		t.Fatalf("%d requests, want %d: %v", len(asked), len(want), asked)
	}
	for i, h := range asked {
		if got := h.Get("Range"); got != want[i] {
			t.Errorf("request %d: Range %q, want %q", i, got, want[i])
		}
	}
}

func wantSent(t *testing.T, s *server, want int) {
	t.Helper()
	if got := s.bytesSent(); got != want {
		t.Errorf("%d bytes sent, want %d", got, want)
	}
}
