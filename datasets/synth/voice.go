package synth

import (
	"math"
	"math/rand/v2"
)

// Voice is a speaker in surroundings. To choose some of it, set fields of one that
// [NewVoice] drew.
type Voice struct {
	Pitch    float64 // of the vocal cords, in hertz: 90 to 250
	Formants float64 // factor of all resonances' frequencies: 0.85 to 1.2
	Tempo    float64 // 0.8 to 1.25
	Loud     float64 // root mean square of the recording without noise: 0.02 to 0.2
	Breath   float64 // strength of noise beside the vocal cords: 0.02 to 0.3
	Tilt     float64 // exponent of the fall of the harmonics: 0.7 to 1.6

	// SNR is the ratio of the speech to the noise around it, in decibels: -5 to 25.
	// Infinity makes no noise.
	SNR float64
	// Murmur tells how the noise's spectrum falls, from 0 for white to nearly 1: 0 to
	// 0.95.
	Murmur float64
}

// NewVoice draws a voice, with values in the ranges that the fields name.
func NewVoice(r *rand.Rand) Voice {
	low := r.Float64() // low voices tend to have low formants
	return Voice{
		Pitch:    90 + 160*low,
		Formants: min(max(0.88+0.24*low+between(r, -0.08, 0.08), 0.85), 1.2),
		Tempo:    octaves(r, 0.8, 1.25),
		Loud:     octaves(r, 0.02, 0.2),
		Breath:   octaves(r, 0.02, 0.3),
		Tilt:     between(r, 0.7, 1.6),
		SNR:      between(r, -5, 25),
		Murmur:   between(r, 0, 0.95),
	}
}

// glottis returns a period of the voice's source, with the harmonics that the rate has
// room for however the pitch rises.
func glottis(v Voice, rate int) *wave {
	const most = 40
	var harmonics [most]float64
	n := min(max(int(float64(rate)/2/(1.6*v.Pitch)), 1), most)
	for h := range n {
		harmonics[h] = math.Pow(float64(h+1), -v.Tilt)
	}
	return newWave(harmonics[:n])
}
