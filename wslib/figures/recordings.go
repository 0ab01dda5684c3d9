package figures

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"weightsep/datasets"
)

// Recordings shows what the samples of a dataset of features are made of: a panel a
// recording under the name of its class, over one axis of time in seconds. A sound is
// drawn as its wave, each to its own peak, which is written beside its name. Of a
// movement there are two bands, the three axes of the accelerometer and those of the
// gyroscope, each on one scale for all panels. The title says what kind of data it is.
func Recordings(name, kind string, classNames []string, recordings []datasets.Recording) (*Figure, error) {
	f, err := recordingsFigure(name, kind, classNames, recordings)
	if err != nil {
		return nil, fmt.Errorf("figures: recordings of %s: %w", name, err)
	}
	return f, nil
}

func recordingsFigure(name, kind string, classNames []string, recordings []datasets.Recording) (*Figure, error) {
	if err := checkKind(kind); err != nil {
		return nil, err
	}
	classes, end, err := checkRecordings(classNames, recordings)
	if err != nil {
		return nil, err
	}
	const gap, timeHeight = 20, 18
	grid := panels{n: len(recordings), cols: min(3, len(recordings))}
	grid.w = (fullWidth - 2*margin + gap) / vg.Length(grid.cols)
	below := fmt.Sprintf("Recordings of %d of the %d classes, up to %.3g s long. ", classes, len(classNames), end)
	legend := vg.Length(0)
	at := ticks(0, end, 5)
	var panel func(c draw.Canvas, class string, traces []datasets.Trace, lowest bool)
	if len(recordings[0].Traces) == 1 {
		below += "Each wave is drawn to its own peak, which is given as a share of full scale."
		grid.h = waveHeight
		panel = func(c draw.Canvas, class string, traces []datasets.Trace, lowest bool) {
			drawWave(c, class, traces[0], end, at, lowest)
		}
	} else {
		below += "All panels have the same scales."
		grid.h, legend = movementHeight, 18
		bands := movementBands(recordings)
		panel = func(c draw.Canvas, class string, traces []datasets.Trace, lowest bool) {
			drawMovement(c, class, traces, bands, end, at, lowest)
		}
	}
	f := &Figure{
		Title: fmt.Sprintf("%s: recordings, %s data", name, kind),
		Width: fullWidth,
	}
	h := newHeading(f.Title, below, f.Width)
	f.Height = h.height() + legend + grid.height() + timeHeight
	f.draw = func(c draw.Canvas) {
		kindBadge(c, kind)
		c = h.draw(c)
		nameBelow(c, "time (s)")
		if legend > 0 {
			movementLegend(c)
			c.Max.Y -= legend
		}
		for i, r := range recordings {
			class := strings.ReplaceAll(classNames[r.Label], "_", " ")
			panel(draw.Crop(grid.panel(c, i), 0, -gap, 0, 0), class, r.Traces, grid.lowest(i))
		}
	}
	return f, nil
}

// checkRecordings checks recordings and returns how many classes they are of, and the
// end of the longest.
func checkRecordings(classNames []string, recordings []datasets.Recording) (classes int, end float64, err error) {
	if len(recordings) == 0 {
		return 0, 0, errors.New("there are none")
	}
	found := map[int32]bool{}
	for i, r := range recordings {
		if r.Label < 0 || int(r.Label) >= len(classNames) {
			return 0, 0, fmt.Errorf("recording %d has label %d: there are %d classes", i, r.Label, len(classNames))
		}
		if err := checkTraces(r.Traces, recordings[0].Traces); err != nil {
			return 0, 0, fmt.Errorf("recording %d (%s): %w", i, classNames[r.Label], err)
		}
		found[r.Label] = true
		for _, t := range r.Traces {
			end = max(end, t.Times[len(t.Times)-1])
		}
	}
	// Recordings end a value before a round number of seconds, which should be on the axis.
	if end = math.Ceil(20*end) / 20; end == 0 {
		end = 1
	}
	return len(found), end, nil
}

// checkTraces refuses what is neither a sound nor a movement, or not alike the first.
func checkTraces(traces, first []datasets.Trace) error {
	if n := len(traces); n != 1 && n != 6 {
		return fmt.Errorf("%d traces: want one of a sound or six of a movement", n)
	}
	if len(traces) != len(first) {
		return fmt.Errorf("%d traces: the first recording has %d", len(traces), len(first))
	}
	for i, t := range traces {
		if t.Name != first[i].Name || t.Unit != first[i].Unit {
			return fmt.Errorf("trace %d is %q (%s): that of the first recording is %q (%s)", i, t.Name, t.Unit, first[i].Name, first[i].Unit)
		}
		if len(t.Times) == 0 || len(t.Times) != len(t.Values) {
			return fmt.Errorf("%s: %d times and %d values", t.Name, len(t.Times), len(t.Values))
		}
		last := 0.0
		for k, at := range t.Times {
			if !(at >= last) || math.IsInf(at, 0) {
				return fmt.Errorf("%s: time %v comes after %v", t.Name, at, last)
			}
			if v := t.Values[k]; math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("%s: the value at %v s is %v", t.Name, at, v)
			}
			last = at
		}
	}
	return nil
}

// panelName writes the class above a panel.
func panelName(c draw.Canvas, class string, width vg.Length) {
	sty := aligned(bold(style(textSize, black)), text.XLeft, text.YTop)
	c.FillText(sty, vg.Point{X: c.Min.X, Y: c.Max.Y}, shorten(class, sty, width))
}

// waveHeight is that of a panel with a wave.
const waveHeight = 68

// drawWave draws a sound.
func drawWave(c draw.Canvas, class string, t datasets.Trace, end float64, at []plot.Tick, lowest bool) {
	peak := 0.0
	for _, v := range t.Values {
		peak = max(peak, math.Abs(v))
	}
	says := fmt.Sprintf("peak %.2g", peak)
	if peak == 0 {
		says, peak = "silent", 1
	}
	small := aligned(style(smallSize, darkGrey), text.XRight, text.YTop)
	c.FillText(small, vg.Point{X: c.Max.X, Y: c.Max.Y}, says)
	panelName(c, class, c.Max.X-c.Min.X-small.Width(says)-6)
	a := axes{draw.Crop(c, 0, 0, 8, -13), 0, end, -1.05 * peak, 1.05 * peak}
	a.StrokeLine2(draw.LineStyle{Color: lightGrey, Width: 0.5}, a.Min.X, a.y(0), a.Max.X, a.y(0))
	a.wave(t, blue)
	a.base(at, lowest)
}
