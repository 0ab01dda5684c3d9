package figures

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/plot/vg/draw"

	"weightsep/datasets"
	"weightsep/wslib/execution"
	"weightsep/wslib/pack"
	"weightsep/wslib/page"
)

func TestPanicsBecomeErrors(t *testing.T) {
	f := &Figure{Title: "t", Width: 10, Height: 10, draw: func(draw.Canvas) { panic("no glyph") }}
	for name, err := range map[string]error{
		"SVG":  func() error { _, err := f.SVG(); return err }(),
		"Save": f.Save(filepath.Join(t.TempDir(), "x.svg")),
	} {
		if err == nil || !strings.Contains(err.Error(), "no glyph") {
			t.Errorf("%s: error %v: want one with the panic's text", name, err)
		}
	}
	if _, err := new(Figure).SVG(); err == nil {
		t.Error("SVG of a zero Figure: want an error")
	}
}

func TestBadInput(t *testing.T) {
	nan := math.NaN()
	short, other, rate := testBench(), testBench(), testLoad()
	short.Sources[1].Cold.Each = short.Sources[1].Cold.Each[:4]
	other.Sources[0].Name = "other"
	rate.Rates = rate.Rates[:2]
	stored := func(change func(*page.Stored)) page.Stored {
		s := original()
		change(&s)
		return s
	}
	data := func(change func(*datasets.Dataset)) *datasets.Dataset {
		d := testData(t, datasets.Real, 3)
		change(d)
		return d
	}
	no := func(name string) func(*Figure, error) { return refusedChart(t, name) }
	no("samples of nothing")(Samples(nil, 1, 1))
	no("no samples a class")(Samples(testData(t, datasets.Real, 3), 0, 1))
	no("no classes")(Samples(testData(t, datasets.Real, 3), 1, 0))
	no("samples of other shape")(Samples(data(func(d *datasets.Dataset) { d.Shape[0]++ }), 1, 1))
	no("class without name")(Samples(data(func(d *datasets.Dataset) { d.Classes++ }), 1, 1))
	no("data of unknown kind")(Samples(data(func(d *datasets.Dataset) { d.Provenance.Kind = "" }), 1, 1))
	no("no networks' density")(Density(nil, 0))
	no("no pages")(Density([]DensityOf{{Name: "a"}}, 0.9))
	no("density that is no number")(Density([]DensityOf{{Name: "a", Density: []float64{nan}}}, 0.9))
	no("exclusive page not there")(Density([]DensityOf{{"a", []float64{1}, []int{1}}}, 0.9))
	no("exclusive page twice")(Density([]DensityOf{{"a", []float64{1}, []int{0, 0}}}, 0.9))
	no("share over all")(Density(testDensities(), 1.5))
	no("no networks' Fisher information")(Fisher(nil))
	no("density below 0")(Fisher([]DensityOf{{Name: "a", Density: []float64{-1}}}))
	no("costs of no networks")(Costs(nil, nil))
	no("name without costs")(Costs(testNames(), [][]float64{{1}}))
	no("row of other length")(Costs([]string{"a", "b"}, [][]float64{{1, 2}, {2}}))
	no("cost below 0")(Costs([]string{"a"}, [][]float64{{-1}}))
	no("cost that is no number")(Costs([]string{"a"}, [][]float64{{nan}}))
	no("no networks")(PageMap(&pack.File{Set: &page.Set{}}))
	no("no history")(History("h", testNames(), nil, nil))
	no("step without validation")(History("h", []string{"a"}, []int{0, 1}, [][]float64{{1}}))
	no("network without validation")(History("h", []string{"a", "b"}, []int{0}, [][]float64{{1}}))
	no("steps that fall")(History("h", []string{"a"}, []int{1, 0}, [][]float64{{1}, {1}}))
	no("accuracy in percent")(History("h", []string{"a"}, []int{0}, [][]float64{{71}}))
	no("no rows")(BeforeAfter(nil))
	no("accuracy that is no number")(BeforeAfter([]AccuracyRow{{"a", datasets.Real, nan, 1, nil}}))
	no("row of unknown data")(BeforeAfter([]AccuracyRow{{"a", "fake", 1, 1, nil}}))
	no("nothing stored")(Memory(page.Stored{}))
	no("parts that do not add up")(Memory(stored(func(s *page.Stored) { s.Scales = 4 })))
	no("negative part")(Memory(stored(func(s *page.Stored) { s.Scales, s.Tables = -4, 4 })))
	no("no flash")(Flash(page.Stored{}, 1))
	no("8 bits of nothing")(Flash(original(), 0))
	no("no executions")(Times(&execution.Result{}))
	no("a switch less")(Times(short))
	no("no pages")(Times(other))
	no("no load")(Load(&execution.Load{}))
	no("a rate less")(Load(rate))
}

// refused checks that none of the charts is drawn.
func refused(t *testing.T, charts map[string]func() (*Figure, error)) {
	t.Helper()
	for name, chart := range charts {
		refusedChart(t, name)(chart())
	}
}

// refusedChart checks that a chart is not drawn.
func refusedChart(t *testing.T, name string) func(*Figure, error) {
	return func(f *Figure, err error) {
		t.Helper()
		if err == nil || f != nil || !strings.HasPrefix(err.Error(), "figures: ") ||
			strings.Contains(err.Error(), "nil") {
			t.Errorf("%s: figure %v, error %v: want an error of figures", name, f, err)
		}
	}
}

// What fits no other place: values at the ends of their range, and many networks.
func TestExtremes(t *testing.T) {
	names := make([]string, 30)
	row := make([]float64, 30)
	rows := make([]AccuracyRow, 30)
	for i := range names {
		names[i] = "a network of a name without end"
		rows[i] = AccuracyRow{names[i], datasets.StandIn, 1, 0, nil}
	}
	all, err := History("many", names, []int{7}, [][]float64{row})
	check := func(f *Figure, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		s, err := f.SVG()
		if err != nil || strings.Contains(s, "NaN") || strings.Contains(s, "Inf") {
			t.Errorf("%q: error %v, or a coordinate that is no number", f.Title, err)
		}
	}
	check(all, err)
	check(History("perfect", names[:1], []int{0, 1}, [][]float64{{1}, {1}}))
	check(BeforeAfter(rows))
	check(Density([]DensityOf{{Name: names[0], Density: []float64{1}, Exclusive: []int{0}}}, 1))
	check(Fisher([]DensityOf{{Name: names[0], Density: []float64{1}, Exclusive: []int{0}}}))
	check(Fisher([]DensityOf{{Name: names[0], Density: []float64{0}}}))
	check(Costs(names[:1], [][]float64{{0}}))
	check(Costs(names, slices.Repeat([][]float64{slices.Repeat([]float64{1e300}, 30)}, 30)))
	one := &pack.File{Set: &page.Set{Format: page.Format{Size: 1, Shared: 1}}}
	for i := range 60 {
		t := page.Table{Shared: 1, Entries: []int32{int32(i % 2)}} // shared or own
		one.Set.Networks = append(one.Set.Networks, page.Member{Name: names[0], Weights: 1, Table: t})
		one.Networks = append(one.Networks, pack.Network{})
		check(PageMap(one))
	}
	none := testBench()
	for i := range none.Sources {
		none.Sources[i].Warm.Each = make([]time.Duration, 5)
	}
	check(Times(none))
	worse := page.Stored{Shared: 3e6, Total: 3e6, Separate: 1000, RatioBytes: 1000 / 3e6}
	check(Memory(worse))
	check(Flash(worse, 1e9))
}
