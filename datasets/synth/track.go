package synth

import (
	"image"
	"math"
	"math/rand/v2"
)

// Track is one sign at the side of a road, as a car that comes near sees it.
type Track struct {
	plate Plate
	// The side of the pictures in pixels grows from one to the other, each 20 to 60.
	from, to float64

	sines, cosines [2]float64 // of the turn in the picture, at the beginning and the end
	squeeze        float64    // of the width: the sign is seen from the side
	light          colour     // factor of each channel
	contrast       float64
	haze           float64 // brightness of what contrast leaves out
	behind         [2]colour
	pattern        [3]ripple
	shadow         ripple // on the sign
	blur           int    // passes, at the end
}

// ripple is a sine across a picture.
type ripple struct{ x, y, phase, strength float64 }

// newRipple draws a ripple with up to the given periods in the half width of a picture.
func newRipple(periods, strength float64, r *rand.Rand) ripple {
	return ripple{between(r, -periods, periods), between(r, -periods, periods), phase(r), strength}
}

func (w ripple) at(x, y float64) float64 {
	return w.strength * sine.at(w.x*x+w.y*y+w.phase)
}

// Track draws one sign of the kind.
func (p Plate) Track(r *rand.Rand) Track {
	t := Track{plate: p, from: octaves(r, 20, 34)}
	t.to = between(r, t.from, 60)
	for k := range 2 {
		t.sines[k], t.cosines[k] = math.Sincos(between(r, -0.2, 0.2))
	}
	t.squeeze = between(r, 0.85, 1)
	bright := octaves(r, 0.25, 1.1)
	for k := range t.light {
		t.light[k] = bright * about(r, 0.12)
	}
	t.contrast = between(r, 0.3, 1)
	t.haze = between(r, 0, 0.6)
	for i := range t.behind {
		for k := range t.behind[i] {
			t.behind[i][k] = between(r, 0.1, 0.8)
		}
	}
	for i := range t.pattern {
		t.pattern[i] = newRipple(1+2*float64(i), 0.25, r)
	}
	t.shadow = newRipple(0.6, between(r, 0, 0.45), r)
	t.blur = r.IntN(4)
	return t
}

// Draw draws picture i of n, which are in the order of growing size, as the car comes
// near. It returns the picture, a square, and the rectangle in it that bounds the sign.
func (t Track) Draw(i, n int, r *rand.Rand) (*image.RGBA, image.Rectangle) {
	near := float64(i) / float64(max(n-1, 1))
	side := int(math.Round(t.from + near*(t.to-t.from)))
	border := 2 + side/12
	roi := image.Rect(border, border, side-border, side-border)

	// A pixel's colour is that of its middle as the sign sees it.
	half := float64(side)/2 - float64(border)
	middle := float64(side) / 2
	mx, my := middle+between(r, -0.12, 0.12)*half, middle+between(r, -0.12, 0.12)*half
	sin, cos := t.sines[0]+near*(t.sines[1]-t.sines[0]), t.cosines[0]+near*(t.cosines[1]-t.cosines[0])
	light := t.light
	bright := about(r, 0.15)
	for k := range light {
		light[k] *= bright
	}
	v := make([]colour, side*side)
	for y := range side {
		for x := range side {
			dx, dy := (float64(x)+0.5-mx)/half, (float64(y)+0.5-my)/half
			px, py := (cos*dx+sin*dy)/t.squeeze, cos*dy-sin*dx
			c := t.colour(px, py, half)
			for k := range c {
				c[k] = light[k] * (t.haze + t.contrast*(c[k]-t.haze))
			}
			v[y*side+x] = c
		}
	}
	// Far signs are small, hence blurred less in pixels.
	for range int(float64(t.blur)*(0.5+near/2) + 0.5) {
		blur(v, side)
	}
	return develop(v, side, between(r, 0.005, 0.06), r), roi
}

// colour returns the colour at a place that the sign sees, on a sign whose half width
// is so many pixels.
func (t Track) colour(x, y, half float64) colour {
	p := &t.plate
	inside := p.at(x, y) * half // in pixels
	var ground colour
	if inside < 0.5 {
		w := t.pattern[0].at(x, y) + t.pattern[1].at(x, y) + t.pattern[2].at(x, y)
		ground = t.behind[0].mix(t.behind[1], min(max(0.5+w, 0), 1))
		if inside <= -0.5 {
			return ground
		}
	}
	c := p.paint[0]
	if field := inside - p.rim*half; field > -0.5 {
		c = c.mix(p.paint[1], min(field+0.5, 1))
		c = c.mix(p.paint[2], p.symbol.at(x, y-p.drop))
	}
	dark := 1 - max(t.shadow.at(x, y), 0)
	for k := range c {
		c[k] *= dark
	}
	if inside < 0.5 {
		c = ground.mix(c, inside+0.5)
	}
	return c
}

// blur replaces each colour of a square by a mean with its neighbours, first along the
// rows, then down the columns.
func blur(v []colour, side int) {
	for _, step := range [2][2]int{{1, side}, {side, 1}} {
		along, across := step[0], step[1]
		for line := range side {
			at := line * across
			last := v[at]
			for range side - 1 {
				here, next := v[at], v[at+along]
				for k := range here {
					v[at][k] = (last[k] + 2*here[k] + next[k]) / 4
				}
				last = here
				at += along
			}
			v[at] = last.mix(v[at], 0.75)
		}
	}
}

// develop turns colours into a picture, with a sensor's noise.
func develop(v []colour, side int, noise float64, r *rand.Rand) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, side, side))
	for i, c := range v {
		grain := noise * r.NormFloat64()
		for k, x := range c {
			img.Pix[4*i+k] = level(x + grain)
		}
		img.Pix[4*i+3] = 255
	}
	return img
}

// level returns the byte for a brightness from 0 to 1.
func level(x float64) uint8 { return uint8(255*min(max(x, 0), 1) + 0.5) }
