package datasets

import (
	"context"
	"time"

	"weightsep/datasets/features"
	"weightsep/datasets/prepared"
	"weightsep/datasets/synth"
	"weightsep/datasets/wav"
)

// words generates spoken words. A speaker says some forty of them.
type words struct {
	generation
	words  []synth.Word
	voices []synth.Voice
}

func newWords(g generation) words {
	const perSpeaker = 40
	w := words{g, make([]synth.Word, g.classes), make([]synth.Voice, max(3, g.n/perSpeaker))}
	for c := range w.words {
		w.words[c] = synth.NewWord(g.prototype(c))
	}
	for i := range w.voices {
		w.voices[i] = synth.NewVoice(g.random(drawSpeaker, i))
	}
	return w
}

// recording makes the recording of sample i, a second long.
func (w words) recording(i int) (prepared.Sample, wav.Clip) {
	random := w.random(drawSample, i)
	class, speaker := i%w.classes, random.IntN(len(w.voices))
	clip := wav.Clip{Rate: gscRate, Samples: make([]float64, gscRate)}
	w.words[w.truth(class, random)].Say(clip.Samples, gscRate, w.voices[speaker], random)
	return w.sample(i, class, speaker), clip
}

func standInWords(ctx context.Context, g generation, r *recorder) error {
	all := newWords(g)
	worker := func() func(int) (made, error) {
		extract := newMFCC()
		return func(i int) (made, error) {
			s, clip := all.recording(i)
			v, err := extract(clip)
			return made{s, v}, err
		}
	}
	return ordered(ctx, g.each, worker, g.take(r))
}

// sounds generates environmental sounds: recordings of some seconds, each of which is
// cut into some samples.
type sounds struct {
	generation
	sounds  []synth.Sound
	seconds int
}

func newSounds(g generation, seconds int) sounds {
	s := sounds{g, make([]synth.Sound, g.classes), seconds}
	for c := range s.sounds {
		s.sounds[c] = synth.NewSound(g.prototype(c))
	}
	return s
}

// recording makes a recording of a class.
func (s sounds) recording(t take) (prepared.Sample, wav.Clip) {
	random := s.random(drawSample, t.class, t.number)
	clip := wav.Clip{Rate: features.LogMelRate, Samples: make([]float64, s.seconds*features.LogMelRate)}
	s.sounds[s.truth(t.class, random)].Play(clip.Samples, clip.Rate, random)
	of := t.sample(s.generation)
	of.Clip = of.Group
	return of, clip
}

// standInSounds returns a generator of sounds of the given length.
func standInSounds(seconds int) func(context.Context, generation, *recorder) error {
	return func(ctx context.Context, g generation, r *recorder) error {
		all := newSounds(g, seconds)
		worker := func() func(take) (made, error) {
			extract := newLogMel()
			return func(t take) (made, error) {
				s, clip := all.recording(t)
				v, err := extract(clip)
				return made{s, v}, err
			}
		}
		return g.takes(ctx, r, worker)
	}
}

// motions generates the movements of ten people, eight of them for training.
type motions struct {
	generation
	motions []synth.Motion
	people  []synth.Person
}

func newMotions(g generation) motions {
	m := motions{g, make([]synth.Motion, g.classes), make([]synth.Person, 8)}
	if g.test {
		m.people = m.people[:2]
	}
	for i := range m.people {
		m.people[i] = synth.NewPerson(g.random(drawSpeaker, i))
	}
	for c := range m.motions {
		m.motions[c] = synth.NewMotion(g.prototype(c))
	}
	return m
}

// window makes the recording of sample i, and its first window without a gap.
func (m motions) window(i int, spectra *features.Spectra) (s prepared.Sample, acc, gyro features.Series, v []float32, err error) {
	random := m.random(drawSample, i)
	class, person := i%m.classes, random.IntN(len(m.people))
	motion := m.motions[m.truth(class, random)]
	for v == nil && err == nil {
		a, g := motion.Record(1.1*features.SpectraWindow.Seconds(), m.people[person],
			between(random, 90, 200), between(random, 90, 200), random)
		acc, gyro = features.Series(a), features.Series(g)
		err = eachWindow(spectra, wholePiece(acc), wholePiece(gyro),
			func(_ int8, _ int64, w []float32) {
				if v == nil {
					v = w
				}
			})
	}
	return m.sample(i, class, person), acc, gyro, v, err
}

// wholePiece returns a recording as one piece, which arrived as it was made.
func wholePiece(s features.Series) []piece {
	const millisecond = int64(time.Millisecond)
	return []piece{{series: s, first: s.T[0] / millisecond, last: s.T[len(s.T)-1]/millisecond + 1}}
}

func standInMotions(ctx context.Context, g generation, r *recorder) error {
	all := newMotions(g)
	worker := func() func(int) (made, error) {
		spectra := features.NewSpectra(time.Nanosecond)
		return func(i int) (made, error) {
			s, _, _, v, err := all.window(i, spectra)
			return made{s, [][]float32{v}}, err
		}
	}
	return ordered(ctx, g.each, worker, g.take(r))
}
