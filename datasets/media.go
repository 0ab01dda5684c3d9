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

// media are the sound or picture files of an archive or directory.
type media struct {
	path   string
	limits archive.Limits

	// sample says what is known of a file by its name; false if it is no sample.
	sample func(name string) (prepared.Sample, bool, error)

	// list, if not nil, is given all other files.
	list func(archive.File) error

	// newDecoder is called once for each goroutine that decodes.
	newDecoder func() decoder
}

// A decoder makes samples of a file, none if the encoding of the file is not read.
type decoder func(prepared.Sample, io.Reader) ([]finished, error)

// pictureDecoder returns a maker of decoders of pictures, given what makes the bytes of a
// sample of one.
func pictureDecoder(pixels func(prepared.Sample, image.Image) ([]byte, error)) func() decoder {
	return func() decoder {
		return func(s prepared.Sample, data io.Reader) ([]finished, error) {
			img, err := picture.Decode(data)
			if err != nil {
				return nil, err
			}
			v, err := pixels(s, img)
			return []finished{{s, v}}, err
		}
	}
}

// add adds the samples of all files. It returns how many files there were and how many
// of them were left out because of an encoding that is not read.
func (m media) add(r *recorder) (n, left int, err error) {
	type file struct {
		sample prepared.Sample
		data   string
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
			var b strings.Builder
			if _, err := io.Copy(&b, f); err != nil {
				return err
			}
			return give(file{s, b.String()})
		})
	}
	worker := func() func(file) ([]finished, error) {
		decode := m.newDecoder()
		return func(f file) ([]finished, error) {
			all, err := decode(f.sample, strings.NewReader(f.data))
			if err != nil {
				err = fmt.Errorf("%s: %s: %w", m.path, f.sample.Name, err)
			}
			return all, err
		}
	}
	err = ordered(r.ctx, feed, worker, func(all []finished) error {
		n++
		if len(all) == 0 {
			left++
		}
		if err := r.add(all); err != nil {
			return fmt.Errorf("%s: %w", m.path, err)
		}
		return nil
	})
	return n, left, err
}
