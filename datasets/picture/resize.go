package picture

import (
	"fmt"
	"image"

	"golang.org/x/image/draw"
)

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
