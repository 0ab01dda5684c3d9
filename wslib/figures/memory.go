package figures

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"weightsep/wslib/page"
)

// memoryPart is a part of a stacked bar.
type memoryPart struct {
	label string
	clr   color.NRGBA
	bytes int
}

// Memory shows what is stored, in KB (1000 bytes). Two stacked bars have one
// scale: the separate networks, and all that weight separation stores. As the
// second is short, it is drawn once more, enlarged to full width, with its parts
// named below: shared pages, exclusive pages, page tables, scales, keys and state. The title
// has the packing ratio.
func Memory(s page.Stored) (*Figure, error) {
	parts := []memoryPart{
		{"shared pages (level 1)", blue, s.Shared},
		{"page tables (level 1)", orange, s.Tables},
		{"scales (level 1)", green, s.Scales},
		{"exclusive pages (level 2)", vermillion, s.Exclusive},
		{"keys (level 2)", purple, s.Keys},
		{"state (level 2)", skyBlue, s.State},
	}
	total, named := 0, 0
	for _, p := range parts {
		if p.bytes < 0 {
			return nil, fmt.Errorf("figures: memory: %s take %d bytes", p.label, p.bytes)
		}
		if total += p.bytes; p.bytes > 0 {
			named++
		}
	}
	rows := max(2, (named+1)/2) // of the legend
	if total != s.Total || total == 0 || s.Separate <= 0 {
		return nil, fmt.Errorf("figures: memory: parts of %d bytes, %d in all, %d separately", total, s.Total, s.Separate)
	}
	ratio := float64(s.Separate) / float64(total)
	if math.Abs(s.RatioBytes-ratio) > 1e-6*ratio {
		return nil, fmt.Errorf("figures: memory: packing ratio %v: want %v", s.RatioBytes, ratio)
	}
	f := &Figure{
		Title: fmt.Sprintf("Packing ratio %.1fx: %s instead of %s", ratio, kilobytes(total), kilobytes(s.Separate)),
		Width: fullWidth,
	}
	below := fmt.Sprintf("In bytes of everything stored. In weights: %.1fx; level 1 (shared pages, page tables and scales) alone: %.1fx.",
		s.RatioWeights, s.RatioLevel1)
	h := newHeading(f.Title, below, f.Width)
	f.Height = h.height() + 165 + 15*vg.Length(rows)
	f.draw = func(c draw.Canvas) {
		c = h.draw(c)
		const left, barHeight = 108, 30
		bars := draw.Crop(c, left, -6, 0, 0)
		width := bars.Max.X - bars.Min.X
		scale := width / vg.Length(max(s.Separate, total))
		memoryAxis(bars, float64(max(s.Separate, total)), scale, bars.Max.Y-16)
		y := bars.Max.Y - 20 - barHeight
		name := func(y vg.Length, lines ...string) {
			sty := aligned(style(textSize, black), text.XRight, text.YCenter)
			for i, l := range lines {
				c.FillText(sty, vg.Point{X: bars.Min.X - 8, Y: y + vg.Length(float64(len(lines)-1)/2-float64(i))*11}, l)
			}
		}
		name(bars.Max.Y-9, "memory (KB)")
		stack(bars, []memoryPart{{"", grey, s.Separate}}, scale, y, barHeight)
		name(y+barHeight/2, "separate networks", "(float32)")
		y -= barHeight + 10
		end := stack(bars, parts, scale, y, barHeight)
		name(y+barHeight/2, "weight-separated")
		labelRight(bars, end, y+barHeight/2, kilobytes(total))

		low := y - 30 - barHeight
		zoom := draw.LineStyle{Color: grey, Width: 0.75, Dashes: []vg.Length{3, 2}}
		c.StrokeLine2(zoom, bars.Min.X, y, bars.Min.X, low+barHeight)
		c.StrokeLine2(zoom, end, y, bars.Max.X, low+barHeight)
		stack(bars, parts, width/vg.Length(total), low, barHeight)
		name(low+barHeight/2, "weight-separated,", "enlarged")
		memoryLegend(bars, parts, total, low-14, rows)
	}
	return f, nil
}

// stack draws parts from left to right, their size on them where it fits, and
// returns where they end.
func stack(c draw.Canvas, parts []memoryPart, scale, y, height vg.Length) vg.Length {
	x := c.Min.X
	for _, p := range parts {
		sty := aligned(style(textSize, ink(p.clr)), text.XCenter, text.YCenter)
		w := vg.Length(p.bytes) * scale
		fillRect(c, p.clr, x, y, x+w, y+height)
		if label := kilobytes(p.bytes); sty.Width(label)+4 <= w {
			c.FillText(sty, vg.Point{X: x + w/2, Y: y + height/2}, label)
		}
		x += w
	}
	return x
}

// labelRight writes a bar's total beside its end, if there is room.
func labelRight(c draw.Canvas, x, y vg.Length, label string) {
	sty := bold(style(textSize, black))
	if x+6+sty.Width(label) <= c.Max.X {
		c.FillText(sty, vg.Point{X: x + 6, Y: y}, label)
	}
}

// memoryAxis draws an axis with its labels above it.
func memoryAxis(c draw.Canvas, bytes float64, scale, y vg.Length) {
	line := draw.LineStyle{Color: grey, Width: 0.5}
	c.StrokeLine2(line, c.Min.X, y, c.Max.X, y)
	sty := aligned(style(smallSize, black), text.XCenter, text.YBottom)
	for _, t := range ticks(0, bytes/1000, 8) {
		x := c.Min.X + vg.Length(t.Value*1000)*scale
		c.StrokeLine2(line, x, y, x, y+3)
		// A label at the end must not run out of the figure.
		at := min(x, c.Max.X-sty.Width(t.Label)/2)
		c.FillText(sty, vg.Point{X: at, Y: y + 3}, t.Label)
	}
}

// memoryLegend names the parts that there are, in two columns.
func memoryLegend(c draw.Canvas, parts []memoryPart, total int, y vg.Length, rows int) {
	sty := style(textSize, black)
	i := 0
	for _, p := range parts {
		if p.bytes == 0 {
			continue
		}
		x := c.Min.X + vg.Length(i/rows)*(c.Max.X-c.Min.X)/2
		y := y - vg.Length(i%rows)*15
		fillRect(c, p.clr, x, y-5, x+14, y+5)
		beside(c, sty, x+19, y, fmt.Sprintf("%s: %s, %.1f %%",
			p.label, kilobytes(p.bytes), 100*float64(p.bytes)/float64(total)))
		i++
	}
}

// kilobytes writes a number of bytes in KB, which are 1000 bytes.
func kilobytes(bytes int) string {
	if bytes < 1e6 {
		return grouped(float64(bytes)/1000, 1) + " KB"
	}
	return grouped(float64(bytes)/1000, 0) + " KB"
}
