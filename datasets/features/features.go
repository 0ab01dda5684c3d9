// Package features turns sounds and movements into the inputs of the networks: MFCC
// for spoken words, LogMel and Segments for sounds of the surroundings, Spectra for
// the motion sensors of phones.
//
// The original work that this module reproduces shipped finished arrays and no code
// that made them. Every constant here is therefore a choice of this package, made to
// fit the input shapes and the usual practice for each dataset. All of them are given
// with the type they belong to. Standardisation, which needs statistics of the
// training data, is left to the caller.
//
// Extractors are built once and hold tables and scratch memory. None is safe for
// concurrent use: take one for every goroutine. They can differ in the last bits
// between processor architectures, not between runs.
package features

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/dsp/fourier"
)

// maxInput bounds the input of every extractor. Larger values could overflow once
// squared and summed.
const maxInput = 1e100

// check returns an error if a value is not finite or absurdly large.
func check(x []float64) error {
	for i, v := range x {
		if !(math.Abs(v) <= maxInput) {
			return fmt.Errorf("features: value %d is %g", i, v)
		}
	}
	return nil
}

// powerFloor is the least energy of a band before the logarithm: -100 dB.
const powerFloor = 1e-10

// A melSpectrogram computes the logarithmic energies of mel bands in frames of a signal, as
// LogMel and MFCC say. Frame t covers the samples from t*hop.
//
// The corners of the bands are equally spaced on the mel scale from 0 to half the sample
// rate, every band reaching from the peak of the one before to the peak of the one after.
// The triangles are evaluated at the frequencies of the bins, linearly in frequency.
type melSpectrogram struct {
	hop    int
	window []float64
	scale  float64
	fft    *fourier.FFT

	first   []int       // per band, the first bin with a weight
	weights [][]float64 // per band, the weights of the bins from there

	frame []float64
	bins  []complex128
	power []float64
}

func newMelSpectrogram(size, hop, bands int, rate float64) *melSpectrogram {
	m := &melSpectrogram{
		hop:     hop,
		window:  make([]float64, size),
		fft:     fourier.NewFFT(size),
		first:   make([]int, bands),
		weights: make([][]float64, bands),
		frame:   make([]float64, size),
		bins:    make([]complex128, size/2+1),
		power:   make([]float64, size/2+1),
	}
	var sum float64
	for i := range m.window {
		m.window[i] = (1 - math.Cos(2*math.Pi*float64(i)/float64(size))) / 2
		sum += m.window[i]
	}
	m.scale = 4 / (sum * sum)
	corner := func(i int) float64 { return fromMel(toMel(rate/2) * float64(i) / float64(bands+1)) }
	for i := range bands {
		low, peak, high := corner(i), corner(i+1), corner(i+2)
		for k := range m.power {
			f := float64(k) * rate / float64(size)
			w := min((f-low)/(peak-low), (high-f)/(high-peak))
			if w <= 0 {
				continue
			}
			if m.weights[i] == nil {
				m.first[i] = k
			}
			m.weights[i] = append(m.weights[i], w)
		}
	}
	return m
}

// frames returns how many frames fit into n samples, no fewer than a window has.
func (m *melSpectrogram) frames(n int) int {
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
	for i, weights := range m.weights {
		var sum float64
		for k, w := range weights {
			sum += w * m.power[m.first[i]+k]
		}
		dst[i] = math.Log(max(sum, powerFloor))
	}
}

func toMel(f float64) float64   { return 2595 * math.Log10(1+f/700) }
func fromMel(m float64) float64 { return 700 * (math.Pow(10, m/2595) - 1) }
