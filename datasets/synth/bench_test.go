package synth

import (
	"image"
	"testing"
)

func BenchmarkSay(b *testing.B) { // a second
	r := seeded(1, 1)
	dst := make([]float64, 16000)
	for b.Loop() {
		NewWord(r).Say(dst, 16000, NewVoice(r), r)
	}
}

func BenchmarkPlay(b *testing.B) { // five seconds
	r := seeded(1, 2)
	dst := make([]float64, 5*22050)
	for b.Loop() {
		NewSound(r).Play(dst, 22050, r)
	}
}

func BenchmarkRecord(b *testing.B) { // ten seconds
	r := seeded(1, 3)
	for b.Loop() {
		NewMotion(r).Record(10, NewPerson(r), 200, 200, r)
	}
}

func BenchmarkNewPlate(b *testing.B) {
	r := seeded(1, 4)
	for b.Loop() {
		NewPlate(r)
	}
}

func BenchmarkTrackDraw(b *testing.B) { // a picture, of all sizes
	r := seeded(1, 5)
	tracks := make([]Track, 100)
	for i := range tracks {
		tracks[i] = NewPlate(r).Track(r)
	}
	i := 0
	for b.Loop() {
		tracks[i/10%len(tracks)].Draw(i%10, 10, r)
		i++
	}
}

func BenchmarkSceneDraw(b *testing.B) { // a picture
	r := seeded(1, 6)
	dst := image.NewRGBA(image.Rect(0, 0, 320, 180))
	i := 0
	for b.Loop() {
		NewScene(Way(i%4), r).Draw(dst, i%10, 10, r)
		i++
	}
}
