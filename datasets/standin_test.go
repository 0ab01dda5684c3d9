package datasets

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// makeStandIn generates the stand-in of an entry, also for MNIST.
func makeStandIn(t testing.TB, e entry, o Options) *Dataset {
	t.Helper()
	d, err := standIn(t.Context(), e, o, "test")
	if err == nil {
		err = d.finish(o)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// values returns all samples of a split in its order.
func values(s *Split) []float32 {
	dst := make([]float32, s.Len()*s.Size())
	index := make([]int, s.Len())
	for i := range index {
		index[i] = i
	}
	s.Batch(dst, index)
	return dst
}

func TestStandIn(t *testing.T) {
	for _, e := range catalog() {
		o := Options{Seed: 7, StandInTrain: 8 * e.Classes, StandInTest: 2 * e.Classes}
		d := makeStandIn(t, e, o)
		if p := d.Provenance; p.Kind != StandIn || !strings.HasPrefix(p.Note, "generated: test") ||
			p.Train != o.StandInTrain {
			t.Errorf("%s: provenance %+v", e.Name, p)
		}
		last := fmt.Sprint("class ", e.Classes-1)
		if n := d.ClassNames; len(n) != e.Classes || n[0] != "class 0" || n[e.Classes-1] != last {
			t.Errorf("%s: class names %v: want class 0 to %s", e.Name, n, last)
		}
		if n := d.Train.Len() + d.Validation.Len(); n != 8*e.Classes || d.Test.Len() != 2*e.Classes {
			t.Errorf("%s: %d training and %d test samples", e.Name, n, d.Test.Len())
		}
		if want := e.Shape[0] * e.Shape[1] * e.Shape[2]; d.Train.Size() != want || d.Test.Size() != want {
			t.Errorf("%s: samples of %d values, want %d", e.Name, d.Train.Size(), want)
		}
		train, validation := classCounts(d.Train, e.Classes), classCounts(d.Validation, e.Classes)
		for c, n := range classCounts(d.Test, e.Classes) {
			if n != 2 || train[c]+validation[c] != 8 {
				t.Errorf("%s: class %d has %d test and %d training samples", e.Name, c, n,
					train[c]+validation[c])
			}
		}

		again := makeStandIn(t, e, o)
		if !slices.Equal(values(d.Train), values(again.Train)) ||
			!slices.Equal(values(d.Test), values(again.Test)) ||
			!slices.Equal(d.Train.Labels, again.Train.Labels) {
			t.Errorf("%s: the same seed gives other samples", e.Name)
		}
		o.Seed++
		if slices.Equal(values(d.Test), values(makeStandIn(t, e, o).Test)) {
			t.Errorf("%s: another seed gives the same samples", e.Name)
		}
		known := sampleSet(d.Train)
		for i := range d.Test.Len() {
			if known[key(d.Test, i)] {
				t.Errorf("%s: test sample %d is a training sample", e.Name, i)
			}
		}
	}
}

// Samples are bytes in the middle of their range, few of them at its ends.
func TestStandInScale(t *testing.T) {
	for _, e := range catalog() {
		d := makeStandIn(t, e, Options{StandInTrain: 200, StandInTest: 10})
		var sum, squares, ends float64
		v := values(d.Train)
		for _, x := range v {
			sum += float64(x)
			squares += float64(x) * float64(x)
			if x == 0 || x == 1 {
				ends++
			}
		}
		n := float64(len(v))
		mean := sum / n
		deviation := math.Sqrt(squares/n - mean*mean)
		if math.Abs(mean-0.5) > 0.05 || deviation < 0.1 || ends/n > 0.02 {
			t.Errorf("%s: mean %.3f, standard deviation %.3f, share at the ends of the range %.3f",
				e.Name, mean, deviation, ends/n)
		}
	}
}

// nearestMean trains and scores the classifier that takes the class with the nearest
// mean. It shares no code with the generator.
func nearestMean(train, test *Split, classes int) float64 {
	mean := make([][]float64, classes)
	count := make([]float64, classes)
	for c := range mean {
		mean[c] = make([]float64, train.Size())
	}
	for i, c := range train.Labels {
		for k, v := range train.Sample(i) {
			mean[c][k] += float64(v)
		}
		count[c]++
	}
	right := 0
	for i, label := range test.Labels {
		x := test.Sample(i)
		nearest, at := math.Inf(1), -1
		for c, m := range mean {
			var d float64
			for k, v := range x {
				e := float64(v) - m[k]/count[c]
				d += e * e
			}
			if d < nearest {
				nearest, at = d, c
			}
		}
		if at == int(label) {
			right++
		}
	}
	return float64(right) / float64(test.Len())
}

// Even the simplest classifier must learn something of each stand-in, and none may be so
// easy that nothing can get lost. Package baseline tests the accuracy of trained networks.
func TestStandInLearnable(t *testing.T) {
	for _, e := range catalog() {
		d := makeStandIn(t, e, Options{})
		chance := 1 / float64(e.Classes)
		got := nearestMean(d.Train, d.Test, e.Classes)
		t.Logf("%-8s %.3f (chance %.3f)", e.Name, got, chance)
		if got < 5*chance && got < 0.6 || got > 0.97 {
			t.Errorf("%s: nearest mean is right for %.3f of the test samples", e.Name, got)
		}
	}
}

func BenchmarkStandIn(b *testing.B) {
	for _, e := range catalog() {
		b.Run(e.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				makeStandIn(b, e, Options{})
			}
		})
	}
}
