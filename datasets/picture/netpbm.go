package picture

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"io"
	"strings"

	"github.com/spakin/netpbm"
)

// netpbmConfig reads the header of a PGM or PPM file.
func netpbmConfig(r io.Reader) (image.Config, error) {
	// At the end of its input within a comment, the library goes on forever. The line
	// feed ends the comment, and so the header.
	return netpbm.DecodeConfig(io.MultiReader(r, strings.NewReader("\n")))
}

// netpbmDecode reads a PGM or PPM file of which netpbmConfig has read the header.
func netpbmDecode(r io.Reader) (image.Image, error) {
	// Given a buffered reader, the library leaves what follows the pixels in it.
	br := bufio.NewReader(r)
	img, err := netpbm.Decode(br, nil)
	if err != nil {
		return nil, fmt.Errorf("pixels: truncated or damaged: %w", err)
	}
	if _, err := br.ReadByte(); err == nil {
		return nil, errors.New("expected the end after the pixels, found more data")
	} else if err != io.EOF {
		return nil, fmt.Errorf("after the pixels: %w", err)
	}
	return standard(img)
}

// standard converts an image of the library's own types, one for each maximum of the
// samples, to a type of package image.
func standard(img netpbm.Image) (image.Image, error) {
	var samples []uint8
	wide := false
	switch img := img.(type) {
	case *netpbm.GrayM:
		samples = img.Pix
	case *netpbm.RGBM:
		samples = img.Pix
	case *netpbm.GrayM32:
		samples, wide = img.Pix, true
	case *netpbm.RGBM64:
		samples, wide = img.Pix, true
	default:
		return nil, fmt.Errorf("expected a PGM or PPM image, found %T", img)
	}
	samples, err := to255(samples, wide, uint32(img.MaxValue()))
	if err != nil {
		return nil, err
	}
	r := img.Bounds()
	if img.Format() == netpbm.PGM {
		return &image.Gray{Pix: samples, Stride: r.Dx(), Rect: r}, nil
	}
	rgba := image.NewRGBA(r)
	for i, j := 0, 0; i < len(samples); i, j = i+3, j+4 {
		rgba.Pix[j], rgba.Pix[j+1], rgba.Pix[j+2] = samples[i], samples[i+1], samples[i+2]
		rgba.Pix[j+3] = 255
	}
	return rgba, nil
}

// to255 scales samples of one byte each, or of two if wide, from maximum to 255.
func to255(samples []uint8, wide bool, maximum uint32) ([]uint8, error) {
	if maximum == 255 {
		return samples, nil
	}
	n := len(samples)
	if wide {
		n /= 2
	}
	scaled := make([]uint8, n)
	for i := range scaled {
		var v uint32
		if wide {
			v = uint32(samples[2*i])<<8 | uint32(samples[2*i+1])
		} else {
			v = uint32(samples[i])
		}
		if v > maximum {
			return nil, fmt.Errorf("sample %d: expected at most the maximum %d, found %d", i, maximum, v)
		}
		scaled[i] = uint8((v*255 + maximum/2) / maximum)
	}
	return scaled, nil
}
