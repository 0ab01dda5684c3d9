package features

import (
	"math"
	"testing"
)

// The values are those of numpy for
// 2595*np.log10(1 + f/700). The scale is meant to give 1000 at 1000 Hz.
func TestMelScale(t *testing.T) {
	for f, want := range map[float64]float64{
		0: 0, 20: 31.748414402145066, 1000: 999.9855371396244, 8000: 2840.023046708319,
		11025: 3176.318435512582,
	} {
		if got := toMel(f); math.Abs(got-want) > 1e-6 {
			t.Errorf("mel(%g) = %.10g, want %.10g", f, got, want)
		}
		if got := fromMel(toMel(f)); math.Abs(got-f) > 1e-9 {
			t.Errorf("the inverse of mel(%g) is %g", f, got)
		}
	}
}

// Between the first and the last peak, the overlapping triangles add up to one.
func TestMelBankCovers(t *testing.T) {
	for _, c := range []struct {
		n    int
		rate float64
		size int
	}{
		{mfccBands, mfccRate, mfccWindow},
		{LogMelBands, LogMelRate, logMelWindow},
	} {
		b := newMelSpectrogram(c.size, 1, c.n, c.rate)
		sums := make([]float64, c.size/2+1)
		for i, weights := range b.weights {
			if len(weights) == 0 {
				t.Errorf("band %d of %d is empty", i, c.n)
			}
			for k, w := range weights {
				if w <= 0 || w > 1 {
					t.Errorf("band %d of %d: weight %g", i, c.n, w)
				}
				sums[b.first[i]+k] += w
			}
		}
		step := toMel(c.rate/2) / float64(c.n+1)
		first, last := fromMel(step), fromMel(toMel(c.rate/2)-step)
		for k, sum := range sums {
			f := float64(k) * c.rate / float64(c.size)
			if f >= first && f <= last && math.Abs(sum-1) > 1e-12 {
				t.Errorf("%d bands: the weights at %g Hz add up to %g", c.n, f, sum)
			}
			if (f <= 0 || f >= c.rate/2) && sum != 0 {
				t.Errorf("%d bands: weight %g at %g Hz", c.n, sum, f)
			}
		}
	}
}
