package figures

import (
	"fmt"
	"math"
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
		Name: "gsc", Shape: [3]int{4, 2, 1}, Classes: 3, ClassNames: []string{"yes", "visual", "no"},
		Train: s, Validation: s.Slice(0), Test: s,
		Provenance: datasets.Provenance{Kind: datasets.StandIn, Train: 2, TrainOf: 2, Test: 2, TestOf: 2},
	}
}

// testCounts are a dataset with names that fit, the classes one by one larger, and one
// with too many, of which only the first three are there.
func testCounts(t *testing.T) []*datasets.Dataset {
	t.Helper()
	split := func(labels ...int32) *datasets.Split { return testSplit(t, 1, make([]float32, len(labels)), labels...) }
	var train []int32
	for class := range 10 {
		train = append(train, slices.Repeat([]int32{int32(class)}, class+1)...)
	}
	signs := make([]string, 43)
	for i := range signs {
		signs[i] = fmt.Sprintf("a sign of number_%d", i)
	}
	return []*datasets.Dataset{{
		Name: "cifar10", Shape: [3]int{1, 1, 1}, Classes: 10,
		ClassNames: strings.Fields("airplane automobile bird cat deer dog frog horse ship truck"),
		Train:      split(train...), Validation: split(0, 1, 2, 3, 4, 5, 6, 7, 8, 9), Test: split(0, 2, 4, 6, 8),
		Provenance: datasets.Provenance{Kind: datasets.StandIn, Train: 65, TrainOf: 65, Test: 5, TestOf: 5},
	}, {
		Name: "gtsrb", Shape: [3]int{1, 1, 1}, Classes: 43, ClassNames: signs,
		Train: split(0, 1, 1, 1, 2), Validation: split(2), Test: split(1),
		Provenance: datasets.Provenance{Kind: datasets.Real, Train: 6, TrainOf: 39209, Test: 1, TestOf: 12630},
	}}
}

// testTrace has n values of a function, at times from 0, at a rate.
func testTrace(name, unit string, n int, rate float64, value func(s float64) float64) datasets.Trace {
	t := datasets.Trace{Name: name, Unit: unit}
	for i := range n {
		at := float64(i) / rate
		t.Times, t.Values = append(t.Times, at), append(t.Values, value(at))
	}
	return t
}

// testSounds are a decaying tone and silence.
func testSounds() []datasets.Recording {
	tone := func(s float64) float64 { return 0.75 * math.Exp(-6*s) * math.Cos(2*math.Pi*440*s) }
	none := func(float64) float64 { return 0 }
	return []datasets.Recording{
		{Label: 0, Traces: []datasets.Trace{testTrace("sound", "", 11025, 22050, tone)}},
		{Label: 1, Traces: []datasets.Trace{testTrace("sound", "", 5000, 22050, none)}},
	}
}

// testMovements are one at rest, and one that swings.
func testMovements() []datasets.Recording {
	var all []datasets.Recording
	for label := range 2 {
		r := datasets.Recording{Label: int32(label)}
		for i := range 6 {
			name, unit, rest := "accelerometer "+"xyz"[i%3:i%3+1], "m/s²", []float64{0, 0, 9.8}[i%3]
			if i >= 3 {
				name, unit, rest = "gyroscope "+"xyz"[i%3:i%3+1], "rad/s", 0
			}
			r.Traces = append(r.Traces, testTrace(name, unit, 200, 100, func(s float64) float64 {
				return rest + float64(label*(12-2*i))*math.Sin(2*math.Pi*2*s+float64(i))
			}))
		}
		all = append(all, r)
	}
	return all
}

func testCurves() []Curve {
	return []Curve{
		{"mnist", datasets.Real, []int{500, 1000, 1500, 2000}, []float64{0.9, 0.96, 0.97, 0.98}, 2000},
		{"hhar", datasets.StandIn, []int{50, 100, 150}, []float64{0.6, 0.75, 0.7}, 100},
		{"a network of a name without end", datasets.StandIn, []int{800}, []float64{0.55}, 800},
	}
}

// A picture as small as can be checked by hand: two rows of three.
func TestUpright(t *testing.T) {
	v := []float32{
		1, 2, 3,
		4, 5, 6,
	}
	for _, c := range []struct {
		byTime bool
		v      []float32
		width  int
		want   []float32
	}{
		{false, v, 3, []float32{4, 5, 6, 1, 2, 3}},
		{true, v, 3, []float32{3, 6, 2, 5, 1, 4}}, // three rows of two
		{true, []float32{1, -1, 2, -2}, 1, []float32{1, -1, 2, -2}},
		{false, []float32{1, -1, 2, -2}, 1, []float32{2, -2, 1, -1}}, // two channels
	} {
		if got := (orientation{byTime: c.byTime}).upright(c.v, 2, c.width); !slices.Equal(got, c.want) {
			t.Errorf("by time %v, %v upright is %v: want %v", c.byTime, c.v, got, c.want)
		}
	}
}

func TestContrast(t *testing.T) {
	values := make([]float32, 200)
	for i := range values {
		values[i] = float32(i)
	}
	lo, hi := contrast([]samplesOfClass{{values: [][]float32{values[100:], values[:100]}}, {}})
	if lo != 2 || hi != 197 {
		t.Errorf("contrast from %v to %v: want 2 to 197, as two of 200 are cut off at either end", lo, hi)
	}
	m := picture([]float32{1, 2, 197, 198}, 1, 4, lo, hi)
	for x, want := range []uint32{0, 0, 0xFFFF, 0xFFFF} {
		if got, _, _, _ := m.At(x, 0).RGBA(); got != want {
			t.Errorf("pixel %d is %#x: want %#x", x, got, want)
		}
	}
}

func TestEnvelope(t *testing.T) {
	trace := datasets.Trace{Times: []float64{0, 0.1, 0.2, 2.5, 3, 4}, Values: []float64{1, -2, 0, 7, 5, 6}}
	got := envelope(trace, 4, 4)
	want := []extremes{ // none in the second part; the end is in the last
		{lo: moment{0.1, -2}, hi: moment{0, 1}},
		{lo: moment{2.5, 7}, hi: moment{2.5, 7}},
		{lo: moment{3, 5}, hi: moment{4, 6}},
	}
	if !slices.Equal(got, want) {
		t.Errorf("envelope is %v: want %v", got, want)
	}
}

// However long a sound, what is drawn of it is small, and nothing short is lost.
func TestLongSound(t *testing.T) {
	r := testSounds()[1:]
	r[0].Traces[0] = testTrace("sound", "", 500000, 44100, func(s float64) float64 {
		if s == 5 {
			return -0.5
		}
		return 0
	})
	f, err := Recordings("us8k", datasets.Real, []string{"siren", "rain"}, r)
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.SVG()
	if err != nil {
		t.Fatal(err)
	}
	if len(s) > 40000 || !strings.Contains(s, "peak 0.5") {
		t.Errorf("%d bytes: want less than 40,000, and a peak", len(s))
	}
}

func TestCount(t *testing.T) {
	p, err := count(testCounts(t)[0])
	if err != nil {
		t.Fatal(err)
	}
	for split, want := range [][]int{
		{1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
		{1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
		{1, 0, 1, 0, 1, 0, 1, 0, 1, 0},
	} {
		if !slices.Equal(p.counts[split], want) {
			t.Errorf("%s: counted %v: want %v", countsSplits[split].label, p.counts[split], want)
		}
	}
	if p.total(8) != 11 {
		t.Errorf("class 8 has %d samples: want 9 + 1 + 1", p.total(8))
	}
}

func TestNamesFor(t *testing.T) {
	all := testCounts(t)
	cifar10, _ := count(all[0])
	gtsrb, _ := count(all[1])
	for _, c := range []struct {
		p     countsOf
		width float64
		want  int
	}{
		{cifar10, 600, namesLevel}, {cifar10, 300, namesTurned}, {cifar10, 90, namesNumbered},
		{gtsrb, 600, namesTurned}, {gtsrb, 300, namesNumbered},
	} {
		if how, h := c.p.namesFor(vg.Length(c.width)); how != c.want || h < 8 || h > 100 {
			t.Errorf("%s in %v pt: names of kind %d, %v high: want %d", c.p.name, c.width, how, h, c.want)
		}
	}
}
