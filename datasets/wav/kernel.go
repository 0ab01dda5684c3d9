package wav

import "math"

// The design of the low-pass filter, by Kaiser's formulas.
const (
	attenuation = 80.0 // dB, of the stop band
	passEdge    = 0.9  // of the lower Nyquist frequency; the stop band begins at 1
	kaiserBeta  = 0.1102 * (attenuation - 8.7)

	// maxPhases bounds the rows of a table. Ratios that need more interpolate
	// linearly between rows, an error of about 1e-6.
	maxPhases = 1024
)

// A kernel holds an interpolation filter at equally spaced positions between two
// samples. Row p serves the position p/phases after sample i. Its taps weigh the
// samples i-half+1 to i+half and sum up to one.
type kernel struct {
	half   int // taps on each side
	phases int
	up     int       // positions are multiples of 1/up
	table  []float64 // phases+1 rows of 2*half taps
}

// newKernel returns the kernel for positions at multiples of 1/up that passes
// frequencies up to band, a fraction of the Nyquist frequency of the input.
func newKernel(up int, band float64) *kernel {
	var (
		cutoff = band * (1 + passEdge) / 2
		slope  = band * (1 - passEdge) / 2 // width of the transition in cycles a sample
		reach  = (attenuation - 7.95) / (2 * 14.36 * slope)
		k      = &kernel{half: int(math.Ceil(reach)), phases: min(up, maxPhases), up: up}
	)
	k.table = make([]float64, (k.phases+1)*2*k.half)
	for p := range k.phases + 1 {
		row := k.taps(p)
		var sum float64
		for j := range row {
			t := float64(j-k.half+1) - float64(p)/float64(k.phases)
			row[j] = sinc(cutoff*t) * kaiser(t/reach)
			sum += row[j]
		}
		for j := range row {
			row[j] /= sum
		}
	}
	return k
}

// row returns the row for the position rem/up, and how far the position lies on the
// way to the next row.
func (k *kernel) row(rem int) (row int, frac float64) {
	if k.phases == k.up {
		return rem, 0
	}
	pos := float64(rem) * float64(k.phases) / float64(k.up)
	row = int(pos)
	return row, pos - float64(row)
}

// taps returns row p.
func (k *kernel) taps(p int) []float64 {
	return k.table[p*2*k.half : (p+1)*2*k.half]
}

func sinc(t float64) float64 {
	if t == 0 {
		return 1
	}
	return math.Sin(math.Pi*t) / (math.Pi * t)
}

// kaiser returns the Kaiser window at t, up to a constant factor; it is zero outside
// of -1 to 1.
func kaiser(t float64) float64 {
	if t <= -1 || t >= 1 {
		return 0
	}
	return bessel0(kaiserBeta * math.Sqrt(1-t*t))
}

// bessel0 returns the modified Bessel function of the first kind and order zero, by
// its power series, for the small arguments needed here.
func bessel0(x float64) float64 {
	sum, term := 1.0, 1.0
	for n := 1.0; term > 1e-17*sum; n++ {
		term *= x * x / (4 * n * n)
		sum += term
	}
	return sum
}
