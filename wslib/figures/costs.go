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
	"weightsep/wslib/page"
)

type memoryPart struct {
	label string
	clr   color.NRGBA
	bytes int
}

// Memory shows what is stored, in KB (1000 bytes): two stacked bars of one scale, of the separate
// networks and of all that weight separation stores, and the second once more, enlarged to full
// width. The title has the packing ratio.
func Memory(s page.Stored) (*Figure, error) {
	var parts []memoryPart
	var legend []legendEntry
	total := 0
	for _, p := range []memoryPart{
		{"shared pages (level 1)", blue, s.Shared},
		{"page tables (level 1)", orange, s.Tables},
		{"scales (level 1)", green, s.Scales},
		{"exclusive pages (level 2)", vermillion, s.Exclusive},
		{"keys (level 2)", purple, s.Keys},
		{"state (level 2)", skyBlue, s.State},
	} {
		if p.bytes < 0 {
			return nil, fmt.Errorf("figures: memory: %s take %d bytes", p.label, p.bytes)
		}
		if total += p.bytes; p.bytes > 0 {
			parts = append(parts, p)
		}
	}
	if total == 0 || total != s.Total || s.Separate <= 0 {
		return nil, fmt.Errorf("figures: memory: parts of %d bytes, %d in all, %d separately",
			total, s.Total, s.Separate)
	}
	for _, p := range parts {
		label := fmt.Sprintf("%s: %s, %.1f %%", p.label, kilobytes(p.bytes),
			100*float64(p.bytes)/float64(total))
		legend = append(legend, filled(label, p.clr))
	}
	return chart{
		title: fmt.Sprintf("Packing ratio %.1fx: %s instead of %s",
			float64(s.Separate)/float64(total), kilobytes(total), kilobytes(s.Separate)),
		below: fmt.Sprintf("In bytes of everything stored. In weights: %.1fx; "+
			"level 1 (shared pages, page tables and scales) alone: %.1fx.", s.RatioWeights, s.RatioLevel1),
		height: 140,
		legend: legend,
		draw:   func(c draw.Canvas) { memoryBars(c, parts, total, s.Separate) },
	}.figure(), nil
}

// memoryBars draws the three bars from the top, and lines from the second to the third.
func memoryBars(c draw.Canvas, parts []memoryPart, total, separate int) {
	const left, height, gap = 108, 30, 12
	bars := draw.Crop(c, left, -6, 0, 0)
	width := bars.Max.X - bars.Min.X
	y := bars.Max.Y - height - gap
	row := func(name string, parts []memoryPart, of int) vg.Length {
		c.FillText(aligned(style(textSize, black), text.XRight, text.YCenter),
			pt(bars.Min.X-8, y+height/2), name)
		end := stack(bars, parts, width/vg.Length(of), y, height)
		y -= height + gap
		return end
	}
	most := max(separate, total)
	row("separate (float32)", []memoryPart{{"", grey, separate}}, most)
	end := row("weight-separated", parts, most)
	if sty := bold(style(textSize, black)); end+6+sty.Width(kilobytes(total)) <= bars.Max.X {
		c.FillText(sty, pt(end+6, y+gap+height*3/2), kilobytes(total))
	}
	zoom := line(grey, 0.75, 3, 2)
	c.StrokeLine2(zoom, bars.Min.X, y+height+gap, bars.Min.X, y+height)
	c.StrokeLine2(zoom, end, y+height+gap, bars.Max.X, y+height)
	row("the same, enlarged", parts, total)
}

// stack draws parts from left to right, their size on them where it fits, to where it returns.
func stack(c draw.Canvas, parts []memoryPart, scale, y, height vg.Length) vg.Length {
	x := c.Min.X
	for _, p := range parts {
		sty := aligned(style(textSize, ink(p.clr)), text.XCenter, text.YCenter)
		w := vg.Length(p.bytes) * scale
		fillRect(c, p.clr, x, y, x+w, y+height)
		if label := kilobytes(p.bytes); sty.Width(label)+4 <= w {
			c.FillText(sty, pt(x+w/2, y+height/2), label)
		}
		x += w
	}
	return x
}

func kilobytes(bytes int) string { return short(float64(bytes)/1000, 1000) + " KB" }

// timesKind is one of the two ways to switch.
type timesKind struct {
	label string
	clr   color.NRGBA
	times execution.Timings
}

// Times shows what switching costs, with weight-separated networks and with the baseline, which
// reads a network's whole weights from a .npy file. On the left, on a logarithmic axis, is a dot
// for the switch of each execution, and a black line for their median. On the right are the times
// of all executions together, switching and execution (classifying the samples) each on its own
// axis. The title has the totals of switching and how many times faster it became.
func Times(separated, files execution.Timings) (*Figure, error) {
	kinds := []timesKind{
		{"weight-\nseparated", blue, separated},
		{"whole weights\nfrom a .npy file", orange, files},
	}
	if n := len(files.Executions); n == 0 || len(separated.Executions) != n {
		return nil, fmt.Errorf("figures: times of %d executions against %d", len(separated.Executions), n)
	}
	for _, k := range kinds {
		for i, e := range k.times.Executions {
			if e.Switch <= 0 || e.Execute < 0 {
				return nil, fmt.Errorf("figures: times: execution %d (%s) switched in %v, executed in %v",
					i, e.Network, e.Switch, e.Execute)
			}
		}
	}
	strip := switchStrip(kinds)
	switches := totalBars("switching in all (ms)", kinds, separated.Switch, files.Switch)
	executes := totalBars("execution in all (ms)", kinds, separated.Execute, files.Execute)
	return chart{
		title: fmt.Sprintf("Switching takes %s instead of %s in %d executions: %s",
			milliseconds(separated.Switch), milliseconds(files.Switch), len(files.Executions),
			speed(separated.Switch, files.Switch)),
		below: "Baseline: each switch reads the network's whole weights from a .npy file, " +
			"which the operating system caches.",
		height: 270,
		draw: func(c draw.Canvas) {
			w := c.Max.X - c.Min.X
			const gap = 18
			strip.Draw(draw.Crop(c, 0, -0.52*w-gap/2, 0, 0))
			switches.Draw(draw.Crop(c, 0.48*w+gap/2, -0.26*w-gap/2, 0, 0))
			executes.Draw(draw.Crop(c, 0.74*w+gap/2, 0, 0, 0))
		},
	}.figure(), nil
}

// switchStrip has a dot an execution, over the kind of switch.
func switchStrip(kinds []timesKind) *plot.Plot {
	lo, hi := math.Inf(1), 0.0
	for _, k := range kinds {
		for _, e := range k.times.Executions {
			lo, hi = min(lo, inMS(e.Switch)), max(hi, inMS(e.Switch))
		}
	}
	lo, hi = lo/1.3, hi*1.3
	// Logarithms on a linear axis: with a LogScale, gonum leaves a gap above.
	y := axis{"switching time of an execution (ms, log)", math.Log10(lo), math.Log10(hi), logTicks(lo, hi)}
	return kindsPlot("each switch", kinds, y, func(c scaled) {
		for i, k := range kinds {
			left, right := float64(i)+0.2, c.x(float64(i)+0.65)
			var all []time.Duration
			for j, e := range k.times.Executions {
				// Multiples of the golden ratio spread evenly, the same way each time.
				_, spread := math.Modf(float64(j) * math.Phi)
				at := c.at(left+0.05+0.35*spread, math.Log10(inMS(e.Switch)))
				dot(c.Canvas, k.clr, 2, at)
				all = append(all, e.Switch)
			}
			slices.Sort(all)
			median := (all[(len(all)-1)/2] + all[len(all)/2]) / 2
			at := c.at(left, math.Log10(inMS(median)))
			c.StrokeLine2(line(black, 1.5), at.X, at.Y, right, at.Y)
			beside(c.Canvas, style(smallSize, black), right+3, at.Y, milliseconds(median))
		}
	})
}

func totalBars(title string, kinds []timesKind, totals ...time.Duration) *plot.Plot {
	hi := max(1e-6, inMS(slices.Max(totals)))
	return kindsPlot(title, kinds, axis{max: 1.12 * hi, ticks: ticks(0, 1.12*hi, 6)}, func(c scaled) {
		sty := aligned(bold(style(textSize, black)), text.XCenter, text.YBottom)
		for i, v := range totals {
			c.bar(kinds[i].clr, float64(i)+0.2, float64(i)+0.8, 0, inMS(v), 0)
			c.FillText(sty, c.at(float64(i)+0.5, inMS(v)).Add(pt(0, 3)), milliseconds(v))
		}
	})
}

func kindsPlot(title string, kinds []timesKind, y axis, f onData) *plot.Plot {
	x := axis{max: float64(len(kinds))}
	for i, k := range kinds {
		x.ticks = append(x.ticks, plot.Tick{Value: float64(i) + 0.5, Label: k.label})
	}
	p := newPlot(x, y, f)
	p.Title.Text = title
	p.X.Tick.Length = 0
	return p
}

func inMS(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

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
