package picture

import (
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// pattern is a picture without symmetry: (37 x + 91 y + x y y) mod 256.
func pattern(w, h int) *image.Gray {
	g := image.NewGray(image.Rect(0, 0, w, h))
	for i := range g.Pix {
		x, y := i%w, i/w
		g.Pix[i] = uint8(37*x + 91*y + x*y*y)
	}
	return g
}

func TestResizeByHand(t *testing.T) {
	for _, c := range []struct {
		name string
		from *image.Gray
		w, h int
		want []uint8
	}{
		// Halving four pixels: the centre of the first is at 0.5 of the old ones, the
		// triangle reaches 2 to each side: weights 3/4, 3/4, 1/4 of pixels 0, 1, 2.
		{name: "halved", from: &image.Gray{Pix: []uint8{0, 70, 140, 210}, Stride: 4,
			Rect: image.Rect(0, 0, 4, 1)},
			w: 2, h: 1, want: []uint8{50, 160}}, // (52.5 + 35) / 1.75 and 210 less that
		// Doubling: at -0.25, 0.25, 0.75, 1.25 of the old pixels.
		{name: "doubled", from: &image.Gray{Pix: []uint8{0, 100}, Stride: 2, Rect: image.Rect(0, 0, 2, 1)},
			w: 4, h: 1, want: []uint8{0, 25, 75, 100}},
		{name: "upright", from: &image.Gray{Pix: []uint8{0, 100}, Stride: 1, Rect: image.Rect(0, 0, 1, 2)},
			w: 1, h: 4, want: []uint8{0, 25, 75, 100}},
		{name: "to one pixel", from: &image.Gray{Pix: []uint8{1, 2, 3, 5}, Stride: 2,
			Rect: image.Rect(0, 0, 2, 2)},
			w: 1, h: 1, want: []uint8{3}}, // 2.75
		{name: "even", from: &image.Gray{Pix: slices.Repeat([]uint8{201}, 30), Stride: 6,
			Rect: image.Rect(0, 0, 6, 5)},
			w: 4, h: 7, want: slices.Repeat([]uint8{201}, 28)},
	} {
		got := Resize(c.from, c.w, c.h)
		if got.Rect != image.Rect(0, 0, c.w, c.h) || !slices.Equal(got.Pix, c.want) {
			t.Errorf("%s: %v %v, want %v", c.name, got.Rect, got.Pix, c.want)
		}
	}
}

func TestResizeSame(t *testing.T) {
	g := pattern(32, 32)
	for i := range 256 {
		g.Pix[i] = uint8(i) // every level once at least
	}
	before := slices.Clone(g.Pix)
	got := Resize(g, 32, 32)
	if !slices.Equal(got.Pix, before) || !slices.Equal(g.Pix, before) {
		t.Error("a picture of 32x32 resized to 32x32 changed")
	}
	if got.Pix[0] = 99; g.Pix[0] == 99 {
		t.Error("the result shares its pixels with the original")
	}
}

// A part of a picture gives the same as its copy: pixels around it do not count.
func TestResizePart(t *testing.T) {
	g := pattern(20, 15)
	part := g.SubImage(image.Rect(3, 2, 17, 11)).(*image.Gray)
	if got, want := Resize(part, 5, 4), Resize(Luma(part), 5, 4); !slices.Equal(got.Pix, want.Pix) {
		t.Errorf("%v, want %v", got.Pix, want.Pix)
	}
}

// slowResize computes each pixel straight from the definition, in one step for both
// directions.
func slowResize(g *image.Gray, w, h int) []float64 {
	weights := func(i, n, old int) []float64 {
		scale := float64(old) / float64(n)
		centre := (float64(i)+0.5)*scale - 0.5
		width := max(scale, 1)
		ws, sum := make([]float64, old), 0.0
		for j := range ws {
			ws[j] = max(0, 1-math.Abs(float64(j)-centre)/width)
			sum += ws[j]
		}
		for j := range ws {
			ws[j] /= sum
		}
		return ws
	}
	out := make([]float64, 0, w*h)
	for y := range h {
		wy := weights(y, h, g.Rect.Dy())
		for x := range w {
			wx := weights(x, w, g.Rect.Dx())
			v := 0.0
			for sy, a := range wy {
				for sx, b := range wx {
					v += a * b * float64(g.Pix[sy*g.Stride+sx])
				}
			}
			out = append(out, v)
		}
	}
	return out
}

func TestResizeSlow(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		g := pattern(1+rng.IntN(40), 1+rng.IntN(40))
		w, h := 1+rng.IntN(40), 1+rng.IntN(40)
		got := Resize(g, w, h)
		for i, want := range slowResize(g, w, h) {
			// Half a level for rounding, and a little for that of the 16 bits between.
			if d := math.Abs(float64(got.Pix[i]) - want); d > 0.505 {
				t.Fatalf("%v to %dx%d: pixel %d is %d, want %.3f", g.Rect, w, h, i, got.Pix[i], want)
			}
		}
	}
}

// Pillow uses the same weights but rounds after each direction.
//
//	x, y = np.meshgrid(np.arange(7), np.arange(5))
//	a = ((37*x + 91*y + x*y*y) % 256).astype(np.uint8)
//	np.asarray(Image.fromarray(a).resize((w, h), Image.BILINEAR)).ravel().tolist()
func TestResizePillow(t *testing.T) {
	for _, c := range []struct {
		w, h int
		want []uint8
	}{
		{3, 2, []uint8{100, 135, 134, 114, 114, 141}},
		{4, 9, []uint8{
			19, 77, 145, 203, 50, 108, 160, 154, 101, 160, 184, 71, 147, 122, 144, 98, 191, 62,
			87, 151, 108, 90, 148, 142, 52, 117, 182, 136, 104, 136, 106, 140, 136, 147, 60, 142,
		}},
		{11, 8, []uint8{
			0, 17, 40, 64, 87, 111, 135, 158, 182, 205, 222,
			40, 57, 80, 105, 128, 152, 176, 169, 122, 135, 152,
			97, 114, 136, 151, 171, 195, 219, 179, 50, 53, 70,
			154, 172, 181, 95, 72, 98, 123, 127, 101, 120, 138,
			130, 150, 161, 76, 55, 82, 109, 136, 163, 146, 130,
			27, 48, 76, 94, 120, 148, 177, 207, 236, 133, 45,
			68, 91, 123, 155, 134, 74, 106, 138, 169, 140, 112,
			108, 132, 166, 200, 140, 11, 45, 78, 112, 146, 170,
		}},
	} {
		got := Resize(pattern(7, 5), c.w, c.h).Pix
		for i, v := range got {
			if d := int(v) - int(c.want[i]); d < -1 || d > 1 {
				t.Errorf("to %dx%d: pixel %d is %d, want %d", c.w, c.h, i, v, c.want[i])
			}
		}
	}
}

func TestResizePanics(t *testing.T) {
	for _, c := range []struct {
		g    *image.Gray
		w, h int
	}{
		{pattern(2, 2), 0, 1}, {pattern(2, 2), 1, -1}, {&image.Gray{}, 1, 1},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%v to %dx%d: no panic", c.g.Rect, c.w, c.h)
				}
			}()
			Resize(c.g, c.w, c.h)
		}()
	}
}
