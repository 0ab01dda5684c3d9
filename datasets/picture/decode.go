// Package picture turns image files into the grey pictures of fixed size that
// classifiers take: decode, crop, luma, resize, contrast.
package picture

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
)

// MaxPixels is the most pixels that a decoded picture may have, those of phones included.
// It bounds what a small file can make Decode allocate.
const MaxPixels = 1 << 26

// Decode reads a picture of 1 to MaxPixels pixels in one of these formats, told apart by
// their first bytes:
//
//   - PPM in the binary form (P6) with the maximum 255, as *image.RGBA.
//   - PNG and JPEG, in the types of image/png and image/jpeg. One whose EXIF orientation
//     says so is turned, and then of the type that Luma gives.
//
// What follows the picture is ignored, as cameras append all sorts of things. The size is
// checked before pixels are decoded. All of r is read.
func Decode(r io.Reader) (img image.Image, err error) {
	file, err := io.ReadAll(r)
	if err == nil {
		img, err = decode(file, MaxPixels)
	}
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

var codecs = []struct {
	name, magic string
	config      func(io.Reader) (image.Config, error)
	decode      func(io.Reader) (image.Image, error)
	exif        func(file []byte) []byte // the EXIF data in a file, if any
}{
	{"PNG", pngMagic, png.DecodeConfig, png.Decode, pngEXIF},
	{"JPEG", jpegMagic, jpeg.DecodeConfig, jpeg.Decode, jpegEXIF},
	{"PPM", "P6", ppmConfig, ppmDecode, noEXIF},
}

func decode(file []byte, maxPixels int) (image.Image, error) {
	if len(file) == 0 {
		return nil, fmt.Errorf("expected PPM, PNG or JPEG, found no data: %w", io.ErrUnexpectedEOF)
	}
	for _, c := range codecs {
		if !bytes.HasPrefix(file, []byte(c.magic)) {
			continue
		}
		cfg, err := c.config(bytes.NewReader(file))
		if err != nil {
			return nil, fmt.Errorf("%s: header: %w", c.name, noEOF(err))
		}
		w, h := cfg.Width, cfg.Height
		if min(w, h) < 1 || w > maxPixels/h {
			return nil, fmt.Errorf("%s: expected 1 to %d pixels in all, found %dx%d", c.name,
				maxPixels, w, h)
		}
		img, err := c.decode(bytes.NewReader(file))
		if err != nil {
			return nil, fmt.Errorf("%s of %dx%d: %w", c.name, w, h, noEOF(err))
		}
		return turn(img, orientation(c.exif(file))), nil
	}
	return nil, fmt.Errorf("expected binary PPM (P6), PNG or JPEG, found a file that "+
		"starts with %q", file[:min(len(file), len(pngMagic))])
}

// noEOF turns io.EOF, which would look like a regular end, into io.ErrUnexpectedEOF.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
