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
	if _, err := quick.Fetch(t.Context(), f, ignore); err == nil || !strings.Contains(err.Error(), f.Path) {
		t.Errorf("in a file: %v", err)
	}
	f.Path = dir
	if _, err := quick.Fetch(t.Context(), f, ignore); err == nil ||
		!strings.Contains(err.Error(), "regular file") {
		t.Errorf("a directory: %v", err)
	}
	if os.Geteuid() != 0 {
		os.Chmod(dir, 0o500)
		f.Path = filepath.Join(dir, "x")
		if _, err := quick.Fetch(t.Context(), f, ignore); !errors.Is(err, os.ErrPermission) {
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
	tr := &transfer{client: quick.defaults(), file: f, part: p, progress: func(Event) {}}
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
