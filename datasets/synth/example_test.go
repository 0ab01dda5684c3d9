package synth_test

import (
	"fmt"
	"image"
	"math/rand/v2"

	"weightsep/datasets/synth"
)

// Each class has a generator for its recipe, and each sample one for its recording, so
// that samples can be made in any order.
func Example() {
	const seed, classes, rate = 1, 3, 16000
	var words []synth.Word
	for class := range uint64(classes) {
		words = append(words, synth.NewWord(rand.New(rand.NewPCG(seed, class))))
	}
	for i := range uint64(4) {
		class := i % classes
		r := rand.New(rand.NewPCG(seed+1, i))
		second := make([]float64, rate)
		words[class].Say(second, rate, synth.NewVoice(r), r)
		fmt.Printf("sample %d, word %d: %d values\n", i, class, len(second))
	}
	// Output:
	// sample 0, word 0: 16000 values
	// sample 1, word 1: 16000 values
	// sample 2, word 2: 16000 values
	// sample 3, word 0: 16000 values
}

// The pictures of one sign belong together: they go to training or to testing as a
// whole.
func ExamplePlate_Track() {
	r := rand.New(rand.NewPCG(1, 1))
	plate := synth.NewPlate(r)
	const frames = 5
	track := plate.Track(r)
	for i := range frames {
		img, roi := track.Draw(i, frames, r)
		sign := img.SubImage(roi)
		fmt.Println(sign.Bounds().In(img.Bounds()))
	}
	// Output:
	// true
	// true
	// true
	// true
	// true
}

// The class of a scene is the task itself, hence the same for every seed.
func ExampleNewScene() {
	r := rand.New(rand.NewPCG(1, 1))
	scene := synth.NewScene(synth.Stop, r)
	frame := image.NewRGBA(image.Rect(0, 0, 320, 180))
	const frames = 10
	for i := range frames {
		scene.Draw(frame, i, frames, r)
	}
	fmt.Println(frame.Bounds())
	// Output: (0,0)-(320,180)
}
