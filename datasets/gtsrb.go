package datasets

// gtsrb is the German traffic sign benchmark, 43 classes, grey images of 32x32.
//
// Source: https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/. Its
// files have no reader here yet, so it is always a stand-in.
func gtsrb() entry {
	return entry{
		name:    "gtsrb",
		shape:   [3]int{32, 32, 1},
		classes: 43,
		classNames: []string{
			"speed limit 20", "speed limit 30", "speed limit 50", "speed limit 60", "speed limit 70",
			"speed limit 80", "end of speed limit 80", "speed limit 100", "speed limit 120",
			"no passing", "no passing for trucks", "right of way at the next crossing",
			"priority road", "yield", "stop", "no vehicles", "no trucks", "no entry",
			"general caution", "curve to the left", "curve to the right", "double curve",
			"bumpy road", "slippery road", "road narrows on the right", "road works",
			"traffic signals", "pedestrians", "children crossing", "bicycles crossing",
			"ice or snow", "wild animals", "end of all limits", "turn right ahead",
			"turn left ahead", "ahead only", "straight or right", "straight or left",
			"keep right", "keep left", "roundabout", "end of no passing",
			"end of no passing for trucks",
		},
		problem: problem{
			paint: sign, variants: 1, shift: [2]int{1, 1},
			amplitude: [2]float64{0.6, 1}, distract: 0.3, noise: 0.12, wrong: 0.04,
			train: 4000, test: 1000,
		},
	}
}
