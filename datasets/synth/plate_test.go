package synth

import (
	"image"
	"math"
	"slices"
	"testing"
)

func TestTrack(t *testing.T) {
	const frames = 8
	for i := range uint64(40) {
		r := seeded(1, i)
		track := NewPlate(r).Track(r)
		last := 0
		for k := range frames {
			img, roi := track.Draw(k, frames, r)
			w, h := img.Rect.Dx(), img.Rect.Dy()
			if img.Rect.Min != (image.Point{}) || w != h || w < 20 || w > 60 {
				t.Fatalf("picture %v", img.Rect)
			}
			if w < last {
				t.Errorf("picture %d is smaller than the one before: %d after %d", k, w, last)
			}
			last = w
			if roi.Min.X < 2 || roi.Max.X > w-2 || roi.Min.Y < 2 || roi.Max.Y > h-2 || 2*roi.Dx() < w {
				t.Errorf("the sign is at %v of %v", roi, img.Rect)
			}
			for at := 3; at < len(img.Pix); at += 4 {
				if img.Pix[at] != 255 {
					t.Fatal("a pixel can be seen through")
				}
			}
		}
		if img, _ := track.Draw(0, 1, r); img.Rect.Dx() != int(math.Round(track.from)) {
			t.Errorf("the only picture is %d wide, want %.1f", img.Rect.Dx(), track.from)
		}
	}
}

// Every shape fits into the square from -1 to 1 and fills most of its width and height.
func TestOutlines(t *testing.T) {
	seen := map[string]bool{}
	for i := range uint64(40) {
		p := NewPlate(seeded(1, i))
		left, right, up, down := 9.0, -9.0, 9.0, -9.0
		for y := -1.5; y <= 1.5; y += 0.02 {
			for x := -1.5; x <= 1.5; x += 0.02 {
				if p.at(x, y) >= 0 {
					left, right, up, down = min(left, x), max(right, x), min(up, y), max(down, y)
				}
			}
		}
		for _, far := range []float64{-left, right, -up, down} {
			if far < 0.8 || far > 1.05 {
				t.Fatalf("sides %v: from %.2f to %.2f, and from %.2f to %.2f", p.sides, left, right, up, down)
			}
		}
		if p.at(0, 0) < 0.25 {
			t.Errorf("sides %v: the middle is not inside", p.sides)
		}
		seen[string(rune('0'+len(p.sides)))] = true
	}
	if len(seen) != 4 { // discs, triangles, squares, octagons
		t.Errorf("numbers of sides: %v", seen)
	}
}

func TestSymbolsAreSeen(t *testing.T) {
	for i := range uint64(100) {
		p := NewPlate(seeded(1, i))
		var covered, inside, hidden float64
		for y := -1.0; y <= 1; y += 0.02 {
			for x := -1.0; x <= 1; x += 0.02 {
				c := p.symbol.at(x, y-p.drop)
				if c < 0 || c > 1 {
					t.Fatalf("cover %v", c)
				}
				if p.at(x, y) > p.rim {
					covered += c
					inside++
				} else {
					hidden += c
				}
			}
		}
		if share := covered / inside; share < 0.03 || share > 0.7 {
			t.Errorf("plate %d: the symbol covers a share of %.2f", i, share)
		}
		if hidden > covered/3 {
			t.Errorf("plate %d: a share of %.2f of the symbol would be on the rim or beside", i, hidden/(covered+hidden))
		}
	}
}

func TestBlurKeepsBrightness(t *testing.T) {
	const side = 9
	v := make([]colour, side*side)
	v[4*side+4] = colour{1, 2, 3}
	blur(v, side)
	var sum colour
	for _, c := range v {
		for k := range c {
			sum[k] += c[k]
		}
	}
	if sum != (colour{1, 2, 3}) {
		t.Errorf("the sum is %v", sum)
	}
	if got := v[4*side+4][0]; got != 0.25 {
		t.Errorf("%v is left in the middle, want a quarter", got)
	}
	even := slices.Repeat([]colour{{0.5, 0.5, 0.5}}, side*side)
	blur(even, side)
	for i, c := range even {
		if math.Abs(c[0]-0.5) > 1e-12 {
			t.Fatalf("an even picture is changed at %d: %v", i, c)
		}
	}
}

func TestPlatesCanBeToldApart(t *testing.T) {
	const classes = 43
	got := nearestMean(classes, 12, 6, func(class, i int) []float64 {
		r := seeded(2, uint64(100*class+i))
		img, roi := NewPlate(seeded(1, uint64(class))).Track(r).Draw(i%6, 6, r)
		return grey(img, roi, 8)
	})
	checkAccuracy(t, got, classes)
}

// grey returns the brightness in n by n parts of a rectangle of a picture, scaled to
// mean 0 and standard deviation 1.
func grey(img *image.RGBA, roi image.Rectangle, n int) []float64 {
	out := make([]float64, n*n)
	var mean float64
	for y := range n {
		for x := range n {
			part := image.Rect(x*roi.Dx()/n, y*roi.Dy()/n, (x+1)*roi.Dx()/n, (y+1)*roi.Dy()/n).Add(roi.Min)
			for py := part.Min.Y; py < part.Max.Y; py++ {
				for px := part.Min.X; px < part.Max.X; px++ {
					c := img.RGBAAt(px, py)
					out[y*n+x] += (float64(c.R) + float64(c.G) + float64(c.B)) / float64(part.Dx()*part.Dy())
				}
			}
			mean += out[y*n+x] / float64(n*n)
		}
	}
	for i := range out {
		out[i] -= mean
	}
	scale := 1 / (rms(out) + 1)
	for i := range out {
		out[i] *= scale
	}
	return out
}
