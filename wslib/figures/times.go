package figures

import (
	"fmt"
	"math"
	"slices"
	"time"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"weightsep/wslib/execution"
)

// Times shows how long switching takes with each source of weights of a benchmark, on a logarithmic axis:
// a row a source, a dot a switch, warm above and cold, open, below, a line at the median with its value.
// Dashed lines are at one and two copies of the float32 weights, the bound. The title compares with the
// checkpoints that the original read.
func Times(r *execution.Result) (*Figure, error) {
	lo, hi := math.Inf(1), 0.0
	for _, s := range r.Sources {
		for _, t := range []execution.Times{s.Warm, s.Cold} {
			if len(t.Each) == 0 || len(t.Each) != len(r.Networks) {
				return nil, fmt.Errorf("figures: times: %d switches, %s, in %d "+
					"executions", len(t.Each), s.Name,
					len(r.Networks))
			}
			for _, d := range t.Each {
				lo, hi = min(lo, inMS(max(d, resolution))), max(hi, inMS(max(d, resolution)))
			}
		}
	}
	pages, bound := r.Source(execution.PagesSource), r.Source(execution.CopySource)
	if pages == nil || bound == nil {
		return nil, fmt.Errorf("figures: times: no source "+
			"%q or %q", execution.PagesSource, execution.CopySource)
	}
	data := [][]string{row("weights from", "caches", "execution", "network", "milliseconds")}
	for _, s := range r.Sources {
		for k, t := range []execution.Times{s.Warm, s.Cold} {
			for i, d := range t.Each {
				data = append(data, row(s.Name, []string{"warm", "cold"}[k], i, r.Networks[i], inMS(d)))
			}
		}
	}
	last := r.Sources[len(r.Sources)-1]
	x := logAxis("time from the request until weights are usable "+
		"(ms, log)", math.Log10(lo), math.Log10(hi), 0.03)
	n := len(r.Sources)
	p := newPlot(x, axis{max: float64(n)}, func(c scaled) {
		copies := inMS(bound.Warm.Median)
		for _, at := range []float64{copies, 2 * copies} {
			x := c.x(math.Log10(at))
			c.StrokeLine2(line(darkGrey, 0.75, 3, 2), x, c.Min.Y, x, c.Max.Y)
		}
		for i, s := range r.Sources {
			clr := grey
			if i == 0 {
				clr = blue
			}
			y := float64(n-i) - 0.5
			for k, t := range []execution.Times{s.Warm, s.Cold} {
				row := y + 0.2 - 0.4*float64(k)
				for j, d := range t.Each {
					// Multiples of the golden ratio spread evenly, the same way each time.
					_, spread := math.Modf(float64(j) * math.Phi)
					at := c.at(math.Log10(inMS(max(d, resolution))), row+0.22*(spread-0.5))
					dot(c.Canvas, clr, 1.7, at)
					if k > 0 {
						dot(c.Canvas, white, 1.1, at)
					}
				}
				at := c.at(math.Log10(inMS(max(t.Median, resolution))), row)
				c.StrokeLine2(line(black, 2), at.X, at.Y-7, at.X, at.Y+7)
				label := microseconds(t.Median)
				if k == 0 && s.Warm.Copies > 0 {
					label = fmt.Sprintf("%s, %.2f copies", label, s.Warm.Copies)
				}
				sty := style(smallSize, black)
				box := c.x(math.Log10(inMS(max(slices.Max(t.Each), resolution)))) + 9
				if box+sty.Width(label) > c.Max.X {
					box = c.x(math.Log10(inMS(max(slices.Min(t.Each), resolution)))) - 9 - sty.Width(label)
				}
				fillRect(c.Canvas, white, box-2, at.Y-4, box+sty.Width(label)+2, at.Y+5)
				beside(c.Canvas, sty, box, at.Y, label)
			}
		}
	})
	dots := func(open bool) func(draw.Canvas, vg.Point) {
		return func(c draw.Canvas, at vg.Point) {
			dot(c, blue, 2.5, at)
			if open {
				dot(c, white, 1.7, at)
			}
		}
	}
	return chart{
		title: fmt.Sprintf("A switch from pages takes %s, %.2f copies of the weights; from %s %s: %s",
			microseconds(pages.Warm.Median), pages.Warm.Copies, last.Name, microseconds(last.Warm.Median),
			speed(pages.Warm.Median, last.Warm.Median)),
		below: fmt.Sprintf("%d random executions. Warm: files are in the system's cache. Cold: nothing "+
			"is in the "+
			"processor's caches, files in none. Dashed: one and two copies of float32 "+
			"weights.", len(r.Networks)),
		height: vg.Length(44*n + 40),
		data:   data,
		legend: []legendEntry{{"warm", dots(false)}, {"cold", dots(true)},
			stroked("median", line(black, 2))},
		draw: func(c draw.Canvas) {
			const left = 82
			sty := aligned(style(textSize, black), text.XRight, text.YCenter)
			inside := p.DataCanvas(draw.Crop(c, left, 0, 0, 0))
			step := (inside.Max.Y - inside.Min.Y) / vg.Length(n)
			for i, s := range r.Sources {
				lines := wrap(s.Name, sty, left-8, 4)
				for k, l := range lines {
					up := vg.Length(len(lines)-1)/2 - vg.Length(k)
					c.FillText(sty, pt(c.Min.X+left-8,
						inside.Max.Y-step*(vg.Length(i)+0.5)+up*(textSize+2)), l)
				}
			}
			p.Draw(draw.Crop(c, left, 0, 0, 0))
		},
	}.figure(), nil
}

// resolution is the shortest time on a chart: weights that are usable already take none.
const resolution = 50 * time.Nanosecond

// Load shows latency against load for the sources of a stream of requests: the 95th percentile, on a
// logarithmic axis, over requests a second.
func Load(l *execution.Load) (*Figure, error) {
	lo, hi := math.Inf(1), 0.0
	for _, s := range l.Sources {
		if len(s.P95) == 0 || len(s.P95) != len(l.Rates) {
			return nil, fmt.Errorf("figures: load: %d latencies of %s at "+
				"%d rates", len(s.P95), s.Name, len(l.Rates))
		}
		for _, d := range s.P95 {
			lo, hi = min(lo, inMS(max(d, resolution))), max(hi, inMS(d))
		}
	}
	if len(l.Sources) == 0 {
		return nil, fmt.Errorf("figures: load of no sources")
	}
	most := l.Rates[len(l.Rates)-1]
	data := [][]string{row("weights from", "requests a second", "95th percentile of latency (ms)",
		"most requests a second")}
	var legend []legendEntry
	for i, s := range l.Sources {
		for k, d := range s.P95 {
			data = append(data, row(s.Name, l.Rates[k], inMS(d), s.Capacity))
		}
		legend = append(legend, stroked(fmt.Sprintf("%s: %s/s", s.Name, grouped(s.Capacity, 0)),
			line(hue(i), 1.5, dashes(i)...)))
	}
	p := newPlot(axis{"requests a second", 0, most, ticks(0, most, 8)},
		logAxis("95th percentile of latency (ms, log)", math.Log10(lo), math.Log10(hi), 0.04),
		func(c scaled) {
			for i, s := range l.Sources {
				var course []vg.Point
				for k, d := range s.P95 {
					course = append(course, c.at(l.Rates[k], math.Log10(inMS(max(d, resolution)))))
				}
				c.StrokeLines(line(hue(i), 1.5, dashes(i)...), course)
				for _, at := range course {
					dot(c.Canvas, hue(i), 2, at)
				}
			}
		})
	first := l.Sources[0]
	return chart{
		title: fmt.Sprintf("In %s, packed networks serve %s requests a second", kilobytes(l.Budget),
			grouped(first.Capacity, 0)),
		below: fmt.Sprintf("%s requests of one sample, for networks of Zipf popularity (%.1f), that "+
			"arrive at random; "+
			"every source but the last has that budget of memory. Beside each name is what it serves "+
			"without pause.",
			grouped(float64(l.Requests), 0), l.Zipf),
		height: 250, legend: legend, data: data, draw: p.Draw,
	}.figure(), nil
}

func microseconds(d time.Duration) string {
	if d < 10*time.Millisecond {
		return grouped(1000*inMS(d), 1) + " µs"
	}
	return milliseconds(d)
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
