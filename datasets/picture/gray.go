package picture

import (
	"fmt"
	"image"
	"math"

	"golang.org/x/image/draw"
)

// Crop returns the part of img within r, which must lie within img and not be empty.
// The part keeps its coordinates and shares its pixels with img, which is one of Decode's.
func Crop(img image.Image, r image.Rectangle) (image.Image, error) {
	if r.Empty() || !r.In(img.Bounds()) {
		return nil, fmt.Errorf("picture: crop: expected a rectangle within %v, found %v", img.Bounds(), r)
	}
	part := img.(interface {
		SubImage(image.Rectangle) image.Image
	})
	return part.SubImage(r), nil
}

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
		dst := g.Pix[y*g.Stride:][:b.Dx()]
		switch img := img.(type) {
		case *image.Gray:
			copy(dst, img.Pix[img.PixOffset(b.Min.X, b.Min.Y+y):])
		case *image.YCbCr:
			copy(dst, img.Y[img.YOffset(b.Min.X, b.Min.Y+y):])
		case image.RGBA64Image: // all others of package image
			for x := range dst {
				c := img.RGBA64At(b.Min.X+x, b.Min.Y+y)
				dst[x] = luma(uint32(c.R), uint32(c.G), uint32(c.B))
			}
		default:
			for x := range dst {
				r, g, b, _ := img.At(b.Min.X+x, b.Min.Y+y).RGBA()
				dst[x] = luma(r, g, b)
			}
		}
	}
	return g
}

// luma is the luma of values of 16 bits, in 8 bits.
func luma(r, g, b uint32) uint8 {
	const full = 1000 * 257
	return uint8((299*r + 587*g + 114*b + full/2) / full)
}

// Resize returns g scaled to w x h pixels, its corner at (0, 0) and no space between
// rows.
//
// Pixels are interpolated linearly in each direction. When shrinking, the triangle of
// weights widens with the factor, so that every pixel counts and fine patterns do not
// alias. Beyond the border there is nothing: the weights within add up to 1. A size that
// stays gives the pixels unchanged.
//
// Resize panics if g is empty, or w or h is not positive.
func Resize(g *image.Gray, w, h int) *image.Gray {
	if g.Bounds().Empty() || w < 1 || h < 1 {
		panic(fmt.Sprintf("picture: resize of %v to %dx%d", g.Bounds(), w, h))
	}
	// Scaling to 8 bits would cut off fractions, a bias of half a grey level.
	wide := image.NewGray16(image.Rect(0, 0, w, h))
	draw.BiLinear.Scale(wide, wide.Rect, g, g.Rect, draw.Src, nil)
	out := image.NewGray(wide.Rect)
	for i := range out.Pix {
		v := uint32(wide.Pix[2*i])<<8 | uint32(wide.Pix[2*i+1])
		out.Pix[i] = uint8((v + 128) / 257)
	}
	return out
}

// Constants of Contrast, in grey levels of 0 to 255.
const (
	contrastMean = 255 * 0.5
	contrastDev  = 255 * 0.25
	contrastMin  = 4 // the least standard deviation that is scaled up to contrastDev
)

// Contrast returns g with its brightness and contrast normalised: the mean of the
// pixels goes to 0.5 and their standard deviation to 0.25 of full scale; values beyond
// 0 and 1 are clipped, about 5 in 100 with the traffic signs.
//
// A picture with a deviation below 4 grey levels of 255 is scaled as if it had that
// much, so that the noise of an almost even surface does not become a picture. An even
// picture becomes 0.5 all over.
//
// All of this is our choice: the finished arrays of the original came without the code
// that made them. On the traffic signs, split by track, classifiers do better with it
// than without; with histogram equalisation instead, a small convolutional network does
// as well and nearest neighbours do worse.
func Contrast(g *image.Gray) *image.Gray {
	out := Luma(g)
	var count [256]int // pixels of each level
	sum := 0
	for _, v := range out.Pix {
		count[v]++
		sum += int(v)
	}
	n := float64(len(out.Pix))
	mean := float64(sum) / n
	variance := 0.0
	for v, c := range count {
		d := float64(v) - mean
		variance += float64(c) * d * d / n
	}
	gain := contrastDev / max(math.Sqrt(variance), contrastMin)
	var table [256]uint8
	for v := range table {
		// The conversion keeps multiplication and addition apart on every machine.
		z := contrastMean + float64(gain*(float64(v)-mean))
		table[v] = uint8(math.Round(min(max(z, 0), 255)))
	}
	for i, v := range out.Pix {
		out.Pix[i] = table[v]
	}
	return out
}
