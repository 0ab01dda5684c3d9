package figures

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"weightsep/wslib/execution"
)

// timesKind is one of the two ways to switch.
type timesKind struct {
	label, short string
	clr          color.NRGBA
	times        execution.Timings
}

// Times shows what switching costs. On the left, on a logarithmic axis, is a dot an
// execution: the time of its switch, with weight-separated networks and with the
// baseline, which reads a network's whole weights from a .npy file; a black line
// is the median. On the right are the times of all executions together, switching
// and execution (classifying the samples) each on its own axis. The title has the
// totals of switching and how many times faster it became.
func Times(separated, files execution.Timings) (*Figure, error) {
	kinds := []timesKind{
		{"weight-separated\n ", "weight-\nseparated", blue, separated},
		{"whole weights\nfrom a .npy file", "whole\nweights", orange, files},
	}
	for _, k := range kinds {
		if err := checkTimings(k.times); err != nil {
			return nil, fmt.Errorf("figures: times: %w", err)
		}
	}
	if len(separated.Executions) != len(files.Executions) {
		return nil, fmt.Errorf("figures: times of %d executions against %d", len(separated.Executions), len(files.Executions))
	}
	f := &Figure{
		Title: fmt.Sprintf("Switching takes %s instead of %s in %d executions: %s",
			milliseconds(separated.Switch), milliseconds(files.Switch), len(files.Executions), speed(separated.Switch, files.Switch)),
		Width: fullWidth,
	}
	h := newHeading(f.Title, "Baseline: each switch reads the network's whole weights from a .npy file, which the operating system caches.", f.Width)
	f.Height = h.height() + 270
	f.draw = func(c draw.Canvas) {
		c = h.draw(c)
		w := c.Max.X - c.Min.X
		const gap = 18
		switchStrip(kinds).Draw(draw.Crop(c, 0, -0.52*w-gap/2, 0, 0))
		totalBars("switching in all (ms)", kinds, func(t execution.Timings) time.Duration { return t.Switch }).
			Draw(draw.Crop(c, 0.48*w+gap/2, -0.26*w-gap/2, 0, 0))
		totalBars("execution in all (ms)", kinds, func(t execution.Timings) time.Duration { return t.Execute }).
			Draw(draw.Crop(c, 0.74*w+gap/2, 0, 0, 0))
	}
	return f, nil
}

// checkTimings refuses timings that are empty or do not add up.
func checkTimings(t execution.Timings) error {
	if len(t.Executions) == 0 {
		return fmt.Errorf("no executions")
	}
	var switches, executes time.Duration
	for i, e := range t.Executions {
		if e.Switch <= 0 || e.Execute < 0 {
			return fmt.Errorf("execution %d (%s) switched in %v, executed in %v", i, e.Network, e.Switch, e.Execute)
		}
		switches += e.Switch
		executes += e.Execute
	}
	if switches != t.Switch || executes != t.Execute {
		return fmt.Errorf("%v of switching, %v of execution: the sums are %v and %v", t.Switch, t.Execute, switches, executes)
	}
	return nil
}

// switchStrip has a dot an execution, over the kind of switch.
func switchStrip(kinds []timesKind) *plot.Plot {
	lo, hi := math.Inf(1), 0.0
	for _, k := range kinds {
		for _, e := range k.times.Executions {
			v := inMS(e.Switch)
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	lo, hi = lo/1.3, hi*1.3
	// Logarithms on a linear axis: with a LogScale, gonum leaves a gap above.
	p := newPlot(0, float64(len(kinds)), math.Log10(lo), math.Log10(hi))
	p.Title.Text = "each switch"
	p.Title.TextStyle.Font = style(textSize, black).Font
	p.Y.Tick.Marker = plot.ConstantTicks(logTicks(lo, hi))
	p.Y.Label.Text = "switching time of an execution (ms, log)"
	p.X.Tick.Marker = kindTicks(kinds, false)
	p.X.Tick.Length = 0
	addGrid(p)
	p.Add(plotFunc(func(c draw.Canvas, p *plot.Plot) {
		x, y := p.Transforms(&c)
		for i, k := range kinds {
			var all []time.Duration
			for j, e := range k.times.Executions {
				// Multiples of the golden ratio spread evenly, the same way each time.
				_, spread := math.Modf(float64(j) * math.Phi)
				at := vg.Point{X: x(float64(i) + 0.25 + 0.35*spread), Y: y(math.Log10(inMS(e.Switch)))}
				c.DrawGlyph(draw.GlyphStyle{Color: k.clr, Radius: 2, Shape: draw.CircleGlyph{}}, at)
				all = append(all, e.Switch)
			}
			slices.Sort(all)
			median := (all[(len(all)-1)/2] + all[len(all)/2]) / 2
			at := y(math.Log10(inMS(median)))
			c.StrokeLine2(draw.LineStyle{Color: black, Width: 1.5}, x(float64(i)+0.2), at, x(float64(i)+0.65), at)
			sty := style(smallSize, black)
			beside(c, sty, x(float64(i)+0.65)+3, at, milliseconds(median))
		}
	}))
	return p
}

// totalBars has a bar a kind, with its value above.
func totalBars(title string, kinds []timesKind, total func(execution.Timings) time.Duration) *plot.Plot {
	hi := 0.0
	for _, k := range kinds {
		hi = max(hi, inMS(total(k.times)))
	}
	if hi == 0 {
		hi = 1
	}
	p := newPlot(0, float64(len(kinds)), 0, 1.12*hi)
	p.Title.Text = title
	p.Title.TextStyle.Font = style(textSize, black).Font
	p.X.Tick.Marker = kindTicks(kinds, true)
	p.X.Tick.Length = 0
	addGrid(p)
	p.Add(plotFunc(func(c draw.Canvas, p *plot.Plot) {
		x, y := p.Transforms(&c)
		for i, k := range kinds {
			v := total(k.times)
			top := y(inMS(v))
			fillRect(c, k.clr, x(float64(i)+0.2), y(0), x(float64(i)+0.8), top)
			c.FillText(aligned(bold(style(textSize, black)), text.XCenter, text.YBottom),
				vg.Point{X: x(float64(i) + 0.5), Y: top + 3}, milliseconds(v))
		}
	}))
	return p
}

func kindTicks(kinds []timesKind, short bool) plot.Ticker {
	var t []plot.Tick
	for i, k := range kinds {
		label := k.label
		if short {
			label = k.short
		}
		t = append(t, plot.Tick{Value: float64(i) + 0.5, Label: label})
	}
	return plot.ConstantTicks(t)
}

// logTicks are the 1, 2 and 5 of each power of ten in a range, at their logarithms;
// over more than two powers only the 1 is labelled.
func logTicks(lo, hi float64) []plot.Tick {
	var t []plot.Tick
	wide := hi/lo > 100
	for e := math.Floor(math.Log10(lo)); math.Pow(10, e) <= hi; e++ {
		for _, m := range []float64{1, 2, 5} {
			v := m * math.Pow(10, e)
			if v < lo || v > hi {
				continue
			}
			label := ""
			if m == 1 || !wide {
				label = grouped(v, max(0, -int(e)))
			}
			t = append(t, plot.Tick{Value: math.Log10(v), Label: label})
		}
	}
	return t
}

func inMS(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// milliseconds writes a duration in ms to three digits or whole.
func milliseconds(d time.Duration) string {
	v := inMS(d)
	decimals := 0
	if v > 0 && v < 100 {
		decimals = min(6, 2-int(math.Floor(math.Log10(v))))
	}
	return grouped(v, decimals) + " ms"
}

// speed says how many times the baseline's time another takes.
func speed(separated, files time.Duration) string {
	r := float64(files) / float64(separated)
	switch {
	case r >= 10:
		return fmt.Sprintf("%.0f times faster", r)
	case r >= 1:
		return fmt.Sprintf("%.1f times faster", r)
	}
	return fmt.Sprintf("%.1f times slower", 1/r)
}
