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

// testPareto are two methods, one on stand-in data, and a point that is far below.
func testPareto() []ParetoPoint {
	return []ParetoPoint{
		{Series: "joint pages", Label: "float32", Ratio: 6.9, Change: -0.35, Low: -0.8, High: 0.1},
		{Series: "joint pages", Label: "8 bits", Ratio: 27, Change: -0.5, Low: -1, High: -0.1},
		{Series: "pruned", Label: "half", Ratio: 2, Change: 0.2},
		{Series: "pruned", Label: "nine tenths", Ratio: 10, Change: -14, Low: -15, High: -13, StandIn: true},
	}
}

// testCloud are n points near one another, half of them with intervals.
func testCloud(n int) []ParetoPoint {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	var all []ParetoPoint
	for i := range n {
		p := ParetoPoint{
			Series: fmt.Sprint("method ", i%6), Label: fmt.Sprintf("%d bits, %d", 2+i%7, 32<<(i%4)),
			Ratio: math.Exp(1 + 3*rng.Float64()), Change: -2 * rng.Float64(), StandIn: i%3 == 0,
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
			return Pareto(all, ParetoOptions{})
		}
	}
	floor := func(v float64) func() (*Figure, error) {
		return func() (*Figure, error) { return Pareto(testPareto(), ParetoOptions{Floor: v}) }
	}
	refused(t, map[string]func() (*Figure, error){
		"no points":           func() (*Figure, error) { return Pareto(nil, ParetoOptions{}) },
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
		"floor over the star": floor(-0.5),
		"floor no number":     floor(math.NaN()),
		"floor without end":   floor(math.Inf(-1)),
	})
	if _, err := of(func(p *ParetoPoint) { p.Ratio = 0 })(); !strings.Contains(err.Error(), "joint pages 8 bits: packing ratio 0") {
		t.Errorf("error %v: want the point and its ratio", err)
	}
}

// Where the points are, from the axes' ends by hand.
func TestParetoPlaces(t *testing.T) {
	area := vg.Rectangle{Max: vg.Point{X: 300, Y: 200}}
	points := []ParetoPoint{{Series: "a", Ratio: 0.59, Change: -10}, {Series: "b", Ratio: 59, Change: 10, Low: -20, High: 12}}
	l := newParetoLayout(points, ParetoOptions{}, area)
	// Two powers of ten, and 6 % more at either end; changes from -20 to 12, as well.
	for i, want := range []vg.Point{{X: 300 * 0.12 / 2.24, Y: 200 * (10 + 1.92) / 35.84}, {X: 300 * 2.12 / 2.24, Y: 200 * (30 + 1.92) / 35.84}} {
		if at, low := l.at(points[i]); low || !closeTo(at, want) {
			t.Errorf("point %d is at %v, low %v: want %v", i, at, low, want)
		}
	}
	if want := (vg.Point{X: 150, Y: 200 * (20 - 0.22 + 1.92) / 35.84}); !closeTo(l.reference, want) {
		t.Errorf("the paper's is at %v: want %v", l.reference, want)
	}
	if y0, y1, ok := l.bar(points[1]); !ok || math.Abs(float64(y0-200*1.92/35.84)) > 1e-9 || math.Abs(float64(y1-200*33.92/35.84)) > 1e-9 {
		t.Errorf("interval from %v to %v, %v", y0, y1, ok)
	}
	if _, _, ok := l.bar(points[0]); ok {
		t.Error("an interval of a point that has none")
	}
	l = newParetoLayout(points, ParetoOptions{Floor: -5}, area)
	at, low := l.at(points[0])
	if y0, _, ok := l.bar(points[1]); !low || at.Y < 0 || at.Y > 20 || !ok || y0 != 0 {
		t.Errorf("with a floor, point 0 is at %v, low %v, and the interval of 1 from %v: want both at the edge", at, low, y0)
	}
	if !strings.Contains(l.explanation(), "below -5") || l.labels[1].text != "(-10.0)" {
		t.Errorf("%q, label %q: want that the point is lower", l.explanation(), l.labels[1].text)
	}
}

func closeTo(a, b vg.Point) bool {
	return math.Hypot(float64(a.X-b.X), float64(a.Y-b.Y)) < 1e-9
}

// Whatever is placed covers nothing; few points all have room, and what has not is counted.
func TestLabelsCoverNothing(t *testing.T) {
	area := vg.Rectangle{Min: vg.Point{X: 54, Y: 38}, Max: vg.Point{X: 660, Y: 348}}
	apart := func(a, b vg.Rectangle) bool {
		return a.Max.X <= b.Min.X || b.Max.X <= a.Min.X || a.Max.Y <= b.Min.Y || b.Max.Y <= a.Min.Y
	}
	for _, n := range []int{1, 2, 5, 12, 30, 60} {
		l := newParetoLayout(testCloud(n), ParetoOptions{}, area)
		lost := 0
		for i, label := range l.labels {
			if !label.placed {
				lost++
				continue
			}
			if w := label.box.Max.X - label.box.Min.X; w < label.sty.Width(label.text)-1e-9 || !inside(label.box, area) {
				t.Errorf("%d points: label %d in %v: too narrow, or outside", n, i, label.box)
			}
			for _, other := range l.labels[:i] {
				if other.placed && !apart(label.box, other.box) {
					t.Errorf("%d points: %q covers %q", n, label.text, other.text)
				}
			}
			for k, p := range l.points {
				at, _ := l.at(p)
				if !apart(label.box, grow(vg.Rectangle{Min: at, Max: at}, paretoRadius)) {
					t.Errorf("%d points: %q covers point %d", n, label.text, k)
				}
				y0, y1, ok := l.bar(p)
				if ok && !label.first && !apart(label.box, vg.Rectangle{Min: vg.Point{X: at.X - 2, Y: y0}, Max: vg.Point{X: at.X + 2, Y: y1}}) {
					t.Errorf("%d points: %q covers the interval of point %d", n, label.text, k)
				}
			}
		}
		if n <= 12 && lost > 0 || lost > n/5 {
			t.Errorf("%d points: %d labels have no room", n, lost)
		}
		if want := fmt.Sprintf("%d of %d labels", lost, n+1); strings.Contains(l.explanation(), want) != (lost > 0) {
			t.Errorf("%d points: %q: want to read of %d lost labels", n, l.explanation(), lost)
		}
	}
}

func TestParetoExtremes(t *testing.T) {
	equal := slices.Repeat([]ParetoPoint{{Series: "a", Label: "the same", Ratio: paperRatio, Change: paperChange, StandIn: true}}, 60)
	own := testCloud(60)
	for i := range own {
		own[i].Series = fmt.Sprint("a method of a name without end, of its own, ", i)
		own[i].Label = strings.Repeat("long ", 20)
	}
	for name, points := range map[string][]ParetoPoint{
		"equal": equal, "one": equal[:1], "own series": own,
		"wide": {{Series: "a", Ratio: 1e-6, Change: -100, Low: -100, High: 100}, {Series: "a", Ratio: 1e9, Change: 100}},
	} {
		for _, o := range []ParetoOptions{{}, {Worst: true}, {Floor: -1.2}} {
			f, err := Pareto(points, o)
			if err != nil {
				t.Fatal(err)
			}
			s, err := f.SVG()
			if err != nil || strings.Contains(s, "NaN") || strings.Contains(s, "Inf") {
				t.Errorf("%s, %+v: error %v, or a coordinate that is no number", name, o, err)
			}
		}
	}
}

func TestMarksTellApart(t *testing.T) {
	seen := map[string]bool{}
	for i := range 63 {
		key := fmt.Sprint(hue(i), shape(i))
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
			x += legendSwatch + sty.Width(e.label) + 14
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

func TestCloseTicks(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		want   string
	}{
		{3, 12, "3 4 5 6 8 10"},
		{1, 60, "1 2 3 5 10 20 30 50"},
		{15, 2000, "20 50 100 200 500 1,000 2,000"},
		{0.15, 1.5, "0.2 0.3 0.4 0.5 0.6 0.8 1"},
		{1, 34000, "1   10   100   1,000   10,000 "},
	} {
		var labels []string
		for _, tick := range closeTicks(c.lo, c.hi) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != c.want {
			t.Errorf("ticks from %v to %v are %q: want %q", c.lo, c.hi, got, c.want)
		}
	}
}
