package datasets

import (
	"math"
	"math/rand/v2"
)

// partials returns a painter of tones that glide and fade, as in a spectrogram. Time
// goes down the rows, or along the columns if across is set. A second channel holds
// the change over time.
func partials(n int, across bool) painter {
	return func(r *rand.Rand, c canvas) {
		type tone struct{ from, to, at, length, width, loud float64 }
		tones := make([]tone, n)
		for i := range tones {
			tones[i] = tone{r.Float64(), r.Float64(), between(r, 0.2, 0.8),
				between(r, 0.1, 0.4), between(r, 0.03, 0.1), between(r, 0.4, 1)}
		}
		loud := func(time, pitch float64) (sum float64) {
			for _, t := range tones {
				sum += t.loud * bell(time-t.at, t.length) * bell(pitch-t.from-(t.to-t.from)*time, t.width)
			}
			return sum
		}
		c.spectrogram(across, loud)
	}
}

// beats returns a painter of noises that come again and again, each with a spectrum
// of its own. Time goes along the columns.
func beats(n int) painter {
	return func(r *rand.Rand, c canvas) {
		type beat struct{ rate, phase, pitch, width, sharp float64 }
		all := make([]beat, n)
		for i := range all {
			all[i] = beat{between(r, 0.5, 5), r.Float64(), r.Float64(),
				between(r, 0.08, 0.3), between(r, 0.5, 4)}
		}
		c.spectrogram(true, func(time, pitch float64) (sum float64) {
			for _, b := range all {
				swell := (1 + math.Cos(2*math.Pi*(b.rate*time+b.phase))) / 2
				sum += math.Pow(swell, b.sharp) * bell(pitch-b.pitch, b.width)
			}
			return sum
		})
	}
}

// spectrogram sets the first channel to the loudness at a time and pitch, both from
// 0 to 1, and a second one to its change over time.
func (c canvas) spectrogram(across bool, loud func(time, pitch float64) float64) {
	const step = 0.05
	c.each(func(y, x float64, k int) float64 {
		time, pitch := y, x
		if across {
			time, pitch = x, y
		}
		if k == 0 {
			return loud(time, pitch)
		}
		return loud(time+step, pitch) - loud(time-step, pitch)
	})
}

// motion paints the spectra of a repeated movement: the columns hold, for each axis,
// the strength and the phase of some frequencies; the rows are time.
func motion(r *rand.Rand, c canvas) {
	strength := make([]float64, c.w)
	phase := make([]float64, c.w)
	for x := range strength {
		strength[x] = math.Abs(r.NormFloat64()) / 2
		phase[x] = r.Float64()
	}
	pace := between(r, 0.5, 4) // steps in the time of the canvas
	depth := between(r, 0.2, 0.8)
	for y := range c.h {
		for x := range c.w {
			swing := math.Cos(2 * math.Pi * (pace*float64(y)/float64(c.h) + phase[x]))
			for k := range c.c {
				c.v[(y*c.w+x)*c.c+k] = strength[x] * (1 + depth*swing)
			}
		}
	}
}
