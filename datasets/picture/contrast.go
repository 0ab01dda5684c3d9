package picture

import (
	"image"
	"math"
)

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
	b := g.Bounds()
	out := image.NewGray(image.Rect(0, 0, b.Dx(), b.Dy()))
	var count [256]int
	for y := range b.Dy() {
		row := out.Pix[y*out.Stride:][:b.Dx()]
		copy(row, g.Pix[g.PixOffset(b.Min.X, b.Min.Y+y):])
		for _, v := range row {
			count[v]++
		}
	}
	table := contrastTable(&count, len(out.Pix))
	for i, v := range out.Pix {
		out.Pix[i] = table[v]
	}
	return out
}

// contrastTable maps grey levels to normalised ones, given how many of n pixels have
// each level.
func contrastTable(count *[256]int, n int) *[256]uint8 {
	sum := 0
	for v, c := range count {
		sum += c * v
	}
	mean := float64(sum) / float64(n)
	variance := 0.0
	for v, c := range count {
		d := float64(v) - mean
		variance += float64(c) * d * d / float64(n)
	}
	gain := contrastDev / max(math.Sqrt(variance), contrastMin)
	var table [256]uint8
	for v := range table {
		// The conversion keeps multiplication and addition apart on every machine.
		z := contrastMean + float64(gain*(float64(v)-mean))
		table[v] = uint8(math.Round(min(max(z, 0), 255)))
	}
	return &table
}
