package datasets

// svhn is Street View House Numbers, cropped digits, colour images of 32x32.
//
// Source: http://ufldl.stanford.edu/housenumbers/. Its files have no reader here yet,
// so it is always a stand-in.
func svhn() entry {
	return entry{
		name:       "svhn",
		shape:      [3]int{32, 32, 3},
		classes:    10,
		classNames: []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
		problem: problem{
			paint: number, variants: 2, shift: [2]int{3, 3},
			amplitude: [2]float64{0.5, 1}, distract: 0.4, noise: 0.12, wrong: 0.04,
			train: 4000, test: 1000,
		},
	}
}
