package features

import (
	"math"
	"slices"
	"testing"
)

func mfcc(t *testing.T, samples []float64) []float32 {
	t.Helper()
	v, err := NewMFCC().Extract(samples)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// The values are those of this snippet, with numpy 2.4.2 and scipy 1.17.0:
//
//	import numpy as np
//	from scipy.fft import dct
//	from scipy.signal import get_window
//	t = np.arange(16000) / 16000
//	x = 0.6*np.sin(2*np.pi*(100*t + 2000*t**2)) + 0.01*np.cos(2*np.pi*3123.4*t)
//	w = get_window("hann", 512)  # periodic
//	X = np.stack([np.fft.rfft(w * x[i:i+512]) for i in range(0, 16000-511, 256)])
//	P = abs(X)**2 / (w.sum()/2)**2
//	mel = lambda f: 2595*np.log10(1 + f/700)
//	f = 700*(10**(np.linspace(mel(0), mel(8000), 42)/2595) - 1)
//	bins = np.arange(257)*16000/512
//	W = np.array([np.interp(bins, f[i:i+3], [0, 1, 0]) for i in range(40)])
//	C = dct(np.log(np.maximum(P @ W.T, 1e-10)), type=2, norm="ortho", axis=1)[:, 1:14]
//	C = (C - C.mean(axis=0)) / 80
//	print(C.shape, [C[0, 0], C[0, 12], C[17, 3], C[30, 6], C[60, 0], C[60, 12]])
//	print((C.ravel() * (np.arange(C.size) % 7 + 1)).sum())
func TestMFCCOfChirp(t *testing.T) {
	x := make([]float64, 16000)
	for i := range x {
		s := float64(i) / 16000
		x[i] = 0.6*math.Sin(2*math.Pi*(100*s+2000*s*s)) + 0.01*math.Cos(2*math.Pi*3123.4*s)
	}
	got := mfcc(t, x)
	at := func(frame, k int) float64 { return float64(got[frame*13+k]) }
	near(t, "frame 0, coefficient 1", at(0, 0), 0.34026332515911306)
	near(t, "frame 0, coefficient 13", at(0, 12), -0.04209627074884257)
	near(t, "frame 17, coefficient 4", at(17, 3), 0.08566226137896252)
	near(t, "frame 30, coefficient 7", at(30, 6), 0.14485327746794863)
	near(t, "frame 60, coefficient 1", at(60, 0), -0.18595940564500957)
	near(t, "frame 60, coefficient 13", at(60, 12), 0.08604298406429507)
	near(t, "weighted sum", weighted(got), -0.980081548999606)
}

// A tone in the middle of bin 64 has, under a Hann window, its power in that bin and a
// quarter of it in each of the two beside; all other bins are empty. In the first 30
// frames there is one tone, in the last 30 none, in the middle half of one: a coefficient
// is its distance from the mean of them.
func TestMFCCOfTone(t *testing.T) {
	const tones = 30
	x := sine(16000, 16000, 2000, 0.5, 0.3)
	clear(x[(tones+1)*256:])
	got := mfcc(t, x)
	var logs [40]float64
	step := toMel(8000) / 41
	for b := range logs {
		lo, mid, hi := fromMel(float64(b)*step), fromMel(float64(b+1)*step), fromMel(float64(b+2)*step)
		var e float64
		for bin, power := range map[float64]float64{63: 0.0625, 64: 0.25, 65: 0.0625} {
			f := bin * 31.25
			switch {
			case f > lo && f <= mid:
				e += power * (f - lo) / (mid - lo)
			case f > mid && f < hi:
				e += power * (hi - f) / (hi - mid)
			}
		}
		logs[b] = math.Log(math.Max(e, 1e-10))
	}
	for k := 1; k <= 13; k++ {
		var want float64
		for b, e := range logs {
			// Coefficients of silence are 0, whatever its level.
			want += math.Sqrt(1.0/20) * math.Cos(math.Pi/40*float64(k)*(float64(b)+0.5)) * e
		}
		for frame := range tones {
			near(t, "a coefficient", float64(got[frame*13+k-1]-got[60*13+k-1]), want/80)
		}
		var sum float64
		for frame := range MFCCFrames {
			sum += float64(got[frame*13+k-1])
		}
		if math.Abs(sum) > 1e-5 {
			t.Errorf("coefficient %d: the frames add up to %g, want 0", k, sum)
		}
	}
}

// An impulse has a flat spectrum, whose level is the window at its place. The
// coefficients do not depend on the level, since coefficient 0 alone holds it.
func TestMFCCOfImpulse(t *testing.T) {
	x := make([]float64, 16000)
	x[256*10+100] = 1 // at 356 in frame 9 and at 100 in frame 10
	got := mfcc(t, x)
	for frame := range MFCCFrames {
		row := got[frame*13:][:13]
		if frame == 9 || frame == 10 {
			near(t, "the slope", float64(row[0]), float64(got[9*13]))
			if row[0] > got[0]-3.0/80 {
				t.Errorf("frame %d: coefficient 1 is %g, but wider bands hold more", frame, row[0])
			}
			continue
		}
		for k, v := range row { // silence is 0, and two frames of 61 move the mean
			near(t, "silence", float64(v), -2.0/59*float64(got[9*13+k]))
		}
	}
}

func TestMFCCLength(t *testing.T) {
	long := sine(20000, 16000, 1234, 0.5, 0)
	full := mfcc(t, long[:16000])
	if !slices.Equal(mfcc(t, long), full) {
		t.Error("a longer clip is not cut at its end")
	}
	padded := slices.Concat(long[:5000], make([]float64, 11000))
	m := NewMFCC()
	var got []float32
	for _, x := range [][]float64{long, long[:5000]} { // the first leaves its samples behind
		var err error
		if got, err = m.Extract(x); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(got, mfcc(t, padded)) {
		t.Error("a shorter clip is not padded by zeros")
	}
	for _, v := range mfcc(t, nil) {
		near(t, "a coefficient of an empty clip", float64(v), 0)
	}
}

func TestMFCCErrors(t *testing.T) {
	m := NewMFCC()
	for _, v := range bad {
		if _, err := m.Extract([]float64{0, v}); err == nil {
			t.Errorf("no error for %g", v)
		}
	}
	dst, err := m.Extract(slices.Repeat([]float64{maxInput}, 16000))
	if err != nil {
		t.Error(err)
	}
	for _, v := range dst {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			t.Fatalf("%g for the largest input", v)
		}
	}
}

func BenchmarkMFCC(b *testing.B) {
	m := NewMFCC()
	x := sine(16000, 16000, 1234, 0.5, 0)
	for b.Loop() {
		if _, err := m.Extract(x); err != nil {
			b.Fatal(err)
		}
	}
}
