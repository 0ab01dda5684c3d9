package figures

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
)

// testPareto are two methods and a point that is far below.
func testPareto() []ParetoPoint {
	return []ParetoPoint{
		{Series: "joint pages", Label: "float32", Ratio: 6.9, Change: -0.35, Low: -0.8, High: 0.1},
		{Series: "joint pages", Label: "8 bits", Ratio: 27, Change: -0.5, Low: -1, High: -0.1},
		{Series: "pruned", Label: "half", Ratio: 2, Change: 0.2},
		{Series: "pruned", Label: "nine tenths", Ratio: 10, Change: -14, Low: -15, High: -13},
	}
}

// testCloud are n points near one another, half of them with intervals.
func testCloud(n int) []ParetoPoint {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	var all []ParetoPoint
	for i := range n {
		p := ParetoPoint{
			Series: fmt.Sprint("method ", i%6), Label: fmt.Sprintf("%d bits, %d", 2+i%7, 32<<(i%4)),
			Ratio: math.Exp(1 + 3*rng.Float64()), Change: -2 * rng.Float64(),
		}
		if i%2 == 0 {
			p.Low, p.High = p.Change-0.3, p.Change+0.3
		}
		all = append(all, p)
	}
	return all
}

func TestBadPareto(t *testing.T) {
	of := func(change func(*ParetoPoint)) func() (*Figure, error) {
		return func() (*Figure, error) {
			all := testPareto()
			change(&all[1])
			return Pareto("", 0, all)
		}
	}
	floor := func(v float64) func() (*Figure, error) {
		return func() (*Figure, error) { return Pareto("", v, testPareto()) }
	}
	refused(t, map[string]func() (*Figure, error){
		"no points":           func() (*Figure, error) { return Pareto("", 0, nil) },
		"no series":           of(func(p *ParetoPoint) { p.Series = "" }),
		"no ratio":            of(func(p *ParetoPoint) { p.Ratio = 0 }),
		"negative ratio":      of(func(p *ParetoPoint) { p.Ratio = -2 }),
		"ratio no number":     of(func(p *ParetoPoint) { p.Ratio = math.NaN() }),
		"ratio without end":   of(func(p *ParetoPoint) { p.Ratio = math.Inf(1) }),
		"change no number":    of(func(p *ParetoPoint) { p.Change = math.NaN() }),
		"change over 100":     of(func(p *ParetoPoint) { p.Change = -101 }),
		"interval no number":  of(func(p *ParetoPoint) { p.Low = math.NaN() }),
		"interval of no end":  of(func(p *ParetoPoint) { p.High = math.Inf(1) }),
		"interval turned":     of(func(p *ParetoPoint) { p.Low, p.High = p.High, p.Low }),
		"floor above 0":       floor(1),
		"floor over the star": floor(-0.1),
		"floor no number":     floor(math.NaN()),
		"floor without end":   floor(math.Inf(-1)),
	})
	_, err := of(func(p *ParetoPoint) { p.Ratio = 0 })()
	if !strings.Contains(err.Error(), "joint pages 8 bits: packing ratio 0") {
		t.Errorf("error %v: want the point and its ratio", err)
	}
}

// The ends of the axes, by hand: from 0.59 to 59 times, and from -20 to 12 points.
func TestParetoAxes(t *testing.T) {
	points := []ParetoPoint{
		{Series: "a", Ratio: 0.59, Change: -10}, {Series: "b", Ratio: 59, Change: 10, Low: -20, High: 12},
	}
	closeTo := func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }
	l := newParetoChart(0, points)
	if !closeTo(l.x.min, math.Log10(0.59)-0.12) || !closeTo(l.x.max, math.Log10(59)+0.12) {
		t.Errorf("ratios from 10^%v to 10^%v: want two powers of ten, and 6 %% more at either end",
			l.x.min, l.x.max)
	}
	if !closeTo(l.y.min, -20-1.92) || !closeTo(l.y.max, 12+1.92) {
		t.Errorf("changes from %v to %v: want -20 to 12, and 6 %% more at either end", l.y.min, l.y.max)
	}
	if l.low(points[0]) || l.bar(points[0]) || !l.bar(points[1]) {
		t.Error("want both points above the floor that there is not, and an interval of the second")
	}
	l = newParetoChart(-5, points)
	if !l.low(points[0]) || l.low(points[1]) || l.y.min != -5 ||
		!strings.Contains(l.explanation(), "below -5") {
		t.Errorf("floor -5: %q, changes from %v: want that the first point is lower",
			l.explanation(), l.y.min)
	}
}

// A label takes the first place where it covers nothing, and is never lost.
func TestPlaceLabel(t *testing.T) {
	area := vg.Rectangle{Max: vg.Point{X: 200, Y: 100}}
	middle := vg.Point{X: 100, Y: 50}
	right := vg.Rectangle{Min: vg.Point{X: 100, Y: 45}, Max: vg.Point{X: 200, Y: 55}}
	left := vg.Rectangle{Min: vg.Point{X: 0, Y: 45}, Max: vg.Point{X: 100, Y: 55}}
	for _, c := range []struct {
		name        string
		of          vg.Point
		taken       []vg.Rectangle
		left, above bool
	}{
		{"free", middle, nil, false, false},
		{"at the edge", vg.Point{X: 195, Y: 50}, nil, true, false},
		{"right taken", middle, []vg.Rectangle{right}, true, false},
		{"both taken", middle, []vg.Rectangle{right, left}, false, true},
		{"all taken", middle, []vg.Rectangle{area}, false, false},
	} {
		box := label{"8 bits", c.of}.place(area, c.taken)
		if got := box.Max.X < c.of.X; got != c.left {
			t.Errorf("%s: box %v: want left of the point: %v", c.name, box, c.left)
		}
		if got := box.Min.Y > c.of.Y; got != c.above {
			t.Errorf("%s: box %v: want above the point: %v", c.name, box, c.above)
		}
		least := style(smallSize, black).Width("8 bits")
		if box.Max.X-box.Min.X < least || box.Max.X > area.Max.X || box.Min.X < 0 {
			t.Errorf("%s: box %v is too narrow or outside", c.name, box)
		}
	}
}

func TestParetoExtremes(t *testing.T) {
	same := ParetoPoint{Series: "a", Label: "the same", Ratio: paperRatio, Change: paperChange}
	equal := slices.Repeat([]ParetoPoint{same}, 60)
	own := testCloud(60)
	for i := range own {
		own[i].Series = fmt.Sprint("a method of a name without end, of its own, ", i)
		own[i].Label = strings.Repeat("long ", 20)
	}
	for name, points := range map[string][]ParetoPoint{
		"equal": equal, "one": equal[:1], "own series": own,
		"wide": {{Series: "a", Ratio: 1e-6, Change: -100, Low: -100, High: 100},
			{Series: "a", Ratio: 1e9, Change: 100}},
	} {
		for _, floor := range []float64{0, -1.2} {
			f, err := Pareto("", floor, points)
			if err != nil {
				t.Fatal(err)
			}
			s, err := f.SVG()
			if err != nil || strings.Contains(s, "NaN") || strings.Contains(s, "Inf") {
				t.Errorf("%s, floor %v: error %v, or a coordinate that is no number", name, floor, err)
			}
		}
	}
}

func TestMarksTellApart(t *testing.T) {
	seen := map[string]bool{}
	for i := range 21 {
		key := fmt.Sprint(hue(i), i%3)
		if seen[key] {
			t.Errorf("series %d looks like one before it", i)
		}
		seen[key] = true
	}
}

func TestLegendRows(t *testing.T) {
	var entries []legendEntry
	for i := range 20 {
		entries = append(entries, legendEntry{label: strings.Repeat("word ", 1+i)})
	}
	const width = 300
	sty := style(textSize, black)
	n := 0
	for _, row := range legendRows(entries, width) {
		x := vg.Length(-14)
		for _, e := range row {
			if !strings.HasPrefix(entries[n].label, strings.TrimSuffix(e.label, "…")) {
				t.Errorf("entry %d is %q", n, e.label)
			}
			x += legendSwatch + sty.Width(e.label) + legendGap
			n++
		}
		if x > width || len(row) == 0 {
			t.Errorf("a row of %d entries is %v wide", len(row), x)
		}
	}
	if n != len(entries) {
		t.Errorf("%d entries: want %d", n, len(entries))
	}
}

func TestLogTicks(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		want   string
	}{
		{3, 12, "3 4 5 6 8 10"},
		{1, 60, "1 2 3 5 10 20 30 50"},
		{15, 2000, "20 50 100 200 500 1,000 2,000"},
		{0.15, 1.5, "0.2 0.3 0.4 0.5 0.6 0.8 1"},
		{1, 34000, "1 10 100 1,000 10,000"},
	} {
		var labels []string
		for _, tick := range logTicks(c.lo, c.hi) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != c.want {
			t.Errorf("ticks from %v to %v are %q: want %q", c.lo, c.hi, got, c.want)
		}
	}
}
