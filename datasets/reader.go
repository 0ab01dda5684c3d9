package datasets

import (
	"context"
	"io"
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
