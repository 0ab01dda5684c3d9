package synth

import (
	"math"
	"math/rand/v2"
)

// wall draws a row of the wall.
func (v *view) wall(y int, s Scene) {
	high := float64(v.horizon-y) / float64(v.h)
	p, _ := v.line(y, 0, v.w)
	place := s.panels.y*high + s.panels.phase
	// The panels go along with the picture: a step along the row is a step in the ripple.
	place += s.panels.x * v.across(0)
	step := s.panels.x * 2 / float64(v.w)
	for x := range v.w {
		set(p[4*x:], &s.wall, v.light[x]*(1+s.panels.strength*sine.at(place)))
		place += step
	}
}

// floor draws a row of the floor.
func (v *view) floor(y int, s Scene) {
	f := &s.floor
	near := (float64(y-v.horizon) + 0.5) / float64(v.h-v.horizon)
	far := 1/near + math.Log(v.grow)*4 // the tiles come nearer
	p, _ := v.line(y, 0, v.w)
	odd := int(far*f.long) & 1
	// Far tiles are finer than pixels: they blend.
	blend := min(1, near*near*20)
	paints := [2]colour{f.paint, f.paint.mix(f.other, blend)}
	tile := v.across(0)/near*f.wide + 1<<12 // positive, to be rounded down
	step := 2 / float64(v.w) / near * f.wide
	shine := 0.8 + 0.3*near
	for x := range v.w {
		set(p[4*x:], &paints[(int(tile)+odd)&1], shine*v.light[x])
		tile += step
	}
	b := &f.stain
	if at := near / v.grow; math.Abs(at-b.near) < b.near*b.height/4 {
		v.darken(y, v.column(b.left*near), v.column(b.right*near), b.dark)
	}
}

// darken multiplies part of a row by a factor.
func (v *view) darken(y, from, to int, factor float64) {
	p, _ := v.line(y, from, to)
	f := uint32(256 * factor)
	for i := 0; i < len(p); i += 4 {
		for k := range 3 {
			p[i+k] = uint8(uint32(p[i+k]) * f >> 8)
		}
	}
}

// box draws a box and the shadow at its foot.
func (v *view) box(b box) {
	near := b.near * v.grow
	left, right := v.column(b.left*near), v.column(b.right*near)
	foot := v.row(near)
	top := foot - int(b.height*near*float64(v.h))
	shadow := foot + max(1, int(0.04*near*float64(v.h)))
	for y := max(foot, 0); y < min(shadow, v.h); y++ {
		v.darken(y, left, right, b.dark)
	}
	for y := max(top, 0); y < min(foot, v.h); y++ {
		high := float64(foot-y) / float64(foot-top)
		place := b.stripes.y*high + b.stripes.phase
		step := b.stripes.x / float64(max(right-left, 1))
		p, x := v.line(y, left, right)
		place += step * float64(x-left)
		shade := 0.85 + 0.15*high
		for i := 0; i < len(p); i += 4 {
			set(p[i:], &b.paint, shade*v.light[x]*(1+b.stripes.strength*sine.at(place)))
			place += step
			x++
		}
	}
}

// grain adds a sensor's noise, the same to the three channels of a pixel, with the given
// largest deviation in levels.
func (v *view) grain(most float64, r *rand.Rand) {
	scale := int32(most * 2) // of a byte's deviation from its middle, in 256ths
	var bits uint64
	left := 0
	for y := range v.h {
		p, _ := v.line(y, 0, v.w)
		for i := 0; i < len(p); i += 4 {
			if left == 0 {
				bits, left = r.Uint64(), 8
			}
			d := (int32(bits&255) - 128) * scale >> 8
			bits >>= 8
			left--
			for k := range 3 {
				p[i+k] = uint8(min(max(int32(p[i+k])+d, 0), 255))
			}
		}
	}
}
