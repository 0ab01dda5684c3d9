package figures

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"

	"weightsep/datasets"
)

func testSplit(t *testing.T, size int, values []float32, labels ...int32) *datasets.Split {
	t.Helper()
	s, err := datasets.NewSplit(size, values, labels)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// testWords are features of three classes, of which the second has no sample: four
// frames of two coefficients. A value is the brighter the later, coefficient 0 brightest.
func testWords(t *testing.T) *datasets.Dataset {
	t.Helper()
	s := testSplit(t, 8, []float32{
		0.4, 0, 0.6, 0, 0.8, 0, 1, 0,
		0.4, 0.1, 0.6, 0.1, 0.8, 0.1, 1, 0.1,
	}, 0, 2)
	return &datasets.Dataset{
		Name: "gsc", Shape: []int{4, 2, 1}, Classes: 3, ClassNames: []string{"yes", "visual", "no"},
		Train: s, Validation: s.Slice(0), Test: s,
		Provenance: datasets.Provenance{Kind: datasets.StandIn, Train: 2, TrainOf: 2, Test: 2, TestOf: 2},
	}
}

// testCounts are a dataset with names that fit, the classes one by one larger, and one
// with too many, of which only the first three are there.
func testCounts(t *testing.T) []*datasets.Dataset {
	t.Helper()
	split := func(labels ...int32) *datasets.Split {
		return testSplit(t, 1, make([]float32, len(labels)), labels...)
	}
	var train []int32
	for class := range 10 {
		train = append(train, slices.Repeat([]int32{int32(class)}, class+1)...)
	}
	signs := make([]string, 43)
	for i := range signs {
		signs[i] = fmt.Sprintf("a sign of number_%d", i)
	}
	return []*datasets.Dataset{{
		Name: "cifar10", Shape: []int{1, 1, 1}, Classes: 10,
		ClassNames: strings.Split("class 0,class 1,class 2,class 3,class 4,class 5,class 6,class 7,"+
			"class 8,class 9", ","),
		Train: split(train...), Validation: split(0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
		Test:       split(0, 2, 4, 6, 8),
		Provenance: datasets.Provenance{Kind: datasets.StandIn, Train: 65, TrainOf: 65, Test: 5, TestOf: 5},
	}, {
		Name: "gtsrb", Shape: []int{1, 1, 1}, Classes: 43, ClassNames: signs,
		Train: split(0, 1, 1, 1, 2), Validation: split(2), Test: split(1),
		Provenance: datasets.Provenance{Kind: datasets.Real, Train: 6, TrainOf: 39209, Test: 1,
			TestOf: 12630},
	}}
}

func testCurves() []Curve {
	return []Curve{
		{"mnist", datasets.Real, []int{500, 1000, 1500, 2000}, []float64{0.9, 0.96, 0.97, 0.98}, 2000},
		{"hhar", datasets.StandIn, []int{50, 100, 150}, []float64{0.6, 0.75, 0.7}, 100},
		{"a network of a name without end", datasets.StandIn, []int{800}, []float64{0.55}, 800},
	}
}

func TestContrast(t *testing.T) {
	values := make([]float32, 200)
	for i := range values {
		values[i] = float32(i)
	}
	lo, hi, cut, err := valueRange([]samplesOfClass{{values: [][]float32{values[100:], values[:100]}}, {}})
	if lo != 2 || hi != 197 || !cut || err != nil {
		t.Errorf("contrast from %v to %v: want 2 to 197, as two of 200 are cut off at either end", lo, hi)
	}
	m := picture([]float32{1, 2, 197, 198}, 1, 4, lo, hi)
	for x, want := range []uint32{0, 0, 0xFFFF, 0xFFFF} {
		if got, _, _, _ := m.At(x, 0).RGBA(); got != want {
			t.Errorf("pixel %d is %#x: want %#x", x, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	counts, err := countClasses(testCounts(t)[0])
	if err != nil {
		t.Fatal(err)
	}
	for class, n := range counts {
		// The classes are one by one larger; every second one has a test sample.
		if want := [3]int{class + 1, 1, (class + 1) % 2}; n != want {
			t.Errorf("class %d: counted %v: want %v", class, n, want)
		}
	}
}

func TestNameClasses(t *testing.T) {
	names := testCounts(t)[0].ClassNames
	for _, c := range []struct {
		slot   vg.Length
		first  string
		turned bool
	}{{60, "class 0", false}, {20, "class 0 ", true}, {5, "0", false}} {
		p := newPlot(axis{max: 10}, axis{max: 1}, nil)
		nameClasses(&p.X, names, c.slot)
		first := p.X.Tick.Marker.Ticks(0, 10)[0]
		if first.Label != c.first || first.Value != 0.5 || (p.X.Tick.Label.Rotation != 0) != c.turned {
			t.Errorf("%v pt apart: the first is %+v, rotation %v", c.slot, first, p.X.Tick.Label.Rotation)
		}
	}
}

// A stand-in is a line among the counts and one row of one picture a class: its classes mean nothing.
func TestStandInsAreSmall(t *testing.T) {
	height := func(f *Figure, err error) vg.Length {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return f.Height
	}
	real, standIn := testCounts(t)[1], testCounts(t)[0]
	all := []*datasets.Dataset{real}
	before := height(ClassCounts(all))
	for range 6 {
		all = append(all, standIn)
	}
	if more := height(ClassCounts(all)) - before; more > 100 {
		t.Errorf("six stand-ins among class counts take %v points", more)
	}
	pictures := testData(t, datasets.Real, 3)
	before = height(Samples(pictures, 2, 4))
	pictures.Provenance.Kind = datasets.StandIn
	if after := height(Samples(pictures, 2, 4)); after > before-40 {
		t.Errorf("samples of a stand-in are %v points high, of real data %v", after, before)
	}
}
