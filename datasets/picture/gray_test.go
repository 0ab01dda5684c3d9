package picture

import (
	"image"
	"image/color"
	"slices"
	"strings"
	"testing"
)

func TestLuma(t *testing.T) {
	// 0.299 R + 0.587 G + 0.114 B by hand.
	for _, c := range []struct {
		name string
		r    [3]uint8
		want uint8
	}{
		{"black", [3]uint8{0, 0, 0}, 0},
		{"white", [3]uint8{255, 255, 255}, 255},
		{"red", [3]uint8{255, 0, 0}, 76},     // 76.245
		{"green", [3]uint8{0, 255, 0}, 150},  // 149.685
		{"blue", [3]uint8{0, 0, 255}, 29},    // 29.07
		{"mixed", [3]uint8{200, 10, 20}, 68}, // 59.8 + 5.87 + 2.28 = 67.95
		{"grey", [3]uint8{77, 77, 77}, 77},
		{"half", [3]uint8{0, 0, 250}, 29}, // 28.5 exactly
	} {
		opaque := color.NRGBA{c.r[0], c.r[1], c.r[2], 255}
		for _, img := range []interface {
			image.Image
			Set(x, y int, c color.Color)
		}{
			image.NewNRGBA(image.Rect(0, 0, 1, 1)),
			image.NewRGBA(image.Rect(0, 0, 1, 1)),
			image.NewRGBA64(image.Rect(0, 0, 1, 1)),
			image.NewNRGBA64(image.Rect(0, 0, 1, 1)),
		} {
			img.Set(0, 0, opaque)
			if got := Luma(img).Pix; !slices.Equal(got, []uint8{c.want}) {
				t.Errorf("%s as %T: %v, want %d", c.name, img, got, c.want)
			}
		}
	}
}

func TestLumaOfOthers(t *testing.T) {
	wide := image.NewGray16(image.Rect(0, 0, 3, 1))
	wide.SetGray16(0, 0, color.Gray16{128})   // 0.498
	wide.SetGray16(1, 0, color.Gray16{129})   // 0.502
	wide.SetGray16(2, 0, color.Gray16{65535}) // 255
	clear := image.NewNRGBA(image.Rect(0, 0, 2, 1))
	clear.SetNRGBA(0, 0, color.NRGBA{200, 10, 20, 0})
	clear.SetNRGBA(1, 0, color.NRGBA{255, 255, 255, 51}) // a fifth
	ycc := image.NewYCbCr(image.Rect(0, 0, 2, 2), image.YCbCrSubsampleRatio420)
	copy(ycc.Y, []uint8{1, 2, 3, 250})
	ycc.Cb[0], ycc.Cr[0] = 200, 30
	for _, c := range []struct {
		img  image.Image
		want []uint8
	}{
		{wide, []uint8{0, 1, 255}},
		{clear, []uint8{0, 51}},
		{window{wide, wide.Rect}, []uint8{0, 1, 255}},
		{ycc, []uint8{1, 2, 3, 250}},
	} {
		if got := Luma(c.img).Pix; !slices.Equal(got, c.want) {
			t.Errorf("%T: %v, want %v", c.img, got, c.want)
		}
	}
}

func TestCrop(t *testing.T) {
	//  0  1  2  3
	// 10 11 12 13
	// 20 21 22 23
	img := image.NewGray(image.Rect(0, 0, 4, 3))
	for i := range img.Pix {
		img.Pix[i] = uint8(i/4*10 + i%4)
	}
	rgba := image.NewRGBA(img.Rect)
	ycc := image.NewYCbCr(img.Rect, image.YCbCrSubsampleRatio420)
	copy(ycc.Y, img.Pix)
	for i, v := range img.Pix {
		rgba.SetRGBA(i%4, i/4, color.RGBA{v, v, v, 255})
	}
	for _, img := range []image.Image{img, rgba, ycc} {
		part, err := Crop(img, image.Rect(1, 1, 4, 3))
		if err != nil {
			t.Fatal(err)
		}
		if got := part.Bounds(); got != image.Rect(1, 1, 4, 3) {
			t.Errorf("%T: bounds %v", img, got)
		}
		g := Luma(part)
		if want := []uint8{11, 12, 13, 21, 22, 23}; !slices.Equal(g.Pix, want) ||
			g.Rect != image.Rect(0, 0, 3, 2) {
			t.Errorf("%T: %v %v, want %v", img, g.Rect, g.Pix, want)
		}
		// Coordinates stay, so that a part of a part is told in those of the whole.
		part, err = Crop(part, image.Rect(2, 2, 3, 3))
		if err != nil {
			t.Fatal(err)
		}
		if got := Luma(part).Pix; !slices.Equal(got, []uint8{22}) {
			t.Errorf("%T: %v, want 22", img, got)
		}
	}
}

// window is an image that tells nothing but its pixels.
type window struct {
	image.Image
	r image.Rectangle
}

func (w window) Bounds() image.Rectangle { return w.r }

func TestCropErrors(t *testing.T) {
	img := image.NewGray(image.Rect(0, 0, 4, 3))
	for _, r := range []image.Rectangle{
		{}, image.Rect(1, 1, 1, 3), {Min: image.Pt(3, 0), Max: image.Pt(1, 2)},
		image.Rect(0, 0, 5, 3), image.Rect(0, 0, 4, 4), image.Rect(-1, 0, 2, 2), image.Rect(0, -1, 2, 2),
		image.Rect(10, 10, 12, 12),
	} {
		if _, err := Crop(img, r); err == nil ||
			!strings.Contains(err.Error(), "expected a rectangle within (0,0)-(4,3), found ") {
			t.Errorf("%v: error %v", r, err)
		}
	}
}
