package figures

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"weightsep/datasets"
)

// Curve is one network's panel of [Curves].
type Curve struct {
	Name       string
	Data       string    // datasets.Real or datasets.StandIn
	Steps      []int     // rising
	Validation []float64 // accuracy after each of the steps, 0 to 1
	Best       int       // the one of the steps whose weights were kept
}

// Curves shows the course of trainings of their own, such as the baselines': validation
// accuracy over steps, a panel a network. Accuracy has one axis for all, steps have an
// axis each. A dot marks the best step, and the line under the name says which it is.
func Curves(title string, curves []Curve) (*Figure, error) {
	if len(curves) == 0 {
		return nil, errors.New("figures: curves of no networks")
	}
	lo := 1.0
	for _, v := range curves {
		if err := v.check(); err != nil {
			return nil, fmt.Errorf("figures: curves: %s: %w", v.Name, err)
		}
		lo = min(lo, slices.Min(v.Validation))
	}
	lo = 10 * math.Floor(min(9, 10*lo))
	const left, bottom = 14, 11
	grid := panels{len(curves), min(5, len(curves)), (fullWidth - 2*margin - left) / 5, 126}
	f := &Figure{
		Title: title,
		// As in Density, the heading needs the width of three panels.
		Width: 2*margin + left + vg.Length(max(3, grid.cols))*grid.w,
	}
	h := newHeading(title, "The dot is the best step, whose weights were kept. Each panel has its own number of steps.", f.Width)
	f.Height = h.height() + grid.height() + bottom
	f.draw = func(c draw.Canvas) {
		c = h.draw(c)
		c.Max.X = c.Min.X + left + vg.Length(grid.cols)*grid.w
		nameBelow(c, "training step")
		nameLeft(c, "validation accuracy (%)")
		c = draw.Crop(c, left, 0, bottom, 0)
		for i, v := range curves {
			v.draw(draw.Crop(grid.panel(c, i), 0, -10, 0, 0), lo)
		}
	}
	return f, nil
}

// check refuses a curve that cannot be drawn or whose best step is not the best.
func (v Curve) check() error {
	if err := checkKind(v.Data); err != nil {
		return err
	}
	if len(v.Steps) == 0 || len(v.Steps) != len(v.Validation) {
		return fmt.Errorf("%d steps and %d accuracies", len(v.Steps), len(v.Validation))
	}
	last := -1
	for i, step := range v.Steps {
		if step <= last {
			return fmt.Errorf("step %d comes after step %d", step, last)
		}
		last = step
		if !unitInterval(v.Validation[i]) {
			return fmt.Errorf("accuracy %v at step %d: want 0 to 1", v.Validation[i], step)
		}
	}
	best := slices.Index(v.Steps, v.Best)
	if best < 0 {
		return fmt.Errorf("the best step %d is none of the steps", v.Best)
	}
	if most := slices.Max(v.Validation); v.Validation[best] < most {
		return fmt.Errorf("accuracy %v at the best step %d: there is %v", v.Validation[best], v.Best, most)
	}
	return nil
}

// draw draws the panel; accuracy is from lo, in percent.
func (v Curve) draw(c draw.Canvas, lo float64) {
	c.Min.X += 19 // labels up to 100
	name := aligned(bold(style(textSize, black)), text.XLeft, text.YTop)
	right := badge(c, v.Data, c.Max.X, c.Max.Y, smallSize-1)
	c.FillText(name, vg.Point{X: c.Min.X, Y: c.Max.Y}, shorten(v.Name, name, right-c.Min.X-3))
	small := aligned(style(smallSize, black), text.XLeft, text.YTop)
	most := 100 * v.Validation[slices.Index(v.Steps, v.Best)]
	c.FillText(small, vg.Point{X: c.Min.X, Y: c.Max.Y - 12},
		fmt.Sprintf("best %.1f %% at step %s", most, grouped(float64(v.Best), 0)))

	last := float64(max(1, v.Steps[len(v.Steps)-1]))
	a := axes{draw.Crop(c, 0, 0, 18, -28), 0, last, lo, 100}
	a.lines(ticks(lo, 100, 5))
	n := 3 // as many labels as fit
	if last < 1000 {
		n = 4
	}
	a.base(ticks(0, last, n), true)
	line := make([]vg.Point, len(v.Steps))
	for i, step := range v.Steps {
		line[i] = vg.Point{X: a.x(float64(step)), Y: a.y(100 * v.Validation[i])}
	}
	clr := blue
	if v.Data == datasets.StandIn {
		clr = vermillion
	}
	dot := vg.Point{X: a.x(float64(v.Best)), Y: a.y(most)}
	a.StrokeLine2(draw.LineStyle{Color: black, Width: 0.5, Dashes: []vg.Length{2, 2}}, dot.X, a.Min.Y, dot.X, dot.Y)
	a.StrokeLines(draw.LineStyle{Color: clr, Width: 1.5}, line)
	a.DrawGlyph(draw.GlyphStyle{Color: white, Radius: 3.5, Shape: draw.CircleGlyph{}}, dot)
	a.DrawGlyph(draw.GlyphStyle{Color: black, Radius: 2.5, Shape: draw.CircleGlyph{}}, dot)
}
