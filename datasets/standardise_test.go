package datasets

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// unlike returns files in which test samples are not at all like training samples, so
// that statistics over all samples are others than those of training.
func unlike(name string) (files []file) {
	switch name {
	case "us8k":
		for i := range 12 {
			name := fmt.Sprintf("audio/fold1/%d-%d-0-0.wav", i, i%2)
			files = append(files, file{name, second(float64(200 + 50*i))})
		}
		return append(files, file{"audio/fold10/99-0-0-0.wav", wav16(22050, tone(22050, 22050, 5000, 0.01))})
	}
	var phones [][]string
	for i, user := range []string{"a", "b", "c", "d", "h"} {
		offset := float64(i*i*i + 1)
		phones = append(phones, rowsOf(stretch{user: user, device: "p", gt: "walk", seconds: 17,
			value: func(t float64) [3]float64 {
				return [3]float64{offset * math.Sin(2*math.Pi*4*t), offset - 2, 9.81}
			}}))
	}
	return both(phones...)
}

// Each number is standardised by its mean and deviation over the training samples: not
// those held out, nor the test samples. Here that is computed anew, in two passes.
func TestStandardised(t *testing.T) {
	for name, period := range map[string]int{"us8k": 2, "hhar": 120} {
		dir := t.TempDir()
		unpack(t, dir, under(name, unlike(name))...)
		o := Options{Dir: dir, CacheDir: t.TempDir()}
		d, err := Open(t.Context(), name, o)
		if err != nil {
			t.Fatal(name, err)
		}
		mean, deviation := statistics(d.Train, period)
		others := 0
		everyMean, _ := statistics(everything(d), period)
		for k := range period {
			if math.Abs(mean[k]-everyMean[k]) > 1e-3 {
				others++
			}
		}
		if others == 0 {
			t.Errorf("%s: the training samples have the means of all samples: nothing is tested", name)
		}
		for part, s := range map[string]*Split{"training": d.Train, "validation": d.Validation,
			"test": d.Test} {
			if s.Len() == 0 {
				t.Errorf("%s: no %s samples", name, part)
			}
			for i := range s.Len() {
				raw := stored(s, i)
				for j, got := range s.Sample(i) {
					k := j % period
					want := 0.0 // a constant has no deviation
					if deviation[k] > 1e-6 {
						want = (float64(raw[j]) - mean[k]) / deviation[k]
					}
					if math.Abs(float64(got)-want) > 1e-3*max(1, math.Abs(want)) {
						t.Errorf("%s: %s sample %d, value %d is %v, want %v", name, part, i, j, got, want)
						return
					}
				}
			}
		}

		// Fewer samples for a short run are the same samples.
		o.MaxTrain, o.MaxTest = d.Provenance.Train/2, 1
		short, err := Open(t.Context(), name, o)
		if err != nil {
			t.Fatal(name, err)
		}
		for part, pair := range map[string][2]*Split{"training": {short.Train, d.Train},
			"validation": {short.Validation, d.Validation},
			"test":       {short.Test, d.Test}} {
			few, all := pair[0], pair[1]
			for i := range few.Len() {
				at := slices.Index(all.rows, few.rows[i])
				if at < 0 || !slices.Equal(few.Sample(i), all.Sample(at)) ||
					few.Labels[i] != all.Labels[at] || few.Groups[i] != all.Groups[at] {
					t.Errorf("%s: %s sample %d of a short run is not one of a long run", name, part, i)
				}
			}
		}
		if n := short.Train.Len() + short.Validation.Len(); n != o.MaxTrain {
			t.Errorf("%s: %d training samples, want %d", name, n, o.MaxTrain)
		}
	}
}

// stored returns the values of sample i before they are standardised.
func stored(s *Split, i int) []float32 {
	at := int(s.row(i)) * s.size
	return s.floats[at : at+s.size]
}

// everything returns the samples of all splits as one.
func everything(d *Dataset) *Split {
	s := *d.Train
	s.rows = slices.Concat(d.Train.rows, d.Validation.rows, d.Test.rows)
	s.Labels = slices.Concat(d.Train.Labels, d.Validation.Labels, d.Test.Labels)
	return &s
}

// statistics returns mean and standard deviation of the stored values, value i belonging
// to number i % period.
func statistics(s *Split, period int) (mean, deviation []float64) {
	mean, deviation = make([]float64, period), make([]float64, period)
	n := float64(s.Len() * s.size / period)
	for i := range s.Len() {
		for j, v := range stored(s, i) {
			mean[j%period] += float64(v) / n
		}
	}
	for i := range s.Len() {
		for j, v := range stored(s, i) {
			x := float64(v) - mean[j%period]
			deviation[j%period] += x * x / n
		}
	}
	for k := range deviation {
		deviation[k] = math.Sqrt(deviation[k])
	}
	return mean, deviation
}

// Bytes stand for byte/255 and stay so.
func TestBytesAreNotStandardised(t *testing.T) {
	for _, name := range []string{"gtsrb", "svhn", "obs"} {
		d, err := Open(t.Context(), name, Options{Dir: original(t, name), CacheDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []*Split{d.Train, d.Validation, d.Test} {
			for i := range s.Len() {
				for j, v := range s.Sample(i) {
					if b := s.bytes[int(s.row(i))*s.size+j]; v != float32(b)/255 {
						t.Fatalf("%s: value %v for the byte %d", name, v, b)
					}
				}
			}
		}
	}
}
