package picture

import (
	"fmt"
	"image"
	"image/color"
)

// Crop returns the part of img within r, which must lie within img and not be empty.
// The part keeps its coordinates and shares its pixels with img.
func Crop(img image.Image, r image.Rectangle) (image.Image, error) {
	if r.Empty() || !r.In(img.Bounds()) {
		return nil, fmt.Errorf("picture: crop: expected a rectangle within %v, found %v", img.Bounds(), r)
	}
	if s, ok := img.(interface {
		SubImage(image.Rectangle) image.Image
	}); ok {
		return s.SubImage(r), nil
	}
	return window{img, r}, nil
}

// window is a part of an image that cannot give parts of itself.
type window struct {
	image.Image
	r image.Rectangle
}

func (w window) Bounds() image.Rectangle { return w.r }

// Luma returns the brightness of each pixel of img, by Rec. 601 and rounded:
//
//	0.299 R + 0.587 G + 0.114 B
//
// of the red, green and blue values as they are, gamma and all. Of images that store
// this luma beside colour differences, JPEG pictures that is, it is the luma as stored.
// Transparent pixels lie on black. Samples of 16 bits are scaled to 8.
//
// The result has its corner at (0, 0) and no space between rows: Pix has the values in
// order, row by row.
func Luma(img image.Image) *image.Gray {
	b := img.Bounds()
	g := image.NewGray(image.Rect(0, 0, b.Dx(), b.Dy()))
	for y := range b.Dy() {
		lumaRow(g.Pix[y*g.Stride:][:b.Dx()], img, b.Min.X, b.Min.Y+y)
	}
	return g
}

// lumaRow computes the luma of len(dst) pixels from (x, y) to the right.
func lumaRow(dst []uint8, img image.Image, x, y int) {
	switch img := img.(type) {
	case *image.Gray:
		copy(dst, img.Pix[img.PixOffset(x, y):])
	case *image.YCbCr:
		copy(dst, img.Y[img.YOffset(x, y):])
	case *image.RGBA:
		pix := img.Pix[img.PixOffset(x, y):]
		for i := range dst {
			p := pix[4*i:][:3]
			dst[i] = luma8(p[0], p[1], p[2])
		}
	case *image.NRGBA:
		pix := img.Pix[img.PixOffset(x, y):]
		for i := range dst {
			p := pix[4*i:][:4]
			if p[3] == 255 {
				dst[i] = luma8(p[0], p[1], p[2])
			} else {
				dst[i] = luma(color.NRGBA{R: p[0], G: p[1], B: p[2], A: p[3]})
			}
		}
	default:
		for i := range dst {
			dst[i] = luma(img.At(x+i, y))
		}
	}
}

// luma8 is the luma of 8-bit values.
func luma8(r, g, b uint8) uint8 {
	return uint8((299*uint32(r) + 587*uint32(g) + 114*uint32(b) + 500) / 1000)
}

// luma is the luma of any colour, on black.
func luma(c color.Color) uint8 {
	r, g, b, _ := c.RGBA()
	const full = 1000 * 257 // of the 16-bit values, to 8 bits
	return uint8((299*r + 587*g + 114*b + full/2) / full)
}
