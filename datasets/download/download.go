// Package download fetches large, known files over HTTP.
//
// A file grows beside its place, as NAME.part, and takes its place only once its
// checksum is found right, so what has the name is whole. An attempt that is cut
// off, or brings no byte for too long, is resumed where it stopped: by the next
// attempt, at the next mirror, or by the next process. Bytes of two versions of a
// file never end up in one: the servers' validators are asked first, and the
// checksum last.
//
// What is known of a finished file is kept beside it, in .NAME.sum, so that it need
// not be hashed again while its size and time stay the same. Of a file that nobody
// published a checksum for, the first download's is kept there and from then on
// holds.
package download

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// File is one file to fetch.
type File struct {
	Path   string   // where it goes
	URLs   []string // where it is to be had, the best mirror first
	MD5    string   // in hex; empty if not known
	SHA256 string   // in hex; empty if not known
	Size   int64    // in bytes; 0 if not known

	// Accept keeps a file whose size or sums are not those above: the one at Path
	// or, if there is none, the first that a mirror gives. Its own sum is recorded
	// and it counts as good from then on, without Accept too.
	Accept bool
}

// valid refuses files that could not be fetched.
func (f File) valid() error {
	switch {
	case f.Path == "":
		return errors.New("no path")
	case len(f.URLs) == 0:
		return errors.New("no address")
	case f.Size < 0:
		return fmt.Errorf("size %d: want 0 or more", f.Size)
	}
	for _, s := range []struct {
		kind, sum string
		size      int
	}{{"md5", f.MD5, 16}, {"sha256", f.SHA256, 32}} {
		if b, err := hex.DecodeString(s.sum); s.sum != "" && (err != nil || len(b) != s.size) {
			return fmt.Errorf("%s %q: want %d hex digits", s.kind, s.sum, 2*s.size)
		}
	}
	return nil
}

// Client says how files are fetched. The zero value is ready to use; a Client may be
// used by several goroutines at once.
type Client struct {
	HTTP   *http.Client  // nil is http.DefaultClient; it should have no Timeout
	Stall  time.Duration // an attempt that brings no byte for so long is given up; 0 is 30 s
	Pause  time.Duration // before the second try of all mirrors, then doubled; 0 is 1 s
	Rounds int           // tries of all mirrors, one after the other, without gain; 0 is 4
}

func (c *Client) http() *http.Client {
	if c.HTTP == nil {
		return http.DefaultClient
	}
	return c.HTTP
}

func (c *Client) stall() time.Duration {
	if c.Stall <= 0 {
		return 30 * time.Second
	}
	return c.Stall
}

func (c *Client) pause() time.Duration {
	if c.Pause <= 0 {
		return time.Second
	}
	return c.Pause
}

func (c *Client) rounds() int {
	if c.Rounds <= 0 {
		return 4
	}
	return c.Rounds
}

// Stage is what is being done.
type Stage int

const (
	Waiting   Stage = iota // for another process that fetches the same file
	Receiving              // bytes from a mirror
	Checking               // the checksum of all bytes
	Failed                 // an attempt was given up for the reason Err
)

// Event tells how far a file is.
type Event struct {
	Stage Stage
	URL   string // the mirror, when Receiving or Failed
	Done  int64  // bytes received, or checked
	Size  int64  // bytes in all; 0 while not known
	Err   error
}

// Result says how a file came to be good.
type Result struct {
	State      State // Verified, Recorded or Accepted
	Downloaded bool  // false if it was there
	URL        string
	Size       int64
	Sums       Sums
}

// Fetch makes sure that a good file is at f.Path: it downloads it unless it is there.
// Progress, if not nil, is called from Fetch as it goes on.
//
// A damaged file at f.Path is replaced once a good one is complete. Processes that
// fetch one file at once wait for the first.
//
// It is an error if f is not a file that could be fetched, if no mirror gives a file
// of the size and sums of f, if the disk fails, or if ctx ends; what was received is
// then kept, for the next call to resume, unless its sums were wrong. An error
// because of wrong bytes has a [MismatchError] in it.
func (c *Client) Fetch(ctx context.Context, f File, progress func(Event)) (Result, error) {
	if progress == nil {
		progress = func(Event) {}
	}
	r, err := c.fetch(ctx, f, progress)
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", f.Path, err)
	}
	return r, nil
}

func (c *Client) fetch(ctx context.Context, f File, progress func(Event)) (Result, error) {
	if err := f.valid(); err != nil {
		return Result{}, err
	}
	if s, err := check(ctx, f, progress); err != nil || s.State.Good() {
		return s.result(), err
	}
	if err := os.MkdirAll(filepath.Dir(f.Path), 0o777); err != nil {
		return Result{}, err
	}
	p, err := openPart(ctx, f.Path, func() { progress(Event{Stage: Waiting}) })
	if err != nil {
		return Result{}, err
	}
	defer p.close()
	// The file may have come while this process waited for the lock; who brought it
	// has recorded that.
	s, known, err := look(f)
	if err != nil {
		return Result{}, err
	}
	if s.State.Good() {
		return s.result(), p.reset()
	}
	t := &transfer{client: c, file: f, part: p, known: known, progress: progress}
	return t.run(ctx)
}
