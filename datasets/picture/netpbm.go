package picture

import (
	"fmt"
	"image"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// netpbmHeader finds width, height and maximum, each after white space and comments.
var netpbmHeader = regexp.MustCompile(`^P[56]` + strings.Repeat(`(?:[ \t-\r]|#[^\n]*\n)+([0-9]+)`, 3))

// netpbm is a PGM or PPM file.
type netpbm struct {
	channels, width, height, maximum int
	rest                             []byte // what follows the header
}

func readNetpbm(r io.Reader) (p netpbm, err error) {
	file, err := io.ReadAll(r)
	if err != nil {
		return p, err
	}
	m := netpbmHeader.FindSubmatch(file)
	if m == nil {
		return p, fmt.Errorf("expected width, height and maximum, each after white space, found %q",
			file[:min(len(file), 32)])
	}
	for i, n := range []*int{&p.width, &p.height, &p.maximum} {
		if *n, err = strconv.Atoi(string(m[1+i])); err != nil {
			return p, err
		}
	}
	if p.maximum < 1 || p.maximum > 65535 {
		return p, fmt.Errorf("maximum: expected 1 to 65535, found %d", p.maximum)
	}
	if p.channels = 1; file[1] == '6' {
		p.channels = 3
	}
	p.rest = file[len(m[0]):]
	return p, nil
}

func netpbmConfig(r io.Reader) (image.Config, error) {
	p, err := readNetpbm(r)
	return image.Config{Width: p.width, Height: p.height}, err
}

// netpbmDecode reads a file of which the size has been checked.
func netpbmDecode(r io.Reader) (image.Image, error) {
	p, err := readNetpbm(r)
	if err != nil {
		return nil, err
	}
	width := 1 // bytes of a sample
	if p.maximum > 255 {
		width = 2
	}
	size := 1 + p.width*p.height*p.channels*width
	switch {
	case len(p.rest) < size:
		return nil, fmt.Errorf("pixels: truncated or damaged: expected %d bytes, found %d: %w",
			size, len(p.rest), io.ErrUnexpectedEOF)
	case !strings.ContainsRune(" \t\n\v\f\r", rune(p.rest[0])):
		return nil, fmt.Errorf("expected white space before the pixels, found %q", p.rest[0])
	}
	samples, err := to255(p.rest[1:size], width, p.maximum)
	if err != nil {
		return nil, err
	}
	rect := image.Rect(0, 0, p.width, p.height)
	if p.channels == 1 {
		return &image.Gray{Pix: samples, Stride: p.width, Rect: rect}, nil
	}
	rgba := image.NewRGBA(rect)
	for i := range p.width * p.height {
		copy(rgba.Pix[4*i:], samples[3*i:3*i+3])
		rgba.Pix[4*i+3] = 255
	}
	return rgba, nil
}

// to255 scales samples of so many bytes each, big-endian, from maximum to 255. The result
// takes the place of the samples.
func to255(raw []byte, width, maximum int) ([]byte, error) {
	samples := raw[:len(raw)/width]
	for i := range samples {
		v := int(raw[width*i])
		if width == 2 {
			v = v<<8 | int(raw[2*i+1])
		}
		if v > maximum {
			return nil, fmt.Errorf("sample %d: expected at most the maximum %d, found %d", i, maximum, v)
		}
		samples[i] = uint8((v*255 + maximum/2) / maximum)
	}
	return samples, nil
}
