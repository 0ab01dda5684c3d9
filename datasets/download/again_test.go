package download

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/flock"
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

func TestGoodFileIsThere(t *testing.T) {
	content := random(size, 1)
	s := newServer(t, content)
	f := fileOf(t, content, s)
	os.MkdirAll(filepath.Dir(f.Path), 0o777)
	os.WriteFile(f.Path, content, 0o666)
	if st, err := Stat(f); err != nil || st.State != Present {
		t.Fatalf("%+v, %v: want present", st, err)
	}
	if r := fetch(t, f, content); r.State != Verified || r.Downloaded || r.Size != size {
		t.Errorf("%+v", r)
	}
	if st, err := Stat(f); err != nil || st.State != Verified {
		t.Errorf("%+v, %v: the check was not recorded", st, err)
	}
	// It was read once, not twice.
	if _, err := quick.Fetch(t.Context(), f, func(e Event) { t.Errorf("%+v", e) }); err != nil {
		t.Error(err)
	}
	// It is read again after it was touched.
	later := time.Now().Add(time.Minute)
	os.Chtimes(f.Path, later, later)
	var read bool
	if _, err := Check(t.Context(), f, func(e Event) { read = true }); err != nil || !read {
		t.Errorf("read %v, %v", read, err)
	}
	// A size that differs is seen even if the time does not.
	info, _ := os.Stat(f.Path)
	os.Truncate(f.Path, size-1)
	os.Chtimes(f.Path, info.ModTime(), info.ModTime())
	if st, _ := Stat(f); st.State != Wrong {
		t.Errorf("%+v", st)
	}
	if st, _ := Stat(File{Path: f.Path, MD5: f.MD5}); st.State != Present {
		t.Errorf("%+v: the record is of another size", st)
	}
	os.WriteFile(f.Path, content, 0o666)
	// It is read again for a sum that was not made then.
	g := f
	g.MD5 = ""
	os.Remove(recordPath(f.Path))
	Check(t.Context(), g, nil)
	if st, _ := Stat(g); st.State != Verified {
		t.Errorf("%+v", st)
	}
	if st, _ := Stat(f); st.State != Present {
		t.Errorf("%+v: there is no md5 in the record", st)
	}
	wantRequests(t, s)
}

// The record is of the file and for the sum that are asked about.
func TestRecordOfAnotherSum(t *testing.T) {
	v1, v2 := random(size, 1), random(size, 2)
	s := newServer(t, v1)
	f := fileOf(t, v1, s)
	fetch(t, f, v1)
	f.MD5, f.SHA256 = md5Of(v2), sha256Of(v2)
	if st, err := Stat(f); err != nil || st.State != Wrong {
		t.Errorf("%+v, %v: want wrong", st, err)
	}
	os.WriteFile(recordPath(f.Path), []byte("{"), 0o666)
	if st, err := Stat(f); err != nil || st.State != Present {
		t.Errorf("%+v, %v: want present, the record is junk", st, err)
	}
}

func TestDamagedFileIsReplaced(t *testing.T) {
	content := random(size, 1)
	damaged := map[string][]byte{"same size": random(size, 2), "shorter": content[:1000], "empty": {}}
	for name, b := range damaged {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, content, status(404))
			f := fileOf(t, content, s)
			os.MkdirAll(filepath.Dir(f.Path), 0o777)
			os.WriteFile(f.Path, b, 0o666)
			if st, err := Check(t.Context(), f, nil); err != nil || st.State != Wrong || st.Why == nil {
				t.Errorf("%+v, %v: want wrong, and why", st, err)
			}
			if _, err := quick.Fetch(t.Context(), f, nil); err == nil {
				t.Fatal("no error")
			}
			wantFile(t, f.Path, b) // until there is a better one
			fetch(t, f, content)
		})
	}
}

func TestNoSumPublished(t *testing.T) {
	content := random(size, 1)
	s := newServer(t, content)
	f := plainFile(t, s)
	if r := fetch(t, f, content); r.State != Recorded || r.Sums.SHA256 != sha256Of(content) {
		t.Errorf("%+v", r)
	}
	fetch(t, f, content)
	if n := len(s.requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
	// What is recorded holds: for the file, and for what replaces it.
	os.WriteFile(f.Path, random(size, 2), 0o666)
	later := time.Now().Add(time.Minute)
	os.Chtimes(f.Path, later, later)
	s.content = random(size, 3)
	_, err := quick.Fetch(t.Context(), f, nil)
	var m *MismatchError
	if !errors.As(err, &m) || m.Want != sha256Of(content) || m.Got != sha256Of(s.content) {
		t.Fatalf("%v", err)
	}
	s.content = content
	fetch(t, f, content)
	os.Remove(f.Path)
	s.content = random(size, 3)
	if _, err := quick.Fetch(t.Context(), f, nil); !errors.As(err, &m) {
		t.Errorf("%v", err)
	}
}

func TestAcceptDownload(t *testing.T) {
	content, other := random(size, 1), random(size+5, 2)
	s := newServer(t, other)
	f := fileOf(t, content, s)
	if _, err := quick.Fetch(t.Context(), f, nil); err == nil {
		t.Fatal("no error")
	}
	f.Accept = true
	if r := fetch(t, f, other); r.State != Accepted || r.Sums.SHA256 != sha256Of(other) {
		t.Errorf("%+v", r)
	}
	n := len(s.requests())
	f.Accept = false
	if r := fetch(t, f, other); r.State != Accepted || r.Downloaded {
		t.Errorf("%+v: want accepted for good", r)
	}
	later := time.Now().Add(time.Minute)
	os.Chtimes(f.Path, later, later)
	if r := fetch(t, f, other); r.State != Accepted {
		t.Errorf("%+v: it was only touched", r)
	}
	if len(s.requests()) != n {
		t.Error("asked again")
	}
	// Only these bytes were accepted.
	os.WriteFile(f.Path, random(size+5, 3), 0o666)
	if st, err := Check(t.Context(), f, nil); err != nil || st.State != Wrong {
		t.Errorf("%+v, %v", st, err)
	}
}

func TestAcceptFileThatIsThere(t *testing.T) {
	content, other := random(size, 1), random(size, 2)
	s := newServer(t, content)
	f := fileOf(t, content, s)
	f.Accept = true
	os.MkdirAll(filepath.Dir(f.Path), 0o777)
	os.WriteFile(f.Path, other, 0o666)
	if r := fetch(t, f, other); r.State != Accepted || r.Downloaded {
		t.Errorf("%+v", r)
	}
	wantRequests(t, s)
	// To accept what is right is to verify it.
	os.WriteFile(f.Path, content, 0o666)
	if r := fetch(t, f, content); r.State != Verified {
		t.Errorf("%+v", r)
	}
}

// No sum would find a mixture of an accepted file.
func TestAcceptDoesNotMix(t *testing.T) {
	v1, v2 := random(size, 1), random(size, 2)
	s := newServer(t, v2, cutting(100_000, serving(v1)))
	f := fileOf(t, random(size, 3), s)
	f.Accept = true
	fetch(t, f, v2)
	wantRequests(t, s, "", "")
}

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

func TestSize(t *testing.T) {
	content := random(1234, 1)
	no, mute, s := newServer(t, nil, status(405)), newServer(t, nil, func(_ *server, w http.ResponseWriter, _ *http.Request) {
		http.NewResponseController(w).Flush() // no length
	}), newServer(t, content)
	f := plainFile(t, no, mute, s)
	if n, err := quick.Size(t.Context(), f); err != nil || n != 1234 {
		t.Errorf("%d, %v", n, err)
	}
	wantSent(t, s, 0)
	f.Size = 7
	if n, err := quick.Size(t.Context(), f); err != nil || n != 7 || len(s.requests()) != 1 {
		t.Errorf("%d, %v: want the known size, without asking", n, err)
	}
	f = plainFile(t, newServer(t, nil, status(404)))
	if _, err := quick.Size(t.Context(), f); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := quick.Size(ctx, f); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	hangs := newServer(t, nil, func(_ *server, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	c := &Client{Stall: 50 * time.Millisecond}
	if _, err := c.Size(t.Context(), plainFile(t, hangs)); err == nil || !strings.Contains(err.Error(), "no byte for 50ms") {
		t.Errorf("%v", err)
	}
}

// The dog bites when nothing comes, and not while it is told to sleep.
func TestWatchdog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, dog := watch(t.Context(), time.Second)
		defer dog.stop()
		for range 3 {
			time.Sleep(999 * time.Millisecond)
			dog.wake()
		}
		dog.sleep()
		time.Sleep(time.Hour)
		if ctx.Err() != nil {
			t.Fatal(context.Cause(ctx))
		}
		dog.wake()
		time.Sleep(1001 * time.Millisecond)
		if err := dog.explain(ctx.Err()); err == nil || err.Error() != "no byte for 1s" {
			t.Error(err)
		}
	})
}

func TestParseRange(t *testing.T) {
	for s, want := range map[string][2]int64{
		"bytes 0-9/10":                  {0, 10},
		"bytes 5-9/*":                   {5, -1},
		"bytes 6000000000-6000000001/*": {6000000000, -1},
		"bytes 100-199/1000":            {100, 1000},
		"bytes 0-6023741707/6023741708": {0, 6023741708},
	} {
		start, total, err := parseRange(s)
		if err != nil || start != want[0] || total != want[1] {
			t.Errorf("%q: %d, %d, %v", s, start, total, err)
		}
	}
	for _, s := range []string{"", "bytes", "bytes 1-2", "bytes */5", "bytes 2-1/5", "bytes 1-5/5", "bytes -1-5/9",
		"lines 1-2/5", "bytes 1-2/-5", "bytes 1-2/5, 3-4/5", "bytes a-b/c", "bytes 99999999999999999999-2/5"} {
		if start, total, err := parseRange(s); err == nil {
			t.Errorf("%q: %d, %d, no error", s, start, total)
		}
	}
}

func TestStateNames(t *testing.T) {
	for s, want := range map[State]string{Missing: "missing", Accepted: "accepted", 99: "State(99)", -1: "State(-1)"} {
		if s.String() != want {
			t.Errorf("%q, want %q", s.String(), want)
		}
	}
}
