package datasets

import (
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// makeStandIn generates the stand-in of an entry, also for MNIST.
func makeStandIn(t testing.TB, e entry, o Options) *Dataset {
	t.Helper()
	s, err := standIn(t.Context(), e, o, "test")
	if err != nil {
		t.Fatal(err)
	}
	d, err := assemble(e, s, o)
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
		o := Options{Seed: 7, StandInTrain: 8 * e.classes, StandInTest: 2 * e.classes}
		d := makeStandIn(t, e, o)
		if p := d.Provenance; p.Kind != StandIn || !strings.HasPrefix(p.Note, "generated: test") || p.Train != o.StandInTrain {
			t.Errorf("%s: provenance %+v", e.name, p)
		}
		if n := d.Train.Len() + d.Validation.Len(); n != 8*e.classes || d.Test.Len() != 2*e.classes {
			t.Errorf("%s: %d training and %d test samples", e.name, n, d.Test.Len())
		}
		if want := e.shape[0] * e.shape[1] * e.shape[2]; d.Train.Size() != want || d.Test.Size() != want {
			t.Errorf("%s: samples of %d values, want %d", e.name, d.Train.Size(), want)
		}
		train, validation := classCounts(d.Train, e.classes), classCounts(d.Validation, e.classes)
		for c, n := range classCounts(d.Test, e.classes) {
			if n != 2 || train[c]+validation[c] != 8 {
				t.Errorf("%s: class %d has %d test and %d training samples", e.name, c, n, train[c]+validation[c])
			}
		}

		o.CacheDir = t.TempDir() // generated once more
		again := makeStandIn(t, e, o)
		if !slices.Equal(values(d.Train), values(again.Train)) || !slices.Equal(values(d.Test), values(again.Test)) ||
			!slices.Equal(d.Train.Labels, again.Train.Labels) {
			t.Errorf("%s: the same seed gives other samples", e.name)
		}
		o.Seed++
		if slices.Equal(values(d.Test), values(makeStandIn(t, e, o).Test)) {
			t.Errorf("%s: another seed gives the same samples", e.name)
		}
		if slices.Equal(values(d.Train.Slice(10)), values(d.Test.Slice(10))) {
			t.Errorf("%s: training and test samples are the same", e.name)
		}
	}
}

// The samples must not depend on the number of processors.
func TestStandInProcessors(t *testing.T) {
	e := gsc()
	o := Options{StandInTrain: 101, StandInTest: 11}
	many := makeStandIn(t, e, o)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	o.CacheDir = t.TempDir()
	if few := makeStandIn(t, e, o); !slices.Equal(values(many.Test), values(few.Test)) {
		t.Error("three processors give other samples")
	}
}

// Two datasets of the same shape and classes must not be the same problem.
func TestStandInsDiffer(t *testing.T) {
	o := Options{StandInTrain: 100, StandInTest: 20}
	for _, pair := range [][2]entry{{cifar10(), svhn()}, {mnist(), fmnist()}, {esc10(), us8k()}} {
		a, b := makeStandIn(t, pair[0], o), makeStandIn(t, pair[1], o)
		if slices.Equal(values(a.Test), values(b.Test)) {
			t.Errorf("%s and %s are the same", a.Name, b.Name)
		}
	}
}

// Images must stay within a byte's range and have contrast; features are standardised
// by the training samples.
func TestStandInScale(t *testing.T) {
	for _, e := range catalog() {
		d := makeStandIn(t, e, Options{StandInTrain: 500, StandInTest: 50})
		if e.name == "gsc" {
			continue // as the original's network takes them, not standardised
		}
		features := e.signals != nil && !e.signals.bytes
		period := 1
		if features {
			period = e.signals.period
		}
		sums, squares := make([]float64, period), make([]float64, period)
		v := values(d.Train)
		for i, x := range v {
			sums[i%period] += float64(x)
			squares[i%period] += float64(x) * float64(x)
			if !features && (x < 0 || x > 1) {
				t.Fatalf("%s: value %v of an image", e.name, x)
			}
		}
		n := float64(len(v) / period)
		for k := range period {
			mean := sums[k] / n
			deviation := math.Sqrt(squares[k]/n - mean*mean)
			constant := deviation == 0 && mean == 0 // as the phase of a mean
			if features && !constant && (math.Abs(mean) > 1e-3 || math.Abs(deviation-1) > 1e-3) {
				t.Errorf("%s: number %d: mean %.4f, standard deviation %.4f, want 0 and 1", e.name, k, mean, deviation)
			}
			if !features && (mean < 0.02 || mean > 0.8 || deviation < 0.05) {
				t.Errorf("%s: mean %.4f, standard deviation %.4f of an image", e.name, mean, deviation)
			}
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

// Even the simplest classifier must learn something of each stand-in of pictures, and
// none may be so easy that nothing can get lost. For the others package baseline tests
// the accuracy of a trained network.
func TestStandInLearnable(t *testing.T) {
	for _, e := range catalog() {
		if e.signals != nil {
			continue
		}
		d := makeStandIn(t, e, Options{})
		chance := 1 / float64(e.classes)
		got := nearestMean(d.Train, d.Test, e.classes)
		t.Logf("%-8s %.3f (chance %.3f)", e.name, got, chance)
		if got < chance+0.1 || got > 0.95 {
			t.Errorf("%s: nearest mean is right for %.3f of the test samples, want %.3f to 0.95", e.name, got, chance+0.1)
		}
	}
}

func BenchmarkStandIn(b *testing.B) {
	for _, e := range catalog() {
		b.Run(e.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				makeStandIn(b, e, Options{})
			}
		})
	}
}
