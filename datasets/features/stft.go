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
