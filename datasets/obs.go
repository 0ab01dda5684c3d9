package datasets

// obs is Dynamic Obstacle Avoidance (by varunverlencar), the direction to steer in
// front of an obstacle, grey images of 80x45.
//
// Source: a folder of images per class. They have no reader here yet, so it is
// always a stand-in.
func obs() entry {
	return entry{
		name:       "obs",
		shape:      [3]int{45, 80, 1},
		classes:    4,
		classNames: []string{"Forward", "Left", "Right", "Stop"},
		problem: problem{
			paint: scene, variants: 3, shift: [2]int{2, 4},
			amplitude: [2]float64{0.7, 1}, distract: 0.4, noise: 0.25, wrong: 0.06,
			train: 2000, test: 500,
		},
	}
}
