package synth

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/dsp/fourier"
)

// powers returns the energy of v at multiples of hz/len(v), seen through a Hann window.
func powers(v []float64) []float64 { return addPowers(nil, v, fourier.NewFFT(len(v))) }

// addPowers adds what powers returns to p.
func addPowers(p, v []float64, fft *fourier.FFT) []float64 {
	seen := make([]float64, len(v))
	for i, x := range v {
		seen[i] = x * (1 - math.Cos(2*math.Pi*float64(i)/float64(len(v)))) / 2
	}
	coefficients := fft.Coefficients(nil, seen)
	if p == nil {
		p = make([]float64, len(coefficients))
	}
	for i, c := range coefficients {
		p[i] += real(c)*real(c) + imag(c)*imag(c)
	}
	return p
}

// combShare returns the share of the energy that lies within width hertz of the
// multiples of pitch.
func combShare(p []float64, bin, pitch, width float64) float64 {
	var in, all float64
	for i, x := range p {
		f := float64(i) * bin
		if d := math.Abs(f - pitch*math.Round(f/pitch)); f > pitch/2 && d <= width {
			in += x
		}
		all += x
	}
	return in / all
}

// bestComb returns the pitch near the given one with the highest combShare, and the share.
func bestComb(p []float64, bin, near, within, width float64) (pitch, share float64) {
	for f := near * (1 - within); f <= near*(1+within); f += bin / 20 {
		if s := combShare(p, bin, f, width); s > share {
			pitch, share = f, s
		}
	}
	return pitch, share
}

// centroid returns the mean frequency of the energy.
func centroid(p []float64, bin float64) float64 {
	var sum, all float64
	for i, x := range p {
		sum += x * float64(i) * bin
		all += x
	}
	return sum / all
}

// loudBands returns the logarithms of the energies in bands of about a third of an
// octave.
func loudBands(v []float64) (bands []float64) {
	const n = 1024
	fft := fourier.NewFFT(n)
	var p []float64
	for ; len(v) >= n; v = v[n:] {
		p = addPowers(p, v[:n], fft)
	}
	for low := 4; low < n/2; {
		high := min(low+low/4+1, n/2)
		var sum float64
		for _, x := range p[low:high] {
			sum += x
		}
		bands = append(bands, math.Log(sum+1e-9))
		low = high
	}
	return bands
}

func TestNewWave(t *testing.T) {
	w := newWave([]float64{1, 0, 0.5})
	var sum float64
	for _, x := range w[:waveSize] {
		sum += x * x
	}
	if got := sum / waveSize; math.Abs(got-1) > 1e-9 {
		t.Errorf("mean square %v, want 1", got)
	}
	v := make([]float64, 1024)
	for i := range v {
		v[i] = w.at(float64(i)*64/1024 - 7.3)
	}
	p := powers(v)
	if got := (p[64] + p[63] + p[65]) / (p[192] + p[191] + p[193]); math.Abs(got-4) > 0.01 {
		t.Errorf("harmonic 1 has %v times the energy of harmonic 3, want 4", got)
	}
	if share := combShare(p, 1, 64, 1); share < 0.9999 {
		t.Errorf("a share of %v is at harmonics", share)
	}
	for _, place := range []float64{0, 1, -1, -1e-18, math.Nextafter(1, 0), 1e9 + 0.5} {
		if x := w.at(place); math.IsNaN(x) || math.Abs(x) > 3 {
			t.Errorf("at(%v) = %v", place, x)
		}
	}
}

func TestResonator(t *testing.T) {
	const n = 4096
	for _, middle := range []float64{0.02, 0.1, 0.37} {
		var q resonator
		q.tune(middle, 0.01)
		v := make([]float64, 2*n)
		for i := range v {
			v[i] = q.next(math.Sin(2 * math.Pi * middle * float64(i)))
		}
		if got := rms(v[n:]) * math.Sqrt2; math.Abs(got-1) > 0.02 {
			t.Errorf("gain %v in the middle of a band at %v, want 1", got, middle)
		}
		q = resonator{}
		q.tune(middle, 0.01)
		clear(v)
		for i := range v {
			x := 0.0
			if i == 0 {
				x = 1
			}
			v[i] = q.next(x)
		}
		p := fourier.NewFFT(2*n).Coefficients(nil, v)
		edge := p[int(math.Round((middle+0.005)*2*n))] // the energy is halved there
		if got := math.Hypot(real(edge), imag(edge)); math.Abs(got-math.Sqrt(0.5)) > 0.08 {
			t.Errorf("gain %v at the edge of a band at %v, want 0.7", got, middle)
		}
	}
}

func TestAddNoise(t *testing.T) {
	var last float64
	for _, memory := range []float64{0.95, 0.5, 0} {
		v := make([]float64, 1<<15)
		addNoise(v, 0.3, memory, seeded(3, 3))
		if got := rms(v); math.Abs(got-0.3) > 0.02 {
			t.Errorf("memory %v: deviation %v, want 0.3", memory, got)
		}
		middle := centroid(powers(v), 1)
		if middle <= last {
			t.Errorf("memory %v: mean frequency %v, not above that of more memory, %v", memory, middle, last)
		}
		last = middle
	}
	if want := float64(1 << 14); math.Abs(last/(want/2)-1) > 0.03 {
		t.Errorf("white noise has its mean frequency at %v, want %v", last, want/2)
	}
}
