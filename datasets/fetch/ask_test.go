package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"weightsep/datasets"
	"weightsep/datasets/download"
)

// large makes the bench's files ones of 0.6 GB each, which the mirror then does not
// have: only the question matters.
func large(b *bench) {
	small := b.app.sources
	b.app.sources = func(name string) ([]datasets.Source, error) {
		files, err := small(name)
		for i := range files {
			files[i].Size = 600_000_000
		}
		return files, err
	}
}

func TestAsk(t *testing.T) {
	for _, c := range []struct {
		name     string
		args     []string
		terminal bool
		in       string
		code     int  // 1 if it goes on, for there is nothing to download
		goes     bool // to the mirror
		stderr   string
	}{
		{"below the limit", []string{"esc10"}, true, "", 1, true, ""},
		{"yes", []string{"cifar10"}, true, "Yes\n", 1, true, "Download 1.20 GB? [y/N] "},
		{"y", []string{"cifar10"}, true, "y", 1, true, ""},
		{"no", []string{"cifar10"}, true, "n\n", 1, false, "fetch: nothing was downloaded"},
		{"enter", []string{"cifar10"}, true, "\n", 1, false, "fetch: nothing was downloaded"},
		{"end of input", []string{"cifar10"}, true, "", 1, false, "fetch: nothing was downloaded"},
		{"-yes", []string{"-yes", "cifar10"}, false, "", 1, true, ""},
		{"no terminal", []string{"cifar10"}, false, "y\n", 2, false,
			"no terminal to ask on whether to download 1.20 GB: want -yes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			large(b)
			b.terminal, b.in = c.terminal, strings.NewReader(c.in)
			b.want(b.call(c.args...), c.code)
			b.wantErr(c.stderr)
			if goes := len(b.asked) > 0; goes != c.goes {
				t.Errorf("asked the mirror for %q", b.asked)
			}
			if asks := strings.Contains(b.err.String(), "[y/N]"); asks != (c.terminal &&
				c.args[0] != "esc10") {
				t.Errorf("asks: %v\n%s", asks, &b.err)
			}
		})
	}
}

// What is there need not be asked about.
func TestAskOnlyAboutTheRest(t *testing.T) {
	b := newBench(t)
	large(b)
	b.write("cifar10/one.part", strings.Repeat("x", 300))
	small := b.app.sources
	b.app.sources = func(name string) ([]datasets.Source, error) {
		files, err := small(name)
		files[1].Size = 400_000_001
		return files, err
	}
	b.want(b.call("cifar10"), 1)
	b.wantAsked("GET /one", "GET /two")
}

// Ctrl-C at the question is an interruption like any other.
func TestInterruptAtQuestion(t *testing.T) {
	b := newBench(t)
	large(b)
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	defer w.Close()
	b.terminal = true
	b.in = readerFunc(func(p []byte) (int, error) {
		cancel()
		return r.Read(p)
	})
	b.want(b.callContext(ctx, "cifar10"), 130)
	b.wantErr("interrupted")
	b.wantAsked()
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestNoRoom(t *testing.T) {
	b := newBench(t)
	b.publish("one", "two")
	b.client.Free = func(dir string) (int64, bool) { return 27, true }
	b.want(b.call("cifar10"), 1)
	b.wantErr(b.data + " has room for 27 B, 28 B are missing")
	b.wantAsked()
	b.client.Free = func(string) (int64, bool) { return 28, true }
	b.want(b.call("cifar10"), 0)
}

func TestAmount(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 29515: "29.5 kB", 999_949: "999.9 kB", 999_950: "1.0 MB",
		170_052_171: "170.1 MB", 999_999_999: "1.00 GB", 6_023_741_708: "6.02 GB",
		2_500_000_000_000: "2.50 TB",
	} {
		if got := amount(n); got != want {
			t.Errorf("amount(%d) = %q, want %q", n, got, want)
		}
	}
}

// Failed attempts are told at once, progress where there is no terminal only after a
// while.
func TestProgressLines(t *testing.T) {
	b := newBench(t)
	p := newProgress(&b.err, "x/y")
	p.event(download.Event{Stage: download.Receiving, Done: 1, Size: 2})
	p.event(download.Event{Stage: download.Waiting})
	p.event(download.Event{Stage: download.Failed, URL: "http://a", Err: http.ErrNoLocation})
	p.event(download.Event{Stage: download.Failed, URL: "http://a", Err: http.ErrNoLocation})
	p.last = p.last.Add(-linePause)
	p.event(download.Event{Stage: download.Receiving, Done: 500, Size: 1000})
	p.last = p.last.Add(-linePause)
	p.event(download.Event{Stage: download.Checking, Done: 5000})
	p.event(download.Event{Stage: download.Checking, Done: 6000})
	want := "x/y: another process fetches it, waiting\n" +
		"x/y: http://a: http: no Location header in response\n" +
		"x/y: received 500 B of 1.0 kB, 50%\n" +
		"x/y: checking 5.0 kB\n"
	if b.err.String() != want {
		t.Errorf("%s, want\n%s", &b.err, want)
	}
}

// A bar belongs to a stage and leaves its line when a line must be printed.
func TestProgressBar(t *testing.T) {
	b := newBench(t)
	p := newProgress(&b.err, "x/y")
	p.bars = true
	p.event(download.Event{Stage: download.Receiving, Done: 500, Size: 1000})
	p.event(download.Event{Stage: download.Failed, URL: "http://a", Err: http.ErrNoLocation})
	p.event(download.Event{Stage: download.Receiving, Done: 600})
	p.event(download.Event{Stage: download.Checking, Done: 5000, Size: 5000})
	p.close()
	text := b.err.String()
	for _, want := range []string{"x/y received", "\nx/y: http://a:", "x/y checking"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q in %q", want, text)
		}
	}
	if !strings.HasSuffix(text, "\n") {
		t.Errorf("%q: the line was not left", text)
	}
}
