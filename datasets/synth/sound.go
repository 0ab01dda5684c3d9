package synth

import (
	"math"
	"math/rand/v2"
)

// Sound is a kind of environmental sound: two or three layers, such as a hum with beats
// in it.
type Sound struct {
	layers []layer
	loud   []float64 // root mean square of each layer
}

// layer is a part of a sound. play adds a recording of it to dst, at hz samples a
// second; how loud it is does not matter.
type layer interface {
	play(dst []float64, hz float64, r *rand.Rand)
}

// kinds draw the layers that a sound may have.
var kinds = []func(r *rand.Rand) layer{newHum, newSiren, newRush, newBeat, newCalls}

// NewSound draws a kind of sound.
func NewSound(r *rand.Rand) Sound {
	var s Sound
	order := r.Perm(len(kinds)) // no two layers of one kind
	for _, k := range order[:2+r.IntN(2)] {
		s.layers = append(s.layers, kinds[k](r))
		s.loud = append(s.loud, ratio(between(r, -9, 0)))
	}
	return s
}

// Play fills dst, at the given rate in samples a second, with a recording of the sound.
// The rate should be 16,000 at least, and dst last some seconds. Something else can be heard behind it, and noise. A layer may begin late, end early
// or be missing, and the recording may be shorter than dst, which is then filled up
// with zeros. The values are from -1 to 1.
func (s Sound) Play(dst []float64, rate int, r *rand.Rand) {
	clear(dst)
	heard := dst
	if r.IntN(5) == 0 {
		heard = dst[:int(between(r, 0.4, 1)*float64(len(dst)))]
	}
	hz := float64(rate)
	one := make([]float64, len(heard))
	s.mix(heard, one, hz, 0, r)
	NewSound(r).mix(heard, one, hz, between(r, -20, 0), r)

	power := rms(heard)
	if power > 0 {
		loud := octaves(r, 0.02, 0.25)
		for i := range heard {
			heard[i] *= loud / power
		}
		addNoise(heard, loud*ratio(between(r, -25, 0)), between(r, 0, 0.9), r)
	}
	limit(dst)
}

// mix adds a recording of the layers at a level in decibels, with the help of a buffer
// of the same length.
func (s Sound) mix(dst, one []float64, hz, level float64, r *rand.Rand) {
	missing := r.IntN(3 * len(s.layers)) // a layer, at times
	for k, l := range s.layers {
		if k == missing {
			continue
		}
		from, to := 0, len(one)
		if r.IntN(3) == 0 {
			// A third of the recording remains at least.
			from = int(between(r, 0, 0.33) * float64(to))
			to = int(between(r, 0.67, 1) * float64(to))
		}
		part := one[:to-from]
		clear(part)
		l.play(part, hz, r)
		fade(part, int(hz/50))
		if power := rms(part); power > 0 {
			add(dst[from:to], part, s.loud[k]*ratio(level+between(r, -6, 6))/power)
		}
	}
}

// fade lets v come up over its first n samples and go down over its last n.
func fade(v []float64, n int) {
	n = min(n, len(v)/2)
	for i := range n {
		gain := float64(i) / float64(n)
		v[i] *= gain
		v[len(v)-1-i] *= gain
	}
}

// hum is a steady tone with harmonics, as of a machine.
type hum struct {
	pitch     float64 // in hertz
	harmonics [8]float64
	tremble   swell // of the loudness
}

func newHum(r *rand.Rand) layer {
	h := hum{pitch: octaves(r, 60, 600)}
	for i := range h.harmonics {
		h.harmonics[i] = ratio(between(r, -12, 0) - 2*float64(i))
	}
	h.tremble = swell{depth: between(r, 0, 0.8), rate: octaves(r, 1, 12)}
	return h
}

func (h hum) play(dst []float64, hz float64, r *rand.Rand) {
	pitch := h.pitch * about(r, 0.25) / hz
	tone := newWave(h.below(hz/2, pitch*hz))
	tremble := h.tremble
	tremble.rate *= about(r, 0.3) / hz
	tremble.phase = phase(r)
	drift := swell{depth: 0.01, rate: between(r, 0.2, 1) / hz, phase: phase(r)}
	place := phase(r)
	const step = 32 // samples for which the pitch and the loudness stand still
	for i := 0; i < len(dst); i += step {
		gain, advance := tremble.at(float64(i)), pitch*drift.at(float64(i))
		for j := i; j < min(i+step, len(dst)); j++ {
			dst[j] += gain * tone.at(place)
			place += advance
		}
	}
}

// below returns the harmonics of a pitch that lie below a frequency.
func (h hum) below(most, pitch float64) []float64 {
	return h.harmonics[:min(len(h.harmonics), int(most/pitch))]
}

// siren is a tone that glides up and down.
type siren struct {
	low, high float64 // in hertz
	period    float64 // in seconds
	rising    float64 // share of the period
	bright    float64 // strength of each harmonic after that of the one before
}

func newSiren(r *rand.Rand) layer {
	low := octaves(r, 250, 1500)
	return siren{low, low * octaves(r, 1.2, 2.5), octaves(r, 0.25, 4), between(r, 0.1, 0.9),
		between(r, 0.05, 0.6)}
}

func (s siren) play(dst []float64, hz float64, r *rand.Rand) {
	shift := about(r, 0.25)
	low, high := s.low*shift/hz, s.high*shift/hz
	harmonics := make([]float64, min(5, max(1, int(0.5/high))))
	for i := range harmonics {
		harmonics[i] = math.Pow(s.bright, float64(i))
	}
	tone := newWave(harmonics)
	cycle, advance := phase(r), 1/(s.period*about(r, 0.3)*hz)
	var place float64
	for i := range dst {
		up := cycle / s.rising
		if cycle > s.rising {
			up = (1 - cycle) / (1 - s.rising)
		}
		place += low + up*(high-low)
		dst[i] += tone.at(place)
		if cycle += advance; cycle >= 1 {
			cycle--
		}
	}
}
