package synth

import (
	"math"
	"math/rand/v2"
)

// colour is red, green and blue, from 0 to 1.
type colour [3]float64

// mix returns the colour at a share of the way to another.
func (c colour) mix(to colour, share float64) colour {
	for k := range c {
		c[k] += share * (to[k] - c[k])
	}
	return c
}

// paints are the colours of a plate's rim, of its field and of the symbol on it.
var paints = [][3]colour{
	{{0.75, 0.1, 0.12}, {0.92, 0.92, 0.9}, {0.08, 0.08, 0.1}},
	{{0.75, 0.1, 0.12}, {0.92, 0.92, 0.9}, {0.08, 0.08, 0.1}}, // the usual ones
	{{0.9, 0.9, 0.92}, {0.1, 0.25, 0.65}, {0.92, 0.92, 0.95}},
	{{0.92, 0.92, 0.9}, {0.93, 0.75, 0.1}, {0.1, 0.1, 0.1}},
	{{0.85, 0.85, 0.85}, {0.72, 0.12, 0.12}, {0.95, 0.95, 0.95}},
}

// outlines are the directions, in turns from the right by the top, to which the sides of
// a plate face; nil is a disc.
var outlines = [][]float64{
	nil,
	nil,
	{1. / 12, 5. / 12, 3. / 4},       // a triangle that points up
	{-1. / 12, 1. / 4, 7. / 12},      // and one that points down
	{0, 1. / 4, 1. / 2, 3. / 4},      // a square
	{1. / 8, 3. / 8, 5. / 8, 7. / 8}, // on its tip
	{0, .125, .25, .375, .5, .625, .75, .875}, // an octagon
}

// Plate is a kind of traffic sign: a shape with a rim and a symbol of strokes.
type Plate struct {
	sides  [][2]float64 // directions that they face; none for a disc
	reach  float64      // distance of the sides from the middle; the half width is 1
	drop   float64      // of the middle, so that the shape fits into the square
	rim    float64      // width
	paint  [3]colour
	symbol *symbol
}

// NewPlate draws a kind of sign. Many share the shape and the colours, and none the
// symbol.
func NewPlate(r *rand.Rand) Plate {
	p := Plate{reach: 0.95, rim: between(r, 0.1, 0.2), paint: paints[r.IntN(len(paints))]}
	turns := outlines[r.IntN(len(outlines))]
	for _, t := range turns {
		y, x := math.Sincos(2 * math.Pi * t)
		p.sides = append(p.sides, [2]float64{x, -y})
	}
	size := 0.6 // of the symbol
	switch len(turns) {
	case 3:
		p.reach, size = 0.58, 0.42
		p.drop = 0.29
		if turns[0] < 0 {
			p.drop = -0.29
		}
	case 4:
		if turns[0] > 0 {
			p.reach, size = 0.7, 0.5
		}
	}
	p.symbol = newSymbol(size, r)
	return p
}

// at returns how far inside the edge of the plate a place is.
func (p Plate) at(x, y float64) float64 {
	if p.sides == nil {
		return p.reach - math.Sqrt(x*x+y*y)
	}
	y -= p.drop
	far := math.Inf(-1)
	for _, s := range p.sides {
		far = max(far, s[0]*x+s[1]*y)
	}
	return p.reach - far
}

// symbolSize is the number of points along a side of a symbol.
const symbolSize = 48

// symbol holds how much of each point is covered. It spans -size to size, around the
// middle of the plate.
type symbol struct {
	size  float64
	cover [symbolSize + 1][symbolSize + 1]float32
}

// newSymbol draws two to four strokes, straight or bent.
func newSymbol(size float64, r *rand.Rand) *symbol {
	const pieces = 6 // of a bent stroke
	s := &symbol{size: size}
	point := func() [2]float64 { return [2]float64{between(r, -0.8, 0.8), between(r, -0.8, 0.8)} }
	width := between(r, 0.09, 0.16)
	from := point()
	for range 2 + r.IntN(3) {
		bend, to := point(), point()
		for math.Hypot(to[0]-from[0], to[1]-from[1]) < 0.7 {
			to = point()
		}
		if r.IntN(2) == 0 {
			s.line(from, to, width)
		} else {
			last := from
			for i := 1; i <= pieces; i++ {
				t := float64(i) / pieces
				var next [2]float64
				for k := range next {
					next[k] = (1-t)*(1-t)*from[k] + 2*t*(1-t)*bend[k] + t*t*to[k]
				}
				s.line(last, next, width)
				last = next
			}
		}
		if from = to; r.IntN(3) == 0 {
			from = point()
		}
	}
	return s
}

// line draws a line with round ends.
func (s *symbol) line(a, b [2]float64, width float64) {
	const cell = 2. / symbolSize
	dx, dy := b[0]-a[0], b[1]-a[1]
	square := dx*dx + dy*dy
	for i := range s.cover {
		y := float64(i)*cell - 1 - a[1]
		for j := range s.cover[i] {
			x := float64(j)*cell - 1 - a[0]
			var t float64
			if square > 0 {
				t = min(max((x*dx+y*dy)/square, 0), 1)
			}
			inside := (width - math.Hypot(x-t*dx, y-t*dy)) / cell
			s.cover[i][j] = max(s.cover[i][j], float32(min(max(inside+0.5, 0), 1)))
		}
	}
}

// at returns the cover at a place on the plate, between the four points around.
func (s *symbol) at(x, y float64) float64 {
	x, y = (x/s.size+1)*symbolSize/2, (y/s.size+1)*symbolSize/2
	if x < 0 || y < 0 || x >= symbolSize || y >= symbolSize {
		return 0
	}
	i, j := int(y), int(x)
	fx, fy := float32(x-float64(j)), float32(y-float64(i))
	up := s.cover[i][j] + fx*(s.cover[i][j+1]-s.cover[i][j])
	down := s.cover[i+1][j] + fx*(s.cover[i+1][j+1]-s.cover[i+1][j])
	return float64(up + fy*(down-up))
}
