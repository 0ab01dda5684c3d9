package download

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
)

// receive makes one request for what the part lacks and appends what comes.
//
// It is plain net/http because github.com/cavaliergopher/grab appends the body of any
// answer to a range request, be it the whole file or from another offset, sends no
// If-Range, and has neither a watch for stalls nor a bound for bodies.
func (t *transfer) receive(ctx context.Context, address string) error {
	ctx, dog := watch(ctx, t.client.stall())
	defer dog.stop()
	req, err := newRequest(ctx, http.MethodGet, address)
	if err != nil {
		return never(err)
	}
	from := t.resume(req)
	resp, err := t.client.do(req, dog)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	a, err := readAnswer(resp, from)
	if err != nil {
		return err
	}
	if err := t.fits(a); err != nil {
		return err
	}
	if a.nothing {
		return nil
	}
	if a.from == 0 && t.part.size > 0 {
		if err := t.part.reset(); err != nil {
			return stop(err)
		}
	}
	a.origin.URL = address
	if err := t.part.begin(a.origin); err != nil {
		return stop(err)
	}
	limit := a.origin.Total
	if limit < 0 && t.size() > 0 {
		limit = t.size()
	}
	return t.append(resp.Body, dog, address, limit)
}

// newRequest asks for the bytes as they are: a server that compresses, or a client
// that unpacks, would make others of them.
func newRequest(ctx context.Context, method, address string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("User-Agent", "weightsep-fetch")
	return req, nil
}

// do sends a request. Its error leaves the address out, which the callers name, unless
// it is one that the server pointed to.
func (c *Client) do(req *http.Request, dog *watchdog) (*http.Response, error) {
	address := req.URL.String()
	resp, err := c.http().Do(req)
	if err == nil {
		return resp, nil
	}
	err = dog.explain(err)
	if u := (*url.Error)(nil); errors.As(err, &u) && u.URL == address {
		err = u.Err
	}
	if d := (*net.DNSError)(nil); errors.As(err, &d) && d.IsNotFound {
		return nil, never(err)
	}
	return nil, err
}

// resume asks for the bytes that the part lacks, if they can be told to fit, and
// returns how many it has. They fit if the server says that the file is still the one
// that the first bytes are from. Where it cannot say, a checksum must decide later.
func (t *transfer) resume(req *http.Request) int64 {
	p := t.part
	if p.size == 0 {
		return 0
	}
	v := p.origin.validator()
	if p.origin.URL != req.URL.String() {
		v = "" // mirrors do not share validators
	}
	if v == "" && !t.checked() {
		return 0
	}
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-", p.size))
	if v != "" {
		req.Header.Set("If-Range", v)
	}
	return p.size
}

// fits refuses an answer whose file has another size than it must, before any byte of
// it is taken.
func (t *transfer) fits(a answer) error {
	total, had := a.origin.Total, t.part.origin.Total
	switch {
	case total < 0:
		return nil
	case t.size() > 0 && total != t.size():
		return never(sizeMismatch(t.size(), total))
	case a.from > 0 && had >= 0 && total != had:
		return &failure{
			error: fmt.Errorf("the file changed: it had %d bytes, now %d", had, total),
			next:  nextStart,
		}
	}
	return nil
}

// append reads a body to its end. Limit is the size of the whole file, -1 if not
// known.
func (t *transfer) append(body io.Reader, dog *watchdog, address string, limit int64) error {
	p := t.part
	b := make([]byte, 1<<18)
	for {
		t.progress(Event{Stage: Receiving, URL: address, Done: p.size, Size: max(limit, 0)})
		dog.wake()
		n, err := body.Read(b)
		dog.sleep() // the disk may take its time
		if limit >= 0 && p.size+int64(n) > limit {
			if err := p.reset(); err != nil {
				return stop(err)
			}
			return never(fmt.Errorf("the body goes on after the expected %d bytes", limit))
		}
		if n > 0 {
			if err := p.write(b[:n]); err != nil {
				return stop(err)
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			t.progress(Event{Stage: Receiving, URL: address, Done: p.size, Size: max(limit, 0)})
			if limit >= 0 && p.size < limit {
				return fmt.Errorf("the body ended after %d of %d bytes", p.size, limit)
			}
			return nil
		case err != nil && limit >= 0:
			return fmt.Errorf("after %d of %d bytes: %w", p.size, limit, dog.explain(err))
		case err != nil:
			return fmt.Errorf("after %d bytes: %w", p.size, dog.explain(err))
		}
	}
}
