package synth

import "math/rand/v2"

// rush is a band of noise that swells, as of wind or the sea.
type rush struct {
	middle, width float64 // of the band, in hertz
	wave          swell
}

func newRush(r *rand.Rand) layer {
	middle := octaves(r, 300, 7000)
	return rush{middle, middle * octaves(r, 0.1, 1), swell{depth: between(r, 0, 0.9), rate: octaves(r, 0.15, 3)}}
}

func (n rush) play(dst []float64, hz float64, r *rand.Rand) {
	var band resonator
	band.tune(n.middle*about(r, 0.3)/hz, n.width*about(r, 0.2)/hz)
	w := n.wave
	w.rate *= about(r, 0.3) / hz
	w.phase = phase(r)
	noise := white{r: r}
	const step = 32
	for i := 0; i < len(dst); i += step {
		gain := w.at(float64(i))
		for j := i; j < min(i+step, len(dst)); j++ {
			dst[j] += gain * band.next(noise.next())
		}
	}
}

// beat is a noise that comes again and again and dies away, as of an engine or a clock.
type beat struct {
	rate          float64 // beats a second
	middle, width float64 // of the band, in hertz
	decay         float64 // seconds in which a beat falls by a factor e
	uneven        float64 // standard deviation of the time between beats, in its mean
}

func newBeat(r *rand.Rand) layer {
	middle := octaves(r, 200, 6000)
	rate := octaves(r, 0.8, 14)
	return beat{rate, middle, middle * octaves(r, 0.05, 0.6), octaves(r, 0.05, 0.4) / rate,
		octaves(r, 0.01, 0.2)}
}

func (b beat) play(dst []float64, hz float64, r *rand.Rand) {
	var band resonator
	band.tune(b.middle*about(r, 0.25)/hz, b.width/hz)
	rate := b.rate * about(r, 0.3) / hz
	fall := 1 - 1/(b.decay*about(r, 0.2)*hz)
	next := int(phase(r) / rate)
	noise := white{r: r}
	var strength float64
	for i := range dst {
		if i >= next {
			strength = about(r, 0.3)
			next += max(1, int((1+b.uneven*r.NormFloat64())/rate))
		}
		if strength > 1e-4 {
			strength *= fall
			dst[i] += band.next(strength * noise.next())
		} else {
			dst[i] += band.next(0)
		}
	}
}

// calls are tones that come now and then, each gliding, as of birds or dogs.
type calls struct {
	often    float64 // calls a second
	from, to float64 // pitch of a call in hertz
	length   float64 // of a call, in seconds
	rough    float64 // share of noise
	bright   [4]float64
}

func newCalls(r *rand.Rand) layer {
	c := calls{often: octaves(r, 0.6, 4), from: octaves(r, 300, 3500), rough: between(r, 0, 0.5)}
	c.to = c.from * about(r, 0.6)
	c.length = octaves(r, 0.15, 0.7) / c.often
	for i := range c.bright {
		c.bright[i] = ratio(between(r, -15, 0))
	}
	return c
}

func (c calls) play(dst []float64, hz float64, r *rand.Rand) {
	harmonics := c.bright[:min(len(c.bright), max(1, int(hz/2/(1.5*max(c.from, c.to)))))]
	tone := newWave(harmonics)
	noise := white{r: r}
	shift := about(r, 0.25) / hz
	// The first comes soon, so that there is one.
	for at := r.Float64() * hz / c.often / 2; at < float64(len(dst)); at += hz / c.often * (0.4 + 0.6*r.ExpFloat64()) {
		rest := dst[int(at):]
		n := max(1, int(c.length*about(r, 0.3)*hz))
		strength, bend := about(r, 0.5), about(r, 0.08)*shift
		var place float64
		for i := range rest[:min(n, len(rest))] {
			t := float64(i) / float64(n)
			place += bend * (c.from + t*(c.to-c.from))
			envelope := 4 * t * (1 - t)
			rest[i] += strength * envelope * tone.at(place) * (1 + c.rough*noise.next())
		}
	}
}
