package download

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Size returns the size of a file, that of f or, if it has none, what the first
// mirror says that says anything, without downloading it. It is a guess for planning:
// Fetch does not rely on it.
//
// It is an error if no mirror tells the size, or if ctx ends.
func (c *Client) Size(ctx context.Context, f File) (int64, error) {
	if f.Size > 0 {
		return f.Size, nil
	}
	errs := []error{fmt.Errorf("%s: no mirror tells the size", f.Path)}
	for _, u := range f.URLs {
		n, err := c.head(ctx, u)
		if err == nil {
			return n, nil
		}
		if ctx.Err() != nil {
			return 0, fmt.Errorf("%s: %w", f.Path, ctx.Err())
		}
		errs = append(errs, fmt.Errorf("%s: %w", u, err))
	}
	return 0, errors.Join(errs...)
}

// head asks one address for the size of what it has.
func (c *Client) head(ctx context.Context, address string) (int64, error) {
	ctx, dog := watch(ctx, c.stall())
	defer dog.stop()
	req, err := newRequest(ctx, http.MethodHead, address)
	if err != nil {
		return 0, err
	}
	resp, err := c.do(req, dog)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body) // nothing; the connection can then be used again
	if resp.StatusCode != http.StatusOK {
		return 0, badStatus(resp)
	}
	if resp.ContentLength < 0 {
		return 0, errors.New("no Content-Length")
	}
	return resp.ContentLength, nil
}
