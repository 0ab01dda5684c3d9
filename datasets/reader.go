package datasets

import (
	"context"
	"os"
)

// input is a file that is read until its context ends, and that tells how many bytes were read.
type input struct {
	*os.File
	ctx  context.Context
	read func(n int64)
}

func (i input) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := i.File.Read(p)
	i.read(int64(n))
	return n, err
}

// open opens a file of a dataset.
func (r *recorder) open(ctx context.Context, path string) (input, error) {
	f, err := os.Open(path)
	return input{f, ctx, r.read}, err
}
