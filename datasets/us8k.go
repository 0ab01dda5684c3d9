package datasets

// us8k is UrbanSound8K, sounds of a city, 60 mel bands by 41 frames and their change
// over time.
//
// Source: https://zenodo.org/record/1203745/files/UrbanSound8K.tar.gz. Its files have
// no reader here yet, so it is always a stand-in.
func us8k() entry {
	return entry{
		name:    "us8k",
		shape:   [3]int{60, 41, 2},
		classes: 10,
		classNames: []string{"air_conditioner", "car_horn", "children_playing", "dog_bark",
			"drilling", "engine_idling", "gun_shot", "jackhammer", "siren", "street_music"},
		problem: problem{
			paint: beats(3), variants: 3, shift: [2]int{1, 4},
			amplitude: [2]float64{0.4, 1}, distract: 0.8, noise: 0.6, wrong: 0.15,
			features: true, train: 2500, test: 500,
		},
	}
}
