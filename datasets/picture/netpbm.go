package picture

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"io"
)

// netpbmHeader is the start of a PGM or PPM file.
type netpbmHeader struct {
	channels               int
	width, height, maximum int
}

// readNetpbmHeader reads up to the white space that ends the header.
func readNetpbmHeader(r *bufio.Reader) (h netpbmHeader, err error) {
	magic := make([]byte, 2)
	if _, err := io.ReadFull(r, magic); err != nil {
		return h, err
	}
	if h.channels = 1; magic[1] == '6' {
		h.channels = 3
	}
	for _, n := range []*int{&h.width, &h.height, &h.maximum} {
		if *n, err = readNumber(r); err != nil {
			return h, err
		}
	}
	if h.maximum < 1 || h.maximum > 65535 {
		return h, fmt.Errorf("maximum: expected 1 to 65535, found %d", h.maximum)
	}
	return h, nil
}

// readNumber reads white space and comments, and the number after them.
func readNumber(r *bufio.Reader) (n int, err error) {
	b, err := r.ReadByte()
	if err == nil && b != '#' && !isSpace(b) {
		return 0, fmt.Errorf("expected white space, found %q", b)
	}
	for comment := false; err == nil && (comment || b == '#' || isSpace(b)); b, err = r.ReadByte() {
		comment = (comment || b == '#') && b != '\n'
	}
	if err == nil && (b < '0' || b > '9') {
		return 0, fmt.Errorf("expected a number, found %q", b)
	}
	for ; err == nil && b >= '0' && b <= '9'; b, err = r.ReadByte() {
		if n = 10*n + int(b-'0'); n > 1<<40 {
			return 0, fmt.Errorf("a number above %d", 1<<40)
		}
	}
	if err == nil {
		err = r.UnreadByte()
	}
	if err == io.EOF && n > 0 {
		err = nil // what is missing is said later
	}
	return n, err
}

func isSpace(b byte) bool { return b == ' ' || b >= '\t' && b <= '\r' }

// netpbmConfig reads the header of a PGM or PPM file.
func netpbmConfig(r io.Reader) (image.Config, error) {
	h, err := readNetpbmHeader(bufio.NewReader(r))
	return image.Config{Width: h.width, Height: h.height}, err
}

// netpbmDecode reads a PGM or PPM file of which netpbmConfig has read the header.
func netpbmDecode(r io.Reader) (image.Image, error) {
	br := bufio.NewReader(r)
	h, err := readNetpbmHeader(br)
	if err != nil {
		return nil, err
	}
	width := 1 // bytes of a sample
	if h.maximum > 255 {
		width = 2
	}
	n := h.width * h.height * h.channels
	raw := make([]byte, 1+n*width)
	if _, err := io.ReadFull(br, raw); err != nil {
		return nil, fmt.Errorf("pixels: truncated or damaged: %w", noEOF(err))
	}
	if !isSpace(raw[0]) {
		return nil, fmt.Errorf("expected white space before the pixels, found %q", raw[0])
	}
	if _, err := br.ReadByte(); err == nil {
		return nil, errors.New("expected the end after the pixels, found more data")
	} else if err != io.EOF {
		return nil, fmt.Errorf("after the pixels: %w", err)
	}
	samples, err := to255(raw[1:], width, h.maximum)
	if err != nil {
		return nil, err
	}
	rect := image.Rect(0, 0, h.width, h.height)
	if h.channels == 1 {
		return &image.Gray{Pix: samples, Stride: h.width, Rect: rect}, nil
	}
	rgba := image.NewRGBA(rect)
	for i := range h.width * h.height {
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
