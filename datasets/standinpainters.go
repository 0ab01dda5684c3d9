package datasets

import (
	"math"
	"math/rand/v2"
)

// canvas is an array of height, width and channels, the last changing fastest.
type canvas struct {
	h, w, c int
	v       []float64
}

func newCanvas(h, w, c int) canvas { return canvas{h, w, c, make([]float64, h*w*c)} }

// painter draws a prototype, with values of about 0 to 1, on an empty canvas.
type painter func(r *rand.Rand, c canvas)

// each sets every value to f of its place, rows and columns going from 0 to 1.
func (c canvas) each(f func(y, x float64, channel int) float64) {
	i := 0
	for y := range c.h {
		for x := range c.w {
			for k := range c.c {
				c.v[i] = f(float64(y)/float64(c.h), float64(x)/float64(c.w), k)
				i++
			}
		}
	}
}

// bell is the Gaussian bell with height 1.
func bell(distance, width float64) float64 {
	d := distance / width
	return math.Exp(-d * d / 2)
}

// between returns a random number in [a, b).
func between(r *rand.Rand, a, b float64) float64 { return a + r.Float64()*(b-a) }

// field returns a painter of smooth random fields with up to waves periods across;
// the channels have a field in common and one of their own.
func field(waves float64) painter {
	return func(r *rand.Rand, c canvas) {
		const terms = 6
		type wave struct{ y, x, phase float64 }
		draw := func() (w [terms]wave) {
			for i := range w {
				w[i] = wave{between(r, -waves, waves), between(r, -waves, waves), r.Float64()}
			}
			return w
		}
		value := func(w *[terms]wave, y, x float64) (sum float64) {
			for _, t := range w {
				sum += math.Cos(2 * math.Pi * (t.y*y + t.x*x + t.phase))
			}
			return sum / terms
		}
		common, own := draw(), make([][terms]wave, c.c)
		for i := range own {
			own[i] = draw()
		}
		c.each(func(y, x float64, k int) float64 {
			return 0.45 + 0.4*(value(&common, y, x)+value(&own[k], y, x))
		})
	}
}

// strokes returns a painter of n bent pen strokes of the given width.
func strokes(n int, width float64) painter {
	return func(r *rand.Rand, c canvas) {
		const points = 24
		var pen [][2]float64
		point := func() [2]float64 { return [2]float64{between(r, 0.2, 0.8), between(r, 0.2, 0.8)} }
		a := point()
		for range n {
			b, end := point(), point()
			for i := range points {
				t := float64(i) / points
				s := 1 - t
				pen = append(pen, [2]float64{
					s*s*a[0] + 2*s*t*b[0] + t*t*end[0],
					s*s*a[1] + 2*s*t*b[1] + t*t*end[1],
				})
			}
			a = end // strokes hang together, as a digit's do
		}
		c.each(func(y, x float64, _ int) float64 {
			d := math.Inf(1)
			for _, p := range pen {
				d = min(d, math.Hypot(y-p[0], x-p[1]))
			}
			return bell(d, width)
		})
	}
}

// silhouette paints a filled upright shape, the same on the left and the right, with
// a pattern across.
func silhouette(r *rand.Rand, c canvas) {
	var wide [3]float64
	for i := range wide {
		wide[i] = between(r, -0.12, 0.12)
	}
	middle, stripes, contrast := between(r, 0.18, 0.32), between(r, 1, 6), between(r, 0, 0.4)
	top, bottom := between(r, 0.08, 0.25), between(r, 0.75, 0.95)
	slit := between(r, -0.05, 0.06) // between the legs, if it is there
	c.each(func(y, x float64, _ int) float64 {
		half := middle
		for i, a := range wide {
			half += a * math.Sin(math.Pi*float64(i+1)*y)
		}
		d := math.Abs(x - 0.5)
		inside := edge(half-d) * edge(y-top) * edge(bottom-y)
		if y > 0.4 {
			inside *= edge(d - slit)
		}
		return inside * (0.9 - contrast*(1+math.Sin(2*math.Pi*stripes*y))/2)
	})
}

// edge goes from 0 to 1 where d does from negative to positive.
func edge(d float64) float64 { return 1 / (1 + math.Exp(-d*60)) }

// number paints coloured strokes on a background of another colour.
func number(r *rand.Rand, c canvas) {
	pen := newCanvas(c.h, c.w, 1)
	strokes(3, 0.06)(r, pen)
	field(1)(r, c)
	colour := make([]float64, c.c)
	for k := range colour {
		colour[k] = between(r, 0.6, 1)
	}
	for i, p := range pen.v {
		for k, v := range colour {
			at := &c.v[i*c.c+k]
			*at = (1-p)**at*0.5 + p*v
		}
	}
}
