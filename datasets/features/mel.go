package features

import (
	"math"

	"gonum.org/v1/gonum/dsp/fourier"
)

// powerFloor is the least energy of a band before the logarithm: -100 dB.
const powerFloor = 1e-10

// A melSpectrogram computes the logarithmic energies of mel bands in frames of a
// signal. Frame t covers the samples from t*hop, with no padding at either end, under
// a periodic Hann window. Power is scaled so that a sinusoid of amplitude 1, full
// scale, has 1 in its bin.
type melSpectrogram struct {
	hop    int
	window []float64
	scale  float64
	fft    *fourier.FFT
	bank   *melBank

	frame []float64
	bins  []complex128
	power []float64
}

func newMelSpectrogram(size, hop int, bank *melBank) *melSpectrogram {
	m := &melSpectrogram{
		hop:    hop,
		window: make([]float64, size),
		fft:    fourier.NewFFT(size),
		bank:   bank,
		frame:  make([]float64, size),
		bins:   make([]complex128, size/2+1),
		power:  make([]float64, size/2+1),
	}
	var sum float64
	for i := range m.window {
		m.window[i] = (1 - math.Cos(2*math.Pi*float64(i)/float64(size))) / 2
		sum += m.window[i]
	}
	m.scale = 4 / (sum * sum)
	return m
}

// frames returns how many frames fit into n samples.
func (m *melSpectrogram) frames(n int) int {
	if n < len(m.window) {
		return 0
	}
	return (n-len(m.window))/m.hop + 1
}

// logEnergies sets dst to the natural logarithms of the bands' energies in frame t,
// floored at powerFloor.
func (m *melSpectrogram) logEnergies(dst, samples []float64, t int) {
	for i, v := range samples[t*m.hop:][:len(m.window)] {
		m.frame[i] = v * m.window[i]
	}
	m.fft.Coefficients(m.bins, m.frame)
	for k, c := range m.bins {
		m.power[k] = (real(c)*real(c) + imag(c)*imag(c)) * m.scale
	}
	m.bank.apply(dst, m.power)
	for i, e := range dst {
		dst[i] = math.Log(max(e, powerFloor))
	}
}

// A melBank weighs and sums the bins of a power spectrum in overlapping bands whose
// width grows with frequency, as hearing does.
//
// The bands are triangles with peak 1, not normalised by their width. Their corners
// are equally spaced on the mel scale of HTK, mel(f) = 2595 log10(1 + f/700), every
// band reaching from the peak of the one before to the peak of the one after. The
// triangles are evaluated at the frequencies of the bins, linearly in frequency.
type melBank struct {
	first   []int       // per band, the first bin with a weight
	weights [][]float64 // per band, the weights of the bins from there
}

// newMelBank returns n bands between the frequencies lo and hi, for spectra of size/2+1
// bins at the given sample rate.
func newMelBank(n int, lo, hi float64, size int, rate float64) *melBank {
	corners := make([]float64, n+2)
	for i := range corners {
		corners[i] = fromMel(toMel(lo) + (toMel(hi)-toMel(lo))*float64(i)/float64(n+1))
	}
	b := &melBank{first: make([]int, n), weights: make([][]float64, n)}
	for i := range n {
		for k := range size/2 + 1 {
			w := triangle(corners[i:i+3], float64(k)*rate/float64(size))
			if w <= 0 {
				continue
			}
			if b.weights[i] == nil {
				b.first[i] = k
			}
			b.weights[i] = append(b.weights[i], w)
		}
	}
	return b
}

// triangle returns the height at f of the triangle over three corners.
func triangle(c []float64, f float64) float64 {
	return min((f-c[0])/(c[1]-c[0]), (c[2]-f)/(c[2]-c[1]))
}

// apply sets dst[i] to the energy of band i of a power spectrum.
func (b *melBank) apply(dst, power []float64) {
	for i, weights := range b.weights {
		bins := power[b.first[i]:]
		var sum float64
		for k, w := range weights {
			sum += w * bins[k]
		}
		dst[i] = sum
	}
}

func toMel(f float64) float64   { return 2595 * math.Log10(1+f/700) }
func fromMel(m float64) float64 { return 700 * (math.Pow(10, m/2595) - 1) }
