package download

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestSize(t *testing.T) {
	mute := newServer(t, nil, func(_ *server, w http.ResponseWriter, _ *http.Request) {
		http.NewResponseController(w).Flush() // no length
	})
	s := newServer(t, random(1234, 1))
	if n, err := quick.Size(t.Context(), s.URL); err != nil || n != 1234 {
		t.Errorf("%d, %v", n, err)
	}
	wantSent(t, s, 0)
	hangs := newServer(t, nil, func(_ *server, _ http.ResponseWriter,
		r *http.Request) {
		<-r.Context().Done()
	})
	c := &Client{Stall: 50 * time.Millisecond}
	for address, want := range map[string]string{
		newServer(t, nil, status(404)).URL: "404",
		mute.URL:                           "no Content-Length",
		hangs.URL:                          "no byte for 50ms",
		"http://127.0.0.1:1":               "refused",
	} {
		if _, err := c.Size(t.Context(), address); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
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
	for _, s := range []string{"", "bytes", "bytes 1-2", "bytes */5", "bytes 2-1/5", "bytes 1-5/5",
		"bytes -1-5/9",
		"lines 1-2/5", "bytes 1-2/-5", "bytes 1-2/5, 3-4/5", "bytes a-b/c",
		"bytes 99999999999999999999-2/5"} {
		if start, total, err := parseRange(s); err == nil {
			t.Errorf("%q: %d, %d, no error", s, start, total)
		}
	}
}
