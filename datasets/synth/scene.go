package synth

import (
	"cmp"
	"image"
	"math"
	"math/rand/v2"
	"slices"
)

// Way is where a robot should go, for what stands in front of it.
type Way int

// The ways, in the order of their names.
const (
	Forward Way = iota // nothing stands in the way
	Left               // something stands in the right half
	Right              // something stands in the left half
	Stop               // something stands across both halves
)

// Scene is a room as a robot sees it for a while, driving on.
//
// The floor has coordinates: across is 0 straight ahead, and goes from -1 to 1 where the
// lower edge of the picture shows it; near is 1 there, and 0 at the horizon. What is at
// (across, near) is seen at across*near in the picture, in half widths from its middle.
type Scene struct {
	horizon float64 // share of the height above it
	sway    float64 // of the robot, in half widths of the picture
	speed   float64 // factor by which near grows from the first picture to the last
	boxes   []box   // the farthest first
	floor   floor
	wall    colour
	panels  ripple // on the wall
	light   ripple // across the picture
}

// box is a thing that stands on the floor.
type box struct {
	left, right float64 // across
	near        float64
	height      float64 // in heights of the picture, where near is 1
	paint       colour
	stripes     ripple
	dark        float64 // factor of the shadow in front
}

// floor is a pattern of tiles or boards.
type floor struct {
	paint, other colour
	long, wide   float64 // tiles in a unit of length and of width
	stain        box     // no box but a flat spot of another colour
}

// NewScene draws a scene in which a robot should go the given way. Far away and beside
// the way stands more, and the floor has a stain, none of which matters.
func NewScene(w Way, r *rand.Rand) Scene {
	s := Scene{
		horizon: between(r, 0.25, 0.45),
		sway:    between(r, 0, 0.08),
		speed:   between(r, 1, 1.35),
		wall:    newPaint(0.2, 0.9, r),
		panels:  newRipple(4, between(r, 0, 0.25), r),
		light:   newRipple(0.7, between(r, 0, 0.4), r),
	}
	s.floor = floor{paint: newPaint(0.2, 0.8, r), long: octaves(r, 0.5, 4), wide: octaves(r, 1, 6)}
	s.floor.other = s.floor.paint.mix(newPaint(0.2, 0.8, r), between(r, 0, 0.4))
	s.floor.stain = newBox(between(r, -1.2, 0), between(r, 0.2, 1.2), between(r, 0.3, 0.9), r)

	for range r.IntN(4) { // far
		left := between(r, -5, 4)
		s.boxes = append(s.boxes, newBox(left, left+octaves(r, 0.5, 3), between(r, 0.08, 0.2), r))
	}
	for range r.IntN(3) { // beside
		inner, width := between(r, 1.25, 2), octaves(r, 0.3, 1.5)
		near := between(r, 0.25, 0.7)
		if r.IntN(2) == 0 {
			s.boxes = append(s.boxes, newBox(inner, inner+width, near, r))
		} else {
			s.boxes = append(s.boxes, newBox(-inner-width, -inner, near, r))
		}
	}
	if left, right, ok := w.blocked(r); ok {
		s.boxes = append(s.boxes, newBox(left, right, between(r, 0.45, 0.7), r))
	}
	slices.SortStableFunc(s.boxes, func(a, b box) int { return cmp.Compare(a.near, b.near) })
	return s
}

// blocked draws from where to where something stands in the way, if it does.
func (w Way) blocked(r *rand.Rand) (left, right float64, ok bool) {
	inner, outer := between(r, -0.1, 0.15), between(r, 0.8, 1.5)
	switch w {
	case Left:
		return inner, outer, true
	case Right:
		return -outer, -inner, true
	case Stop:
		return -between(r, 0.5, 1.4), between(r, 0.5, 1.4), true
	}
	return 0, 0, false
}

// newPaint draws a colour, more grey than not.
func newPaint(dark, bright float64, r *rand.Rand) colour {
	grey := between(r, dark, bright)
	return colour{grey * about(r, 0.2), grey * about(r, 0.15), grey * about(r, 0.2)}
}

// newBox draws a box at a place.
func newBox(left, right, near float64, r *rand.Rand) box {
	b := box{left: left, right: right, near: near, paint: newPaint(0.1, 0.9, r)}
	b.height = between(r, 0.3, 0.9)
	b.stripes = newRipple(3, between(r, 0, 0.25), r)
	b.dark = between(r, 0.4, 0.9)
	return b
}

// Draw draws picture i of n, which are in the order of time, as large as dst is: meant
// are some 320 by 180 pixels. The robot drives on from picture to picture.
func (s Scene) Draw(dst *image.RGBA, i, n int, r *rand.Rand) {
	v := newView(dst, s, float64(i)/float64(max(n-1, 1)), r)
	for y := range v.h {
		if y < v.horizon {
			v.wall(y, s)
		} else {
			v.floor(y, s)
		}
	}
	for _, b := range s.boxes {
		v.box(b)
	}
	v.grain(between(r, 1, 9), r)
}

// view is a picture while it is drawn.
type view struct {
	img     *image.RGBA
	w, h    int
	horizon int       // row
	pan     float64   // by which the picture is moved to the right, in half widths
	grow    float64   // factor of near
	light   []float64 // factor of each column
}

func newView(img *image.RGBA, s Scene, time float64, r *rand.Rand) *view {
	v := &view{img: img, w: img.Rect.Dx(), h: img.Rect.Dy()}
	v.horizon = int(float64(v.h) * (s.horizon + between(r, -0.02, 0.02)))
	v.pan = between(r, -s.sway, s.sway)
	v.grow = math.Pow(s.speed, time)
	bright := about(r, 0.1)
	v.light = make([]float64, v.w)
	for x := range v.light {
		v.light[x] = bright * (1 + s.light.at(v.across(x), time))
	}
	return v
}

// across returns where a column is in half widths from the middle of an unmoved picture.
func (v *view) across(x int) float64 { return (2*float64(x)+1)/float64(v.w) - 1 - v.pan }

// column returns the column, maybe out of the picture, that across would return.
func (v *view) column(across float64) int {
	return int(math.Round((across + 1 + v.pan) / 2 * float64(v.w)))
}

// row returns the row, maybe out of the picture, that shows the floor.
func (v *view) row(near float64) int {
	return v.horizon + int(near*float64(v.h-v.horizon))
}

// line returns a part of a row's pixels, and the first column of it.
func (v *view) line(y, from, to int) ([]uint8, int) {
	from, to = max(from, 0), min(to, v.w)
	at := v.img.PixOffset(v.img.Rect.Min.X+from, v.img.Rect.Min.Y+y)
	return v.img.Pix[at : at+4*max(to-from, 0)], from
}

// set sets a pixel to a colour as bright as the factor tells.
func set(p []uint8, c *colour, bright float64) {
	bright *= 255
	p[0] = uint8(min(c[0]*bright, 255))
	p[1] = uint8(min(c[1]*bright, 255))
	p[2] = uint8(min(c[2]*bright, 255))
	p[3] = 255
}
