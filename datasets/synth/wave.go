package synth

import "math"

// waveSize is the number of points in a period of a wave.
const waveSize = 1024

// wave is a period of a periodic function. The first point comes again at the end.
// Looking a harmonic tone up in it costs the same however many harmonics it has, and
// none of them can pass half the sampling rate unless it is put in.
type wave [waveSize + 1]float64

// sine is the period of a sine.
var sine = func() *wave {
	var w wave
	for i := range w {
		w[i] = math.Sin(2 * math.Pi * float64(i%waveSize) / waveSize)
	}
	return &w
}()

// newWave returns the sum of harmonics 1, 2, … with the given strengths, scaled to a
// mean square of 1. Each harmonic starts at its own place, so that the wave is no spike.
func newWave(harmonics []float64) *wave {
	var w wave
	var power float64
	for h, a := range harmonics {
		power += a * a / 2
		at := h * h * waveSize / 5
		for i := range waveSize {
			w[i] += a * sine[at&(waveSize-1)]
			at += h + 1
		}
	}
	if power > 0 {
		scale := 1 / math.Sqrt(power)
		for i := range w {
			w[i] *= scale
		}
	}
	w[waveSize] = w[0]
	return &w
}

// at returns the value at a place given in periods, which need not be in [0, 1).
func (w *wave) at(place float64) float64 {
	x := (place - math.Floor(place)) * waveSize
	i := int(x)
	if i >= waveSize { // the difference was rounded to 1
		i = 0
		x = 0
	}
	return w[i] + (x-float64(i))*(w[i+1]-w[i])
}
