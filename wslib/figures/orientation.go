package figures

// orientation is how the samples of a dataset of features are shown.
type orientation struct {
	byTime bool   // rows are times; if not, columns are
	says   string // what the picture's directions are
}

// orientations has the datasets of features by name, as a shape does not tell what it
// is of. All others are images.
var orientations = map[string]orientation{
	"gsc":   {true, "Cepstral coefficients (MFCC): time to the right, coefficients 1 to 13 upward."},
	"esc10": {false, "Log-mel spectrograms: time to the right, pitch upward."},
	"us8k":  {false, "Log-mel spectrograms: time to the right, pitch upward."},
	"hhar": {true, "Spectra: time to the right; upward accelerometer x, y, z and gyroscope x, y, z, " +
		"of each 10 magnitudes, then 10 phases, by frequency."},
}

// upright returns a sample as it is shown: time to the right, and what was the first
// row or, by time, the first column at the bottom.
func (o orientation) upright(v []float32, height, width int) []float32 {
	channels := len(v) / (height * width)
	turned := make([]float32, 0, len(v))
	add := func(row, col int) {
		at := (row*width + col) * channels
		turned = append(turned, v[at:at+channels]...)
	}
	if o.byTime {
		for col := width - 1; col >= 0; col-- {
			for row := range height {
				add(row, col)
			}
		}
		return turned
	}
	for row := height - 1; row >= 0; row-- {
		for col := range width {
			add(row, col)
		}
	}
	return turned
}
