package download

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Two that fetch the same file at once: one does, the other waits and has it too.
func TestConcurrent(t *testing.T) {
	content := random(size, 1)
	waiting := make(chan bool)
	s := newServer(t, content, func(s *server, w http.ResponseWriter, r *http.Request) {
		<-waiting
		good(s, w, r)
	})
	f := fileOf(t, content, s)
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			r, err := (&Client{}).Fetch(t.Context(), f, func(e Event) {
				if e.Stage == Waiting {
					close(waiting)
				}
			})
			if err != nil || r.State != Verified {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
	group.Wait()
	wantFile(t, f.Path, content)
	wantNoPart(t, f.Path)
	wantRequests(t, s, "")
}

// Two that fetch a file that cannot be had: the second tries when the first gives up.
func TestConcurrentFailure(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	first, err := openPart(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.write([]byte("first")); err != nil {
		t.Fatal(err)
	}
	waiting := make(chan bool)
	second := make(chan *part)
	go func() {
		p, err := openPart(context.Background(), path, func() { close(waiting) })
		if err != nil {
			t.Error(err)
		}
		second <- p
	}()
	<-waiting
	first.close()
	p := <-second
	if p.size != 5 || !p.mended {
		t.Errorf("%d bytes, mended %v: want those of the first", p.size, p.mended)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := openPart(ctx, path, cancel); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that the wait was cancelled", err)
	}
	p.close()
	wantFile(t, partPath(path), []byte("first"))
}

// Who waits while the other gives up, and takes lock and folder away, has a lock and a folder.
func TestFolderIsRemovedWhileWaiting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "set", "x")
	first, err := openPart(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	second := make(chan *part)
	go func() {
		p, err := openPart(context.Background(), path, first.close)
		if err != nil {
			t.Error(err)
		}
		second <- p
	}()
	p := <-second
	if err := p.write([]byte("second")); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := openPart(ctx, path, cancel); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that the second has the lock", err)
	}
	p.close()
	wantFile(t, partPath(path), []byte("second"))
	if _, err := os.Stat(lockPath(path)); err == nil {
		t.Error("the lock is left")
	}
}
