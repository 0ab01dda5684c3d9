package picture

import (
	"fmt"
	"image"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// ppmHeader finds width, height and maximum, each after white space and comments, and white space.
var ppmHeader = regexp.MustCompile(`^P6` + strings.Repeat(`(?:[ \t-\r]|#[^\n]*\n)+([0-9]+)`, 3) + `[ \t-\r]`)

// readPPM returns the size of a PPM file's picture and what follows the header.
func readPPM(r io.Reader) (width, height int, rest []byte, err error) {
	file, err := io.ReadAll(r)
	if err != nil {
		return 0, 0, nil, err
	}
	m := ppmHeader.FindSubmatch(file)
	if m == nil {
		return 0, 0, nil, fmt.Errorf("expected width, height and maximum, each between white space, found %q",
			file[:min(len(file), 32)])
	}
	if width, err = strconv.Atoi(string(m[1])); err == nil {
		height, err = strconv.Atoi(string(m[2]))
	}
	if err == nil && string(m[3]) != "255" {
		err = fmt.Errorf("maximum: expected 255, found %s", m[3][:min(len(m[3]), 32)])
	}
	return width, height, file[len(m[0]):], err
}

func ppmConfig(r io.Reader) (image.Config, error) {
	width, height, _, err := readPPM(r)
	return image.Config{Width: width, Height: height}, err
}

// ppmDecode reads a file of which the size has been checked.
func ppmDecode(r io.Reader) (image.Image, error) {
	width, height, rest, err := readPPM(r)
	if err != nil {
		return nil, err
	}
	if size := 3 * width * height; len(rest) < size {
		return nil, fmt.Errorf("pixels: truncated or damaged: expected %d bytes, found %d: %w",
			size, len(rest), io.ErrUnexpectedEOF)
	}
	rgba := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range width * height {
		copy(rgba.Pix[4*i:], rest[3*i:3*i+3])
		rgba.Pix[4*i+3] = 255
	}
	return rgba, nil
}
