package datasets

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"

	"weightsep/datasets/archive"
	"weightsep/datasets/picture"
	"weightsep/datasets/prepared"
)

// media are the sound or picture files of an archive or directory.
type media struct {
	path   string
	limits archive.Limits

	// sample says what is known of a file by its name; false if it is no sample.
	sample func(name string) (prepared.Sample, bool, error)

	// list, if not nil, is given all other files.
	list func(archive.File) error

	// decode is called by several goroutines.
	decode decoder
}

// A decoder makes samples of a file, none if the encoding of the file is not read.
type decoder func(prepared.Sample, io.Reader) ([]finished, error)

// pictureDecoder returns a decoder of pictures, given what makes the bytes of a sample of
// one.
func pictureDecoder(pixels func(prepared.Sample, image.Image) ([]byte, error)) decoder {
	return func(s prepared.Sample, data io.Reader) ([]finished, error) {
		img, err := picture.Decode(data)
		if err != nil {
			return nil, err
		}
		v, err := pixels(s, img)
		return []finished{{s, v}}, err
	}
}

// add adds the samples of all files. It returns the number of files; those that are left
// out because of an encoding that is not read are not counted, but noted.
func (m media) add(r *recorder) (n int, err error) {
	type file struct {
		sample prepared.Sample
		data   []byte
	}
	limits := m.limits
	limits.Read = r.read
	feed := func(ctx context.Context, give func(file) error) error {
		return archive.Walk(ctx, m.path, limits, func(f archive.File) error {
			s, ok, err := m.sample(f.Name)
			if err != nil {
				return err
			}
			if !ok {
				if m.list != nil {
					return m.list(f)
				}
				return nil
			}
			data, err := io.ReadAll(f)
			if err != nil {
				return err
			}
			return give(file{s, data})
		})
	}
	decode := func(f file) ([]finished, error) {
		all, err := m.decode(f.sample, bytes.NewReader(f.data))
		if err != nil {
			err = fmt.Errorf("%s: %s: %w", m.path, f.sample.Name, err)
		}
		return all, err
	}
	left := 0
	err = ordered(r.ctx, feed, decode, func(all []finished) error {
		if len(all) == 0 {
			left++
		} else {
			n++
		}
		if err := r.add(all); err != nil {
			return fmt.Errorf("%s: %w", m.path, err)
		}
		return nil
	})
	if left > 0 {
		r.provenance.note(fmt.Sprintf("%d recordings left out: encoded in a way that is not read", left))
	}
	return n, err
}

// ordered passes what feed gives through work, some at the same time, and what it returns
// to take, in the order of feeding. It returns the first error of any of them, or that of
// ctx. Feed and take run on a goroutine each; no more than a few items are in memory at
// once.
func ordered[In, Out any](ctx context.Context, feed func(ctx context.Context, give func(In) error) error,
	work func(In) (Out, error), take func(Out) error) error {
	type result struct {
		out Out
		err error
	}
	queue := make(chan chan result, runtime.GOMAXPROCS(0))
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(queue)
		return feed(ctx, func(in In) error {
			done := make(chan result, 1)
			select {
			case queue <- done:
			case <-ctx.Done():
				return ctx.Err()
			}
			group.Go(func() error {
				out, err := work(in)
				done <- result{out, err}
				return nil
			})
			return nil
		})
	})
	group.Go(func() error {
		for done := range queue {
			r := <-done
			if r.err != nil {
				return r.err
			}
			if err := take(r.out); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	return group.Wait()
}
