package synth

import (
	"math"
	"math/rand/v2"
)

// Series is what a sensor with three axes measured, at times that are not quite even.
type Series struct {
	T []int64      // nanoseconds, strictly rising
	V [3][]float64 // for each axis x, y and z, one value for each time
}

// sensor measures a movement.
type sensor struct {
	rate  float64 // samples a second
	noise float64 // standard deviation
	shake float64 // of what is irregular in the movement
	mean  [3]float64
	moves [3]partials
}

// record measures a movement for some seconds, with the sensor turned.
func (s sensor) record(seconds float64, walk gait, turn [3][3]float64, r *rand.Rand) Series {
	const (
		uneven  = 0.3   // largest deviation of a time, in periods: below a half, they rise
		missing = 0.003 // share of samples from which on some are lost
		lost    = 12    // most samples that are lost at once
	)
	n := int(seconds * s.rate)
	out := Series{T: make([]int64, 0, n)}
	for axis := range out.V {
		out.V[axis] = make([]float64, 0, n)
	}
	for i := 0; i < n; i++ {
		if r.Float64() < missing {
			i += r.IntN(lost)
			continue
		}
		t := (float64(i) + 0.5 + between(r, -uneven, uneven)) / s.rate
		steps, strength := walk.at(t)
		var v [3]float64
		sin, cos := math.Sincos(2 * math.Pi * steps)
		c, d := cos, sin // of the multiple
		for h := range overtones {
			for axis := range v {
				m := &s.moves[axis][h]
				v[axis] += m[0]*c + m[1]*d
			}
			c, d = c*cos-d*sin, c*sin+d*cos
		}
		for axis := range v {
			v[axis] = s.mean[axis] + strength*(v[axis]+s.shake*r.NormFloat64())
		}
		v = apply(turn, v)
		out.T = append(out.T, int64(t*1e9))
		for axis := range v {
			out.V[axis] = append(out.V[axis], v[axis]+s.noise*r.NormFloat64())
		}
	}
	return out
}

// direction returns the vector of length 1 that points the given way.
func direction(x, y, z float64) [3]float64 {
	n := math.Sqrt(x*x + y*y + z*z)
	return [3]float64{x / n, y / n, z / n}
}

// newRotation draws a rotation by up to the given angle around any axis.
func newRotation(most float64, r *rand.Rand) [3][3]float64 {
	axis := direction(r.NormFloat64(), r.NormFloat64(), r.NormFloat64())
	return rotation(axis, between(r, 0, most))
}

// rotation returns the matrix that turns by an angle around an axis of length 1.
func rotation(axis [3]float64, angle float64) [3][3]float64 {
	sin, cos := math.Sincos(angle)
	x, y, z := axis[0], axis[1], axis[2]
	c := 1 - cos
	return [3][3]float64{
		{cos + x*x*c, x*y*c - z*sin, x*z*c + y*sin},
		{y*x*c + z*sin, cos + y*y*c, y*z*c - x*sin},
		{z*x*c - y*sin, z*y*c + x*sin, cos + z*z*c},
	}
}

// apply returns the product of a matrix and a vector.
func apply(m [3][3]float64, v [3]float64) (out [3]float64) {
	for i, row := range m {
		out[i] = row[0]*v[0] + row[1]*v[1] + row[2]*v[2]
	}
	return out
}

// times returns the product of two matrices.
func times(a, b [3][3]float64) (out [3][3]float64) {
	for i := range a {
		for j := range b {
			for k := range 3 {
				out[i][j] += a[i][k] * b[k][j]
			}
		}
	}
	return out
}
