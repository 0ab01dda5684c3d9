package features

import (
	"math"
	"slices"
	"testing"
)

func spectrogram(t *testing.T, samples []float64) []float64 {
	t.Helper()
	spec, err := NewLogMel().spectrogram(samples)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// The values are those of this snippet, with numpy 2.4.2 and scipy 1.17.0:
//
//	import numpy as np
//	from scipy.signal import get_window
//	n = 45000
//	t = np.arange(n) / 22050
//	i = np.arange(n)
//	x = 0.5*np.sin(2*np.pi*(200*t + 2000*t**2)) * np.exp(-t) + 0.01*((i*i*7919) % 65537 / 65537 - 0.5)
//	w = get_window("hann", 1024)  # periodic
//	X = np.stack([np.fft.rfft(w * x[i:i+1024]) for i in range(0, n-1023, 512)])
//	P = abs(X)**2 / (w.sum()/2)**2
//	mel = lambda f: 2595*np.log10(1 + f/700)
//	f = 700*(10**(np.linspace(0, mel(11025), 62)/2595) - 1)
//	bins = np.arange(513)*22050/1024
//	W = np.array([np.interp(bins, f[i:i+3], [0, 1, 0]) for i in range(60)])
//	L = np.log(np.maximum(P @ W.T, 1e-10))
//	pad = np.pad(L, ((4, 4), (0, 0)), mode="edge")
//	k = np.arange(4, -5, -1) / 60  # np.convolve turns it round
//	D = np.stack([np.convolve(pad[:, b], k, mode="valid") for b in range(60)], axis=1)
//	print(L.shape, D.shape)
//	S = [np.stack([L[s:s+41].T, D[s:s+41].T], axis=2) for s in (0, 20, 40)]
//	print([L[0, 0], L[0, 5], L[40, 30], L[85, 59]])
//	print([S[0][5, 0, 1], S[0][59, 40, 0], S[1][20, 20, 1], S[2][10, 40, 1], S[2][33, 40, 0]])
//	print([(s.ravel() * (np.arange(s.size) % 7 + 1)).sum() for s in S])
func TestLogMelOfChirp(t *testing.T) {
	x := make([]float64, 45000)
	for i := range x {
		s := float64(i) / 22050
		x[i] = 0.5*math.Sin(2*math.Pi*(200*s+2000*s*s))*math.Exp(-s) +
			0.01*(float64(i*i*7919%65537)/65537-0.5)
	}
	spec := spectrogram(t, x)
	if len(spec) != 86*60 {
		t.Fatalf("%d values, want 86 frames", len(spec))
	}
	near(t, "frame 0, band 0", spec[0], -15.2906152538338)
	near(t, "frame 0, band 5", spec[5], -3.715313672283664)
	near(t, "frame 40, band 30", spec[40*60+30], -14.755867086520636)
	near(t, "frame 85, band 59", spec[85*60+59], -13.438818762881334)

	segs, err := NewLogMel().Segments(x)
	if err != nil {
		t.Fatal(err)
	}
	if len(segs) != 3 {
		t.Fatalf("%d segments, want 3", len(segs))
	}
	at := func(seg, band, frame, channel int) float64 {
		return float64(segs[seg][(band*41+frame)*2+channel])
	}
	near(t, "segment 0: delta of band 5, frame 0", at(0, 5, 0, 1), -2.0061136596979914)
	near(t, "segment 0: band 59, frame 40", at(0, 59, 40, 0), -13.530581931590689)
	near(t, "segment 1: delta of band 20, frame 20", at(1, 20, 20, 1), 0.014038394807919019)
	near(t, "segment 2: delta of band 10, frame 40", at(2, 10, 40, 1), 0.31455515241211573)
	near(t, "segment 2: band 33, frame 40", at(2, 33, 40, 0), -14.937149355739175)
	for i, want := range []float64{-141935.8709542966, -144691.94312067208, -145710.54771751506} {
		near(t, "weighted sum of a segment", weighted(segs[i]), want)
	}
}

// A tone in the middle of bin 200, see TestMFCCOfTone.
func TestLogMelOfTone(t *testing.T) {
	const freq = 200 * 22050.0 / 1024
	spec := spectrogram(t, sine(30000, 22050, freq, 0.1, 1))
	step := toMel(11025) / 61
	for i, v := range spec {
		b := float64(i % 60)
		lo, mid, hi := fromMel(b*step), fromMel((b+1)*step), fromMel((b+2)*step)
		var e float64
		for bin, power := range map[float64]float64{199: 0.0025, 200: 0.01, 201: 0.0025} {
			f := bin * 22050 / 1024
			e += power * math.Max(0, math.Min((f-lo)/(mid-lo), (hi-f)/(hi-mid)))
		}
		near(t, "a band", v, math.Log(math.Max(e, 1e-10)))
	}
}

// An impulse gives every band the energy of its weights, in the frames that see it.
func TestLogMelOfImpulse(t *testing.T) {
	x := make([]float64, 30000)
	x[512*20+256] = 1 // a quarter into frame 20, three quarters into frame 19
	spec := spectrogram(t, x)
	bank := newMelSpectrogram(1024, 512, 60, 22050)
	for i, v := range spec {
		want := math.Log(1e-10)
		if frame := i / 60; frame == 19 || frame == 20 {
			const hann = 0.5 // at a quarter
			var sum float64
			for _, w := range bank.weights[i%60] {
				sum += w
			}
			want = math.Log(hann * hann * sum / (256 * 256))
		}
		near(t, "a band", v, want)
	}
}

func TestLogMelLength(t *testing.T) {
	for n, frames := range map[int]int{
		0: 41, 1: 41, 1023: 41, 21503: 41, 21504: 41, 22015: 41, 22016: 42, 88200: 171, 110250: 214,
	} {
		if got := len(spectrogram(t, make([]float64, n))); got != frames*60 {
			t.Errorf("%d samples: %d values, want %d frames", n, got, frames)
		}
	}
	m := NewLogMel()
	long := sine(21504, 22050, 1234, 0.5, 0)
	want := spectrogram(t, slices.Concat(long[:5000], make([]float64, 16504)))
	var got []float64
	for _, x := range [][]float64{long[:21503], long[:5000]} { // the first leaves its samples behind
		var err error
		if got, err = m.spectrogram(x); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(got, want) {
		t.Error("a shorter clip is not padded by zeros")
	}
}

func TestLogMelErrors(t *testing.T) {
	for _, v := range bad {
		if _, err := NewLogMel().Segments([]float64{0, v}); err == nil {
			t.Errorf("no error for %g", v)
		}
	}
}

func BenchmarkLogMel(b *testing.B) {
	m := NewLogMel()
	x := sine(88200, 22050, 1234, 0.5, 0)
	for b.Loop() {
		if _, err := m.Segments(x); err != nil {
			b.Fatal(err)
		}
	}
}
