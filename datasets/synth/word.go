package synth

import (
	"math"
	"math/rand/v2"
)

// Word is what stays the same however a word is spoken: a sequence of two to four
// segments, each with a voiced or a hissed sound of its own.
type Word struct{ segments []segment }

// formants is the number of resonances that shape a voiced segment.
const formants = 3

// segment is a part of a word, with times in seconds and frequencies in hertz, for a
// voice whose formant scale and tempo are 1.
type segment struct {
	pause, length float64 // silence before, and the sound itself
	loud          float64
	attack        float64 // share of the length in which the sound comes up

	voiced bool
	// The resonances glide from one frequency to the other. A hissed segment has the
	// first alone.
	from, to [formants]float64
	strength [formants]float64
	width    float64    // of the resonances
	pitch    [2]float64 // at start and end, in pitches of the voice
}

// NewWord draws a word. It lasts between 0.35 and 0.7 seconds when spoken at tempo 1.
func NewWord(r *rand.Rand) Word {
	segments := make([]segment, 2+r.IntN(3))
	vowel := r.IntN(2) // of two neighbours at least one is voiced
	for i := range segments {
		if i%2 == vowel || r.IntN(4) == 0 {
			segments[i] = newVowel(r)
		} else {
			segments[i] = newHiss(r)
		}
		segments[i].pause = max(0, between(r, -0.03, 0.05))
	}
	segments[0].pause = 0
	w := Word{segments}
	scale := between(r, 0.35, 0.7) / w.Seconds()
	for i := range segments {
		segments[i].pause *= scale
		segments[i].length *= scale
	}
	return w
}

// newVowel draws a voiced segment.
func newVowel(r *rand.Rand) segment {
	s := segment{
		length: between(r, 0.11, 0.24),
		loud:   between(r, 0.7, 1),
		attack: between(r, 0.1, 0.4),
		voiced: true,
		width:  between(r, 70, 130),
	}
	lowest := [formants + 1]float64{270, 850, 2200, 3300}
	for k := range formants {
		s.from[k] = octaves(r, lowest[k], lowest[k+1]*0.95)
		s.to[k] = min(max(s.from[k]*about(r, 0.3), lowest[k]), lowest[k+1])
		s.strength[k] = ratio(between(r, -10, 0) - 6*float64(k))
	}
	s.pitch[0] = about(r, 0.12)
	s.pitch[1] = s.pitch[0] * about(r, 0.2)
	return s
}

// newHiss draws a noise segment, from a short burst to a long hiss.
func newHiss(r *rand.Rand) segment {
	s := segment{
		length: octaves(r, 0.04, 0.2),
		loud:   between(r, 0.15, 0.6),
		attack: octaves(r, 0.03, 0.5),
		width:  octaves(r, 500, 2500),
	}
	s.from[0] = octaves(r, 1200, 6500)
	s.to[0] = s.from[0] * about(r, 0.2)
	return s
}

// Seconds returns how long the word lasts at tempo 1.
func (w Word) Seconds() float64 {
	var sum float64
	for _, s := range w.segments {
		sum += s.pause + s.length
	}
	return sum
}

// Say fills dst, at the given rate in samples a second, with the word as the voice says
// it: beginning at a random place, so that all of the word is heard if dst is long
// enough, in noise of the voice's surroundings. The values are from -1 to 1.
func (w Word) Say(dst []float64, rate int, v Voice, r *rand.Rand) {
	clear(dst)
	hz := float64(rate)
	// No two sayings are quite alike, be it by one voice.
	v.Pitch *= about(r, 0.06)
	v.Tempo *= about(r, 0.1)
	v.Formants *= about(r, 0.04)
	said := Word{make([]segment, len(w.segments))}
	for i, s := range w.segments {
		said.segments[i] = s.slur(r)
	}

	source := glottis(v, rate)
	free := float64(len(dst))/hz - said.Seconds()/v.Tempo
	at := free / 2 // if it is too long, as much of its beginning is lost as of its end
	if free > 0 {
		at = between(r, 0, free)
	}
	for _, s := range said.segments {
		at += s.pause / v.Tempo
		s.add(dst, at, hz, source, v, r)
		at += s.length / v.Tempo
	}

	if power := rms(dst); power > 0 {
		scale := v.Loud / power
		for i := range dst {
			dst[i] *= scale
		}
	}
	if noise := ratio(-v.SNR); noise > 0 {
		addNoise(dst, v.Loud*noise, v.Murmur, r)
	}
	limit(dst)
}

// slur returns the segment as it comes out this time.
func (s segment) slur(r *rand.Rand) segment {
	s.loud *= about(r, 0.5)
	s.length *= about(r, 0.25)
	for k := range s.resonances() {
		s.from[k] *= about(r, 0.12)
		s.to[k] *= about(r, 0.12)
	}
	return s
}

// add adds the segment as the voice says it, from a time in seconds on.
func (s segment) add(dst []float64, start, hz float64, source *wave, v Voice, r *rand.Rand) {
	// Tuning a filter costs as much as running it for some ten samples, and nothing in
	// speech changes within four milliseconds.
	const step = 64
	var filters [formants]resonator
	first := int(start * hz)
	n := int(s.length / v.Tempo * hz)
	noise := white{r: r}
	tremble := phase(r)
	var place float64 // in the source's period
	for i := 0; i < n; i += step {
		t := float64(i) / float64(n)
		for k := range s.resonances() {
			f := s.from[k] + t*(s.to[k]-s.from[k])
			filters[k].tune(f*v.Formants/hz, s.width*v.Formants/hz)
		}
		shake := 1 + 0.015*sine.at(tremble+5*float64(i)/hz)
		pitch := v.Pitch * shake * (s.pitch[0] + t*(s.pitch[1]-s.pitch[0])) / hz
		gain, next := s.loud*s.envelope(t), s.loud*s.envelope(float64(i+step)/float64(n))
		for j := range min(step, n-i) {
			var y float64
			if s.voiced {
				x := source.at(place) + v.Breath*noise.next()
				place += pitch
				for k := range filters {
					y += s.strength[k] * filters[k].next(x)
				}
			} else {
				y = filters[0].next(noise.next())
			}
			if at := first + i + j; at >= 0 && at < len(dst) {
				dst[at] += y * (gain + float64(j)/step*(next-gain))
			}
		}
	}
}

// resonances returns the number of filters in use.
func (s segment) resonances() int {
	if s.voiced {
		return formants
	}
	return 1
}

// envelope returns the loudness at a share of the segment's length: a rise, and a fall
// over the last third.
func (s segment) envelope(t float64) float64 {
	if t >= 1 {
		return 0
	}
	rise, fall := min(t/s.attack, 1), min((1-t)*3, 1)
	return math.Sqrt(rise) * fall
}
