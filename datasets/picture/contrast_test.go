package picture

import (
	"bytes"
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func gray(w int, pix ...uint8) *image.Gray {
	return &image.Gray{Pix: pix, Stride: w, Rect: image.Rect(0, 0, w, len(pix)/w)}
}

func TestContrastByHand(t *testing.T) {
	for _, c := range []struct {
		name string
		from *image.Gray
		want []uint8
	}{
		// Mean 100, deviation 20: 127.5 -+ 63.75.
		{"two levels", gray(2, 80, 120, 120, 80), []uint8{64, 191, 191, 64}},
		// Mean 30, deviation 20 sqrt(3) = 34.64, gain 1.840: 90.7, and 237.9.
		{"one in four", gray(4, 10, 90, 10, 10), []uint8{91, 238, 91, 91}},
		// Mean 10, deviation 30, gain 2.125: 106.25, and 318.75, clipped.
		{"clipped above", gray(5, 0, 0, 0, 0, 100, 0, 0, 0, 0, 0),
			[]uint8{106, 106, 106, 106, 255, 106, 106, 106, 106, 106}},
		{"clipped below", gray(5, 200, 200, 200, 200, 100, 200, 200, 200, 200, 200),
			[]uint8{149, 149, 149, 149, 0, 149, 149, 149, 149, 149}},
		{"even", gray(3, 7, 7, 7), []uint8{128, 128, 128}},
		{"black", gray(1, 0), []uint8{128}},
		{"white", gray(2, 255, 255), []uint8{128, 128}},
		// Deviation 1 counts as 4: 127.5 -+ 15.94.
		{"little noise", gray(2, 50, 52), []uint8{112, 143}},
		// Deviation 4 exactly: 127.5 -+ 63.75.
		{"least that is scaled", gray(2, 50, 58), []uint8{64, 191}},
	} {
		got := Contrast(c.from)
		if got.Rect != c.from.Rect || !slices.Equal(got.Pix, c.want) {
			t.Errorf("%s: %v %v, want %v", c.name, got.Rect, got.Pix, c.want)
		}
	}
}

// Without clipping, mean and deviation are as promised up to rounding, and brightness
// and contrast of the original do not matter.
func TestContrastMoments(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		w, h := 5+rng.IntN(40), 5+rng.IntN(40)
		low, span := rng.IntN(150), 20+rng.IntN(80)
		g := image.NewGray(image.Rect(0, 0, w, h))
		for i := range g.Pix {
			g.Pix[i] = uint8(low + rng.IntN(span)) // flat: ends 1.73 deviations off
		}
		var sum, squares float64
		for _, v := range Contrast(g).Pix {
			sum += float64(v)
			squares += float64(v) * float64(v)
		}
		n := float64(w * h)
		mean := sum / n
		dev := math.Sqrt(squares/n - mean*mean)
		if math.Abs(mean-127.5) > 1 || math.Abs(dev-63.75) > 1 {
			t.Errorf("%dx%d, %d levels from %d: mean %.2f, deviation %.2f", w, h, span, low, mean, dev)
		}
	}
}

func TestContrastOfPart(t *testing.T) {
	g := pattern(20, 15)
	before := bytes.Clone(g.Pix)
	part := g.SubImage(image.Rect(3, 2, 17, 11)).(*image.Gray)
	got, want := Contrast(part), Contrast(Luma(part))
	if got.Rect != image.Rect(0, 0, 14, 9) || !slices.Equal(got.Pix, want.Pix) {
		t.Errorf("%v %v, want %v", got.Rect, got.Pix, want.Pix)
	}
	if !bytes.Equal(g.Pix, before) {
		t.Error("the original changed")
	}
}

func TestContrastEmpty(t *testing.T) {
	if got := Contrast(&image.Gray{}); !got.Rect.Empty() {
		t.Errorf("bounds %v", got.Rect)
	}
}

// BenchmarkPreprocess is all that is done to a traffic sign: decode, crop, luma, resize,
// normalise contrast.
func BenchmarkPreprocess(b *testing.B) {
	sign := sample(60, 64)
	var ppm bytes.Buffer
	ppm.WriteString("P6 60 64 255\n")
	for i := 0; i < len(sign.Pix); i += 4 {
		ppm.Write(sign.Pix[i : i+3])
	}
	for name, file := range map[string][]byte{
		"PPM": ppm.Bytes(), "PNG": pngFile(b, sign), "JPEG": jpegFile(b, sign),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				img, err := Decode(bytes.NewReader(file))
				if err != nil {
					b.Fatal(err)
				}
				if img, err = Crop(img, image.Rect(5, 5, 55, 59)); err != nil {
					b.Fatal(err)
				}
				Contrast(Resize(Luma(img), 32, 32))
			}
		})
	}
}
