package download

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// transfer is one file on its way into its part.
type transfer struct {
	client   Client
	file     File
	part     *part
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

// restart marks an error that bytes from elsewhere may have caused.
func restart(err error) error { return &failure{error: err, next: nextStart} }

// failureOf returns the failure in an error, which may be none.
func failureOf(err error) *failure {
	f := &failure{error: err}
	errors.As(err, &f)
	return f
}

// run goes through the mirrors, again and again, until the file is whole and right. One
// that brings the part much further than it has been is asked again at once.
func (t *transfer) run(ctx context.Context) (Status, error) {
	var mirrors []*mirror
	for _, u := range t.file.URLs {
		mirrors = append(mirrors, &mirror{url: u})
	}
	best := t.part.size // the longest that the part has been
	pause := t.client.Pause
	for round := 1; ; round++ {
		var asked time.Duration
		for i := 0; i < len(mirrors); i++ {
			m := mirrors[i]
			if m.gone {
				continue
			}
			s, err := t.try(ctx, m.url)
			f := failureOf(err)
			switch {
			case err == nil:
				return s, nil
			case f.next == nextStop:
				return s, f.error
			case ctx.Err() != nil:
				return s, ctx.Err()
			}
			m.err = err
			t.progress(Event{Stage: Failed, URL: m.url, Done: t.part.size, Size: t.file.Size, Err: err})
			asked = max(asked, min(f.wait, maxAsked))
			switch {
			case f.next == nextStart && m.restarts < maxRestarts:
				m.restarts++
				best, i = 0, i-1
				if err := t.part.reset(); err != nil {
					return s, err
				}
			case f.next == nextStart || f.next == nextNever:
				m.gone = true
			case t.part.size >= best+worthwhile:
				best, i = t.part.size, i-1
				round, pause = 0, t.client.Pause
				if err := sleep(ctx, pause); err != nil {
					return s, err
				}
			}
		}
		left := slices.ContainsFunc(mirrors, func(m *mirror) bool { return !m.gone })
		if round == t.client.Rounds || !left {
			break
		}
		if err := sleep(ctx, max(pause, asked)); err != nil {
			return Status{}, err
		}
		pause = min(2*pause, maxPause)
	}
	errs := []error{errors.New("no mirror gave the file")}
	for _, m := range mirrors {
		errs = append(errs, fmt.Errorf("%s: %w", m.url, m.err))
	}
	return Status{}, errors.Join(errs...)
}

// try gets what is missing from one mirror, checks the file and puts it in its place.
func (t *transfer) try(ctx context.Context, address string) (Status, error) {
	p := t.part
	if t.file.Size == 0 || p.size != t.file.Size {
		if err := t.receive(ctx, address); err != nil {
			return Status{}, err
		}
	}
	mended := p.mended
	s, err := t.file.examine(ctx, p.file, Status{}, t.progress)
	if err == nil && s.State == Verified {
		err = p.commit()
	} else if err == nil {
		err = p.reset()
	}
	switch {
	case err != nil:
		return s, stop(err)
	case s.State == Verified:
		return s, nil
	case mended: // bytes of two answers may be of two versions, those of one may not
		return s, restart(s.Why)
	}
	return s, never(s.Why)
}

// receive makes one request for what the part lacks and appends what comes. An attempt
// that brings nothing for too long is given up.
//
// It is plain net/http because github.com/cavaliergopher/grab appends the body of any
// answer to a range request, be it the whole file or from another offset, and has neither
// a watch for stalls nor a bound for bodies.
func (t *transfer) receive(ctx context.Context, address string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(t.client.Stall, func() { cancel(stalled(t.client.Stall)) })
	defer timer.Stop()
	p := t.part
	from := p.size
	resp, err := t.client.do(ctx, address, from)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	start, total, err := readAnswer(resp, from)
	if err != nil {
		return err
	}
	size := t.file.Size
	switch {
	case size == 0 && total > maxSize:
		return never(fmt.Errorf("size: expected at most %d bytes, found %d", int64(maxSize), total))
	case size == 0:
		size = total // -1 if not known
	case total >= 0 && total != size:
		return never(sizeMismatch(size, total))
	}
	if start == 0 && p.size > 0 {
		if err := p.reset(); err != nil {
			return err
		}
	}
	p.mended = p.size > 0
	if start > 0 && start == total {
		return nil
	}
	limit, what := size, "the size that is expected"
	if size < 0 {
		limit, what = maxSize, "the most of a file of unknown size"
	}
	dir := filepath.Dir(p.target)
	if free, ok := t.client.Free(dir); ok && free < limit-p.size {
		if size >= 0 {
			return stop(fmt.Errorf("%s has room for %d bytes, %d are missing", dir, free, size-p.size))
		}
		limit, what = p.size+free, "all that there is room for"
	}
	b := make([]byte, 1<<18)
	since, had := time.Now(), p.size // the start of a time that the rate is measured in
	for {
		timer.Reset(t.client.Stall)
		n, err := resp.Body.Read(b)
		if p.size+int64(n) > limit {
			err := fmt.Errorf("the body goes on after %d bytes, %s", limit, what)
			return cmp.Or(p.reset(), never(err))
		}
		if err := p.write(b[:n]); err != nil {
			return stop(err)
		}
		t.progress(Event{Stage: Receiving, URL: address, Done: p.size, Size: max(size, 0)})
		switch {
		case err == io.EOF && p.size < size:
			return fmt.Errorf("the body ended after %d of %d bytes", p.size, size)
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("after %d bytes: %w", p.size, cmp.Or(context.Cause(ctx), err))
		}
		if d := time.Since(since); d >= t.client.Slow {
			if float64(p.size-had) < minRate*d.Seconds() {
				return never(fmt.Errorf("slower than %d bytes a second for %v: %d bytes are kept, to go on "+
					"from there the next time", minRate, d.Round(time.Second), p.size))
			}
			since, had = time.Now(), p.size
		}
	}
}

// stalled is the error of an attempt that brought nothing.
func stalled(d time.Duration) error { return fmt.Errorf("no byte for %v", d) }

// do asks for the bytes of a file from an offset on, as they are: a server that
// compresses, or a client that unpacks, would make others of them. Its error leaves the
// address out, which the callers name, unless it is one that the server pointed to.
func (c Client) do(ctx context.Context, address string, from int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, never(err)
	}
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("User-Agent", "weightsep-fetch")
	if from > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	resp, err := c.HTTP.Do(req)
	if err == nil {
		return resp, nil
	}
	err = cmp.Or(context.Cause(ctx), err)
	if u := (*url.Error)(nil); errors.As(err, &u) && u.URL == address {
		err = u.Err
	}
	if d := (*net.DNSError)(nil); errors.As(err, &d) && d.IsNotFound {
		return nil, never(err)
	}
	return nil, err
}

// readAnswer reads the head of the response to a request for a file from an offset on.
// It returns the offset of the body, 0 if the server sends the whole file instead, and the
// size of the file, -1 if it does not tell. Where they are equal there is nothing to read.
func readAnswer(resp *http.Response, from int64) (start, total int64, err error) {
	ranges := resp.Header.Get("Content-Range")
	switch resp.StatusCode {
	case http.StatusOK:
		return 0, resp.ContentLength, nil
	case http.StatusPartialContent:
		start, total, err = parseRange(ranges)
		if err == nil && start != from {
			err = fmt.Errorf("Content-Range %q: expected to start at %d", ranges, from)
		}
		if err != nil {
			err = restart(err)
		} else if total < 0 && resp.ContentLength >= 0 {
			total = start + resp.ContentLength
		}
		return start, total, err
	case http.StatusRequestedRangeNotSatisfiable:
		if from > 0 && ranges == fmt.Sprintf("bytes */%d", from) {
			return from, from, nil
		}
		if from > 0 {
			return 0, 0, restart(fmt.Errorf("%s: Content-Range %q: no bytes from %d on",
				resp.Status, ranges, from))
		}
	}
	return 0, 0, badStatus(resp)
}

// badStatus tells what will pass from what will stay.
func badStatus(resp *http.Response) error {
	f := &failure{error: fmt.Errorf("HTTP status %s", resp.Status), next: nextNever}
	switch c := resp.StatusCode; {
	case c >= 500, c == http.StatusRequestTimeout, c == http.StatusTooManyRequests, c == http.StatusTooEarly:
		f.next = nextMirror
		// A date instead of seconds is rare and taken for no wish.
		if s, err := strconv.ParseUint(resp.Header.Get("Retry-After"), 10, 16); err == nil {
			f.wait = time.Duration(s) * time.Second
		}
	}
	return f
}

var contentRange = regexp.MustCompile(`^bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)$`)

// parseRange reads the header Content-Range of a partial answer, such as
// "bytes 100-199/1000". The total is -1 if it is "*".
func parseRange(s string) (start, total int64, err error) {
	if m := contentRange.FindStringSubmatch(s); m != nil {
		start, _ = strconv.ParseInt(m[1], 10, 64)
		last, _ := strconv.ParseInt(m[2], 10, 64)
		if total, err = strconv.ParseInt(m[3], 10, 64); err != nil {
			total = -1
		}
		if start <= last && (total < 0 || last < total) {
			return start, total, nil
		}
	}
	return 0, 0, fmt.Errorf("Content-Range %q: expected \"bytes FIRST-LAST/SIZE\"", s)
}

// sleep waits, or returns the error of ctx if that ends first.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
