package datasets

// hhar is the Heterogeneity Activity Recognition dataset, movements of people
// recorded by phones: 20 intervals of 120 spectral values.
//
// Source: UCI Machine Learning Repository, dataset 344, "Activity recognition
// exp.zip". It has no reader here yet, so it is always a stand-in.
func hhar() entry {
	return entry{
		name:       "hhar",
		shape:      [3]int{20, 120, 1},
		classes:    6,
		classNames: []string{"bike", "sit", "stairsdown", "stairsup", "stand", "walk"},
		problem: problem{
			paint: motion, variants: 4, shift: [2]int{8, 0},
			amplitude: [2]float64{0.3, 1}, distract: 0.6, noise: 0.5, wrong: 0.06,
			features: true, train: 3000, test: 750,
		},
	}
}
