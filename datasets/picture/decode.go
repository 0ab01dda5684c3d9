// Package picture turns image files into the grey pictures of fixed size that
// classifiers take: decode, crop, luma, resize, contrast.
package picture

import (
	"bufio"
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
)

// MaxSide is the most pixels that a decoded picture may be wide or high. It bounds what
// a small file can make Decode allocate.
const MaxSide = 4096

// maxHeader is how far into a file its size must be found. Before it JPEG files may hold
// colour profiles and previews, netpbm files comments.
const maxHeader = 1 << 20

// Decode reads a picture of at least 1 x 1 and at most MaxSide x MaxSide pixels in one
// of these formats, told apart by their first bytes:
//
//   - PPM and PGM in the binary form (P6 and P5), as *image.RGBA and *image.Gray.
//     Samples are scaled from the file's maximum, up to 65535, to 255 and rounded. The
//     pixels must end with the data of r.
//   - PNG and JPEG, in the types of image/png and image/jpeg. What follows the picture
//     is ignored, as cameras append all sorts of things.
//
// The size is checked before pixels are decoded.
func Decode(r io.Reader) (image.Image, error) {
	img, err := decode(r, MaxSide)
	if err != nil {
		return nil, fmt.Errorf("picture: %w", err)
	}
	return img, nil
}

// pngMagic and jpegMagic are how files of the formats start.
const (
	pngMagic  = "\x89PNG\r\n\x1a\n"
	jpegMagic = "\xff\xd8"
)

func decode(r io.Reader, maxSide int) (image.Image, error) {
	br := bufio.NewReader(r)
	head, err := br.Peek(len(pngMagic))
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case len(head) == 0:
		return nil, fmt.Errorf("expected PPM, PGM, PNG or JPEG, found no data: %w", io.ErrUnexpectedEOF)
	case bytes.HasPrefix(head, []byte(pngMagic)):
		return codec{"PNG", png.DecodeConfig, png.Decode}.run(br, maxSide)
	case bytes.HasPrefix(head, []byte(jpegMagic)):
		return codec{"JPEG", jpeg.DecodeConfig, jpeg.Decode}.run(br, maxSide)
	case bytes.HasPrefix(head, []byte("P5")):
		return codec{"PGM", netpbmConfig, netpbmDecode}.run(br, maxSide)
	case bytes.HasPrefix(head, []byte("P6")):
		return codec{"PPM", netpbmConfig, netpbmDecode}.run(br, maxSide)
	}
	return nil, fmt.Errorf("expected binary PPM or PGM (P6, P5), PNG or JPEG, found a file that "+
		"starts with %q", head)
}

// codec is what decodes a format.
type codec struct {
	name   string
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

// run reads the header from r, checks the size it tells, and then decodes all of r.
func (c codec) run(r io.Reader, maxSide int) (image.Image, error) {
	var seen bytes.Buffer
	cfg, err := c.config(io.TeeReader(io.LimitReader(r, maxHeader), &seen))
	if err != nil {
		if seen.Len() == maxHeader {
			return nil, fmt.Errorf("%s: expected the size in the first %d bytes: %w", c.name, maxHeader, err)
		}
		return nil, fmt.Errorf("%s: header: %w", c.name, noEOF(err))
	}
	if w, h := cfg.Width, cfg.Height; w < 1 || h < 1 || w > maxSide || h > maxSide {
		return nil, fmt.Errorf("%s: expected 1 to %d pixels wide and high, found %dx%d", c.name,
			maxSide, w, h)
	}
	img, err := c.decode(io.MultiReader(&seen, r))
	if err != nil {
		return nil, fmt.Errorf("%s of %dx%d: %w", c.name, cfg.Width, cfg.Height, noEOF(err))
	}
	return img, nil
}

// noEOF turns io.EOF, which would look like a regular end, into io.ErrUnexpectedEOF.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
