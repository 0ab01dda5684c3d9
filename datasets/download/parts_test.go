package download

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

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
