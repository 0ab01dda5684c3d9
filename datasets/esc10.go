package datasets

// esc10 is ESC-10, environmental sounds, 60 mel bands by 41 frames and their change
// over time.
//
// Source: https://github.com/karoldvl/ESC-50/archive/master.zip. Its files have no
// reader here yet, so it is always a stand-in.
func esc10() entry {
	return entry{
		name:    "esc10",
		shape:   [3]int{60, 41, 2},
		classes: 10,
		classNames: []string{"dog", "rooster", "rain", "sea_waves", "crackling_fire",
			"crying_baby", "sneezing", "clock_tick", "helicopter", "chainsaw"},
		problem: problem{
			paint: partials(5, true), variants: 3, shift: [2]int{1, 5},
			amplitude: [2]float64{0.4, 1}, distract: 0.6, noise: 0.3, wrong: 0.08,
			features: true, train: 2000, test: 500,
		},
	}
}
