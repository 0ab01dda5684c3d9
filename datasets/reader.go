package datasets

import (
	"context"
	"fmt"
	"io"
	"slices"
)

// ctxReader is a reader that fails once its context has ended.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// tellingReader tells how many bytes were read.
type tellingReader struct {
	r    io.Reader
	read func(n int64)
}

func (t tellingReader) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.read(int64(n))
	return n, err
}

// firstRead bounds what is allocated on the word of a header alone.
const firstRead = 1 << 20

// readFull reads exactly n bytes. Memory grows with what is really there, so that a
// damaged size gives an error and not a huge allocation.
func readFull(r io.Reader, n int) ([]byte, error) {
	b := make([]byte, 0, min(n, firstRead))
	for len(b) < n {
		if len(b) == cap(b) {
			// Doubling, but never past n.
			b = slices.Grow(b, min(len(b), n-len(b)))
		}
		m, err := io.ReadFull(r, b[len(b):min(cap(b), n)])
		b = b[:len(b)+m]
		if err != nil {
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				return nil, fmt.Errorf("truncated: expected %d bytes, found %d: %w",
					n, len(b), io.ErrUnexpectedEOF)
			}
			return nil, fmt.Errorf("expected %d bytes, read %d: %w", n, len(b), err)
		}
	}
	return b, nil
}

// readEnd fails unless nothing is left to read.
func readEnd(r io.Reader) error {
	n, err := io.Copy(io.Discard, r)
	if err != nil {
		return fmt.Errorf("after the data: %w", err)
	}
	if n > 0 {
		return fmt.Errorf("expected the end, found %d bytes more", n)
	}
	return nil
}
