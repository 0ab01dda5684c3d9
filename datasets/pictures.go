package datasets

import (
	"context"
	"fmt"
	"image"
	"io"
	"strings"

	"weightsep/datasets/archive"
	"weightsep/datasets/picture"
	"weightsep/datasets/prepared"
)

// pictures are the picture files of an archive or directory.
type pictures struct {
	path   string
	limits archive.Limits

	// sample says what is known of a file by its name, and which part of the picture
	// counts, the empty one for all; false if it is no sample.
	sample func(name string) (prepared.Sample, image.Rectangle, bool, error)

	// pixels makes a sample of a picture.
	pixels func(img image.Image, part image.Rectangle) ([]byte, error)
}

// add adds the samples of all pictures.
func (p pictures) add(ctx context.Context, r *recorder) error {
	type file struct {
		sample prepared.Sample
		part   image.Rectangle
		data   string
	}
	type result struct {
		sample prepared.Sample
		pixels []byte
	}
	limits := p.limits
	limits.Read = r.read
	feed := func(ctx context.Context, give func(file) error) error {
		return archive.Walk(ctx, p.path, limits, func(f archive.File) error {
			s, part, ok, err := p.sample(f.Name)
			if err != nil || !ok {
				return err
			}
			var b strings.Builder
			if _, err := io.Copy(&b, f); err != nil {
				return err
			}
			return give(file{s, part, b.String()})
		})
	}
	worker := func() func(file) (result, error) {
		return func(f file) (result, error) {
			img, err := picture.Decode(strings.NewReader(f.data))
			if err == nil {
				var v []byte
				if v, err = p.pixels(img, f.part); err == nil {
					return result{f.sample, v}, nil
				}
			}
			return result{}, fmt.Errorf("%s: %s: %w", p.path, f.sample.Name, err)
		}
	}
	return ordered(ctx, feed, worker, func(v result) error { return r.addBytes(v.sample, v.pixels) })
}
