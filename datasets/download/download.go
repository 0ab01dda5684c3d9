// Package download fetches large, known files over HTTP.
//
// A file grows beside its place, as NAME.part, and takes its place only once its
// checksum is found right, so what has the name is whole. An attempt that is cut
// off, or is too slow, is resumed where it stopped: by the next attempt, at the next mirror,
// or by the next process. Bytes of two versions of a
// file never end up in one: a mixture fails the checksum and is fetched again from the
// first byte.
//
// What is known of a finished file is kept beside it, in .NAME.sum, so that it need
// not be hashed again while its size and time stay the same.
package download

import (
	"cmp"
	"context"
	"net/http"
	"time"
)

// File is one file to fetch, of which at least one sum is known.
type File struct {
	Path   string   // where it goes
	URLs   []string // where it is to be had, the best mirror first
	MD5    string   // in hex; empty if not known
	SHA256 string   // in hex; empty if not known
	Size   int64    // in bytes; 0 if not known
}

// Client says how files are fetched. The zero value is ready to use; a Client may be
// used by several goroutines at once.
type Client struct {
	HTTP   *http.Client  // nil is http.DefaultClient; it should have no Timeout
	Stall  time.Duration // an attempt that brings no byte for so long is given up; 0 is 30 s
	Pause  time.Duration // before the second try of all mirrors, then doubled; 0 is 1 s
	Rounds int           // tries of all mirrors, one after the other, without gain; 0 is 4
	Slow   time.Duration // a mirror that brings less than minRate for so long is given up; 0 is 1 min

	// Free tells how many bytes can be written in a directory, if it is known; nil is FreeSpace.
	Free func(dir string) (int64, bool)
}

const (
	minRate = 300      // bytes a second
	maxSize = 16 << 30 // of a file whose size nobody tells, in bytes
)

// defaults returns c with the zero fields filled in.
func (c Client) defaults() Client {
	c.HTTP = cmp.Or(c.HTTP, http.DefaultClient)
	c.Stall = cmp.Or(c.Stall, 30*time.Second)
	c.Pause = cmp.Or(c.Pause, time.Second)
	c.Rounds = cmp.Or(c.Rounds, 4)
	c.Slow = cmp.Or(c.Slow, time.Minute)
	if c.Free == nil {
		c.Free = FreeSpace
	}
	return c
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

// Fetch makes sure that a good file is at f.Path: it downloads it unless it is there.
// Progress is called from Fetch as it goes on.
//
// A damaged file at f.Path is replaced once a good one is complete. Processes that
// fetch one file at once wait for the first.
//
// It is an error if no mirror gives a file of the size and sums of f, if the disk fails or
// has no room for it, or if ctx ends; what was received is then kept, for the next call to
// resume, unless its sums were wrong. An error because of wrong bytes has a [MismatchError] in it.
func (c *Client) Fetch(ctx context.Context, f File, progress func(Event)) (Status, error) {
	s, err := c.defaults().fetch(ctx, f, progress)
	return s, named(f, err)
}

func (c Client) fetch(ctx context.Context, f File, progress func(Event)) (Status, error) {
	if s, err := check(ctx, f, progress); err != nil || s.State == Verified {
		return s, err
	}
	p, err := openPart(ctx, f.Path, func() { progress(Event{Stage: Waiting}) })
	if err != nil {
		return Status{}, err
	}
	defer p.close()
	// The file may have come while this process waited for the lock; who brought it
	// has recorded that.
	s, err := look(f)
	switch {
	case err != nil:
		return s, err
	case s.State == Verified:
		err = p.reset()
	default:
		s, err = (&transfer{client: c, file: f, part: p, progress: progress}).run(ctx)
	}
	return s, err
}
