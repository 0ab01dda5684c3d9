package download

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/gofrs/flock"
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
	var mu sync.Mutex
	downloads := 0
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
			mu.Lock()
			defer mu.Unlock()
			if r.Downloaded {
				downloads++
			}
		})
	}
	group.Wait()
	if downloads != 1 {
		t.Errorf("%d downloads, want 1", downloads)
	}
	wantFile(t, f.Path, content)
	wantNoPart(t, f.Path)
	wantRequests(t, s, "")
}

// A lock on what is no longer the part is no lock.
func TestLockOfARenamedPart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	first, err := openPart(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	first.write([]byte("first"))
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
	if _, err := first.commit(); err != nil {
		t.Fatal(err)
	}
	first.close()
	p := <-second
	p.write([]byte("second"))
	wantFile(t, path, []byte("first"))
	wantFile(t, partPath(path), []byte("second"))
	p.close()

	// As if the other process had come in between.
	for _, other := range []func(){
		func() { os.WriteFile(partPath(path), nil, 0o666) },
		func() {},
	} {
		lock := flock.New(partPath(path))
		if ok, err := lock.TryLock(); !ok || err != nil {
			t.Fatal(ok, err)
		}
		os.Rename(partPath(path), path)
		other()
		p := &part{target: path, lock: lock}
		if ours, err := p.open(); ours || err != nil {
			t.Errorf("%v, %v: want that it is not ours", ours, err)
		}
		p.close()
	}

	ctx, cancel := context.WithCancel(t.Context())
	p, err = openPart(ctx, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if _, err := openPart(ctx, path, cancel); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that the wait was cancelled", err)
	}
}
