package synth

import (
	"bytes"
	"encoding/binary"
	"image"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
)

// seeded returns a generator for two keys.
func seeded(a, b uint64) *rand.Rand { return rand.New(rand.NewPCG(a, b)) }

// recorders record something of a class: the recipe drawn from one generator, what is
// recorded from another.
var recorders = []struct {
	name   string
	record func(class, sample *rand.Rand) any // slices of numbers of fixed size
}{
	{"word", func(class, sample *rand.Rand) any {
		dst := make([]float64, 16000)
		NewWord(class).Say(dst, 16000, NewVoice(sample), sample)
		return dst
	}},
	{"sound", func(class, sample *rand.Rand) any {
		dst := make([]float64, 44100)
		NewSound(class).Play(dst, 22050, sample)
		return dst
	}},
	{"motion", func(class, sample *rand.Rand) any {
		a, g := NewMotion(class).Record(5, NewPerson(sample), 200, 100, sample)
		var all []float64
		for _, s := range []Series{a, g} {
			for axis := range 3 {
				all = append(all, s.V[axis]...)
			}
			for _, t := range s.T {
				all = append(all, float64(t))
			}
		}
		return all
	}},
	{"plate", func(class, sample *rand.Rand) any {
		img, _ := NewPlate(class).Track(sample).Draw(3, 5, sample)
		return img.Pix
	}},
	{"scene", func(class, sample *rand.Rand) any {
		img := image.NewRGBA(image.Rect(0, 0, 320, 180))
		NewScene(Way(class.IntN(4)), class).Draw(img, 3, 5, sample)
		return img.Pix
	}},
}

// record returns the bytes of what recorder i records.
func record(t *testing.T, i int, class, sample uint64) []byte {
	t.Helper()
	b, err := binary.Append(nil, binary.LittleEndian, recorders[i].record(seeded(1, class), seeded(2, sample)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRecordingsDependOnGeneratorsAlone(t *testing.T) {
	for i, c := range recorders {
		t.Run(c.name, func(t *testing.T) {
			want := record(t, i, 1, 1)
			if !bytes.Equal(record(t, i, 1, 1), want) {
				t.Error("equal generators made different recordings")
			}
			if bytes.Equal(record(t, i, 1, 2), want) {
				t.Error("different generators made equal recordings of a class")
			}
			if bytes.Equal(record(t, i, 2, 1), want) {
				t.Error("different classes have equal recordings")
			}
		})
	}
}

// Run with the race detector, this shows that recipes are only read.
func TestRecipesAreShared(t *testing.T) {
	word, sound, motion, plate := NewWord(seeded(1, 1)), NewSound(seeded(1, 2)), NewMotion(seeded(1, 3)), NewPlate(seeded(1, 4))
	voice, person, track, scene := NewVoice(seeded(1, 5)), NewPerson(seeded(1, 6)), plate.Track(seeded(1, 7)), NewScene(Stop, seeded(1, 8))
	all := func() []byte {
		r := seeded(2, 2)
		v := make([]float64, 2*8000)
		word.Say(v[:8000], 8000, voice, r)
		sound.Play(v[8000:], 16000, r)
		a, g := motion.Record(1, person, 100, 50, r)
		for axis := range 3 {
			v = append(append(v, a.V[axis]...), g.V[axis]...)
		}
		img := image.NewRGBA(image.Rect(0, 0, 64, 36))
		scene.Draw(img, 0, 1, r)
		sign, _ := track.Draw(0, 1, r)
		b, _ := binary.Append(nil, binary.LittleEndian, v)
		return append(append(b, img.Pix...), sign.Pix...)
	}
	want := all()
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if !bytes.Equal(all(), want) {
				t.Error("a recording changed while others were made")
			}
		})
	}
	group.Wait()
}

// nearestMean returns the share of test samples of which the mean of their class's
// training samples is the nearest. sample returns the features of sample i of a class;
// each feature is scaled to a standard deviation of 1.
func nearestMean(classes, train, test int, sample func(class, i int) []float64) float64 {
	var all [][][]float64
	for c := range classes {
		all = append(all, nil)
		for i := range train + test {
			all[c] = append(all[c], sample(c, i))
		}
	}
	n := len(all[0][0])
	mean, square := make([]float64, n), make([]float64, n)
	means := make([][]float64, classes)
	for c := range classes {
		means[c] = make([]float64, n)
		for _, x := range all[c][:train] {
			for k, v := range x {
				means[c][k] += v / float64(train)
				mean[k] += v / float64(train*classes)
				square[k] += v * v / float64(train*classes)
			}
		}
	}
	right := 0
	for c := range classes {
		for _, x := range all[c][train:] {
			best, least := 0, math.Inf(1)
			for other, m := range means {
				var d float64
				for k := range m {
					d += (x[k] - m[k]) * (x[k] - m[k]) / (square[k] - mean[k]*mean[k] + 1e-12)
				}
				if d < least {
					best, least = other, d
				}
			}
			if best == c {
				right++
			}
		}
	}
	return float64(right) / float64(classes*test)
}

// checkAccuracy checks that classes can be told apart to some degree, and that doing so
// is no trifle.
func checkAccuracy(t *testing.T, accuracy float64, classes int) {
	t.Helper()
	t.Logf("nearest mean: %.1f %% of %d classes", 100*accuracy, classes)
	if least := 1/float64(classes) + 0.1; accuracy < least || accuracy > 0.98 {
		t.Errorf("nearest mean is right about a share of %.3f, want %.3f to 0.98", accuracy, least)
	}
}
