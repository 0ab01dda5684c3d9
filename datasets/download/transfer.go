package download

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// transfer is one file on its way into its part.
type transfer struct {
	client   *Client
	file     File
	part     *part
	known    *record // of an earlier file at the same place; nil if there is none
	progress func(Event)
}

// mirror is one address and what came of it.
type mirror struct {
	url      string
	err      error // of the last attempt
	gone     bool  // not to be asked again
	restarts int   // attempts from the first byte after bytes were thrown away
}

const (
	// worthwhile is how many bytes an attempt must add for its mirror to be asked
	// again at once, and for the attempt not to count as one in vain.
	worthwhile = 1 << 20

	maxRestarts = 2
	maxPause    = 30 * time.Second
	maxAsked    = time.Minute // of what a server asks to wait
)

// A failure is the error of an attempt and what is to be done about it.
type failure struct {
	error
	next remedy
	wait time.Duration // as the server asked
}

type remedy int

const (
	nextMirror remedy = iota // this one may be asked again later
	nextStart                // at once, from the first byte
	nextNever                // this mirror will not do
	nextStop                 // no mirror can help
)

func (f *failure) Unwrap() error { return f.error }

// never marks an error that asking this mirror again would not mend.
func never(err error) error { return &failure{error: err, next: nextNever} }

// stop marks an error that is not the mirror's.
func stop(err error) error { return &failure{error: err, next: nextStop} }

// run goes through the mirrors, again and again, until the file is whole and right.
func (t *transfer) run(ctx context.Context) (Result, error) {
	var mirrors []*mirror
	for _, u := range t.file.URLs {
		if !slices.ContainsFunc(mirrors, func(m *mirror) bool { return m.url == u }) {
			mirrors = append(mirrors, &mirror{url: u})
		}
	}
	best := t.part.size
	pause := t.client.pause()
	for round := 1; ; round++ {
		var asked time.Duration
		for _, m := range mirrors {
			if m.gone {
				continue
			}
			gained, r, err := t.ask(ctx, m, &best)
			if err == nil {
				return r, nil
			}
			var f *failure
			if errors.As(err, &f) {
				if f.next == nextStop {
					return Result{}, f.error
				}
				asked = max(asked, min(f.wait, maxAsked))
			}
			if ctx.Err() != nil {
				return Result{}, ctx.Err()
			}
			if gained {
				round, pause = 0, t.client.pause()
			}
		}
		if round == t.client.rounds() || !slices.ContainsFunc(mirrors, func(m *mirror) bool { return !m.gone }) {
			return Result{}, failed(mirrors)
		}
		if err := sleep(ctx, max(pause, asked)); err != nil {
			return Result{}, err
		}
		pause = min(2*pause, maxPause)
	}
}

// ask tries one mirror, and again as long as that brings the part further than best,
// the longest it has been. It reports whether it did.
func (t *transfer) ask(ctx context.Context, m *mirror, best *int64) (gained bool, r Result, err error) {
	for {
		r, err = t.try(ctx, m)
		if err == nil || ctx.Err() != nil {
			return gained, r, err
		}
		f := &failure{next: nextMirror}
		errors.As(err, &f)
		if f.next == nextStop {
			return gained, r, err
		}
		m.err = err
		t.progress(Event{Stage: Failed, URL: m.url, Done: t.part.size, Size: t.file.Size, Err: err})
		switch {
		case f.next == nextStart && m.restarts < maxRestarts:
			m.restarts++
			if err := t.part.reset(); err != nil {
				return gained, r, stop(err)
			}
			*best = 0
		case f.next == nextStart || f.next == nextNever:
			m.gone = true
			return gained, r, err
		case f.next == nextMirror && t.part.size >= *best+worthwhile:
			*best = t.part.size
			gained = true
			if err := sleep(ctx, t.client.pause()); err != nil {
				return gained, r, err
			}
		default:
			return gained, r, err
		}
	}
}

// try gets what is missing from one mirror and, if the file is then complete, checks
// it and puts it in its place.
func (t *transfer) try(ctx context.Context, m *mirror) (Result, error) {
	if !t.complete() {
		if err := t.receive(ctx, m.url); err != nil {
			return Result{}, err
		}
	}
	p := t.part
	sums, err := sumOf(ctx, p.file, p.size, t.file.MD5 != "", t.progress)
	if err != nil {
		return Result{}, stop(err)
	}
	state, err := judge(t.file, p.size, sums, t.known)
	if state == Wrong && t.file.Accept {
		state = Accepted
	}
	if state == Wrong {
		// Bytes of two answers may be of two versions, those of one may not.
		f := &failure{error: err, next: nextNever}
		if p.mended {
			f.next = nextStart
		}
		if err := p.reset(); err != nil {
			return Result{}, stop(err)
		}
		return Result{}, f
	}
	info, err := p.commit()
	if err != nil {
		return Result{}, stop(err)
	}
	if err := writeRecord(t.file.Path, newRecord(info, sums, state == Accepted)); err != nil {
		return Result{}, stop(err)
	}
	return Result{State: state, Downloaded: true, URL: m.url, Size: p.size, Sums: sums}, nil
}

// complete reports whether the part has all bytes already, as after an interruption
// of the check.
func (t *transfer) complete() bool {
	size := t.size()
	if size <= 0 {
		size = t.part.origin.Total
	}
	return size > 0 && t.part.size == size
}

// size is the number of bytes that the file must have, 0 if any will do.
func (t *transfer) size() int64 {
	if t.file.Accept {
		return 0
	}
	return t.file.Size
}

// checked reports whether a wrong mixture of bytes would come out in the end.
func (t *transfer) checked() bool {
	return !t.file.Accept && (t.file.MD5 != "" || t.file.SHA256 != "" || t.known != nil)
}

// failed joins the last errors of all mirrors.
func failed(mirrors []*mirror) error {
	errs := []error{errors.New("no mirror gave the file")}
	for _, m := range mirrors {
		errs = append(errs, fmt.Errorf("%s: %w", m.url, m.err))
	}
	return errors.Join(errs...)
}

// sleep waits, or returns the error of ctx if that ends first.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
