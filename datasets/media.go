package datasets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"weightsep/datasets/archive"
	"weightsep/datasets/picture"
	"weightsep/datasets/prepared"
)

// media are the sound or picture files of an archive or directory.
type media struct {
	kind   string // "recordings" or "pictures"
	path   string
	limits archive.Limits

	// sample says what is known of a file by its name; false if it is no sample.
	sample func(name string) (prepared.Sample, bool, error)

	// list, if not nil, is given all other files.
	list func(archive.File) error

	// decode is called by several goroutines.
	decode decoder
}

// A decoder makes samples of a file.
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

// add adds the samples of all files and returns how many files they are of. Files that cannot be read are
// left out and noted, unless they are many.
func (m media) add(r *recorder) (n int, err error) {
	type file struct {
		name   string
		sample prepared.Sample
		data   []byte
		err    error
	}
	type result struct {
		file
		all []finished
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
			if before, twice := r.seen[s.Name]; twice {
				return fmt.Errorf("expected %s once, found it before as %s", s.Name, before)
			}
			r.seen[s.Name] = f.Name
			data, err := io.ReadAll(f)
			if errors.Is(err, fs.ErrNotExist) {
				return give(file{f.Name, s, nil, errors.New("a link to what is not there")})
			}
			if err != nil {
				return err
			}
			return give(file{f.Name, s, data, nil})
		})
	}
	decode := func(f file) (result, error) {
		var all []finished
		if f.err == nil {
			all, f.err = m.decode(f.sample, bytes.NewReader(f.data))
		}
		f.data = nil
		return result{f, all}, nil
	}
	left := &leftOut{good: map[int32]int{}, bad: map[int32]int{}}
	err = ordered(r.ctx, feed, decode, func(f result) error {
		if left.add(f.name, f.sample.Label, f.err); f.err != nil {
			return nil
		}
		n++
		if err := r.add(f.all); err != nil {
			return fmt.Errorf("%s: %w", m.path, err)
		}
		return nil
	})
	switch bad := len(left.files); {
	case err != nil || bad == 0:
		return n, err
	case left.many(n):
		return n, fmt.Errorf("%s: %d of %d %s cannot be read, too many to leave out: %v", m.path, bad, n+bad,
			m.kind, left)
	default:
		r.provenance.note(fmt.Sprintf("%d %s left out: %v", bad, m.kind, left))
	}
	return n, nil
}

// leftOut are the files that could not be read.
type leftOut struct {
	files     []string      // and why
	good, bad map[int32]int // files by label
}

// add counts a file, which could not be read if there is an error.
func (l *leftOut) add(name string, label int32, err error) {
	if err == nil {
		l.good[label]++
		return
	}
	l.bad[label]++
	l.files = append(l.files, fmt.Sprintf("%s (%v)", name, err))
}

// many reports whether the dataset, of which n files could be read, is another one without those left out:
// more than a few and more than one in twenty, or all of a class.
func (l *leftOut) many(n int) bool {
	const few, share = 3, 20
	for label, bad := range l.bad {
		if bad > 1 && l.good[label] == 0 {
			return true
		}
	}
	return n == 0 || len(l.files) > few && share*len(l.files) > n+len(l.files)
}

// String has the first of the files in the order of their names.
func (l *leftOut) String() string {
	const first = 5
	files := slices.Sorted(slices.Values(l.files))
	if len(files) > first {
		files = append(files[:first], "...")
	}
	return strings.Join(files, ", ")
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
