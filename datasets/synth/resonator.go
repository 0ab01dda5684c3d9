package synth

import "math"

// resonator is a filter that lets pass a band around one frequency, at strength 1 in
// its middle. It can be tuned while it rings.
type resonator struct {
	gain, first, second float64 // coefficients
	x1, x2, y1, y2      float64 // the last values that went in and came out
}

// tune sets the middle and the width of the band as shares of the sampling rate. Those
// out of the range that sampling allows are moved into it.
func (q *resonator) tune(middle, width float64) {
	middle = min(max(middle, 0.001), 0.49)
	decay := math.Exp(-math.Pi * min(max(width, 0.0005), 0.5))
	q.first = 2 * decay * math.Cos(2*math.Pi*middle)
	q.second = -decay * decay
	q.gain = (1 - decay*decay) / 2
}

// next returns what comes out when x goes in.
func (q *resonator) next(x float64) float64 {
	y := q.gain*(x-q.x2) + q.first*q.y1 + q.second*q.y2
	q.x2, q.x1 = q.x1, x
	q.y2, q.y1 = q.y1, y
	return y
}
