package datasets

// gsc is Google Speech Commands v0.02, 35 spoken words, 61 frames of 13 cepstral
// coefficients.
//
// Source: http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz. Its files
// have no reader here yet, so it is always a stand-in.
func gsc() entry {
	return entry{
		name:    "gsc",
		shape:   [3]int{61, 13, 1},
		classes: 35,
		classNames: []string{
			"backward", "bed", "bird", "cat", "dog", "down", "eight", "five", "follow",
			"forward", "four", "go", "happy", "house", "learn", "left", "marvin", "nine",
			"no", "off", "on", "one", "right", "seven", "sheila", "six", "stop", "three",
			"tree", "two", "up", "visual", "wow", "yes", "zero",
		},
		problem: problem{
			paint: partials(4, false), variants: 1, shift: [2]int{4, 0},
			amplitude: [2]float64{0.5, 1}, distract: 0.8, noise: 0.5, wrong: 0.08,
			features: true, train: 4000, test: 1000,
		},
	}
}
