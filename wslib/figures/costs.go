package figures

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

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
	parts, legend, err := storedParts(s)
	if err != nil {
		return nil, err
	}
	return chart{
		title: fmt.Sprintf("Packing ratio %.1fx: %s instead of %s",
			float64(s.Separate)/float64(s.Total), kilobytes(s.Total), kilobytes(s.Separate)),
		below: fmt.Sprintf("In bytes of everything stored. In weights: %.1fx; "+
			"level 1 (shared pages, page tables and scales) alone: %.1fx.", s.RatioWeights, s.RatioLevel1),
		height: 140,
		legend: legend,
		draw: func(c draw.Canvas) {
			memoryBars(c, parts, s.Total, memoryPart{"separate (float32)", grey, s.Separate})
		},
	}.figure(), nil
}

// Flash shows what the constants of devices take, in KB (1000 bytes): bars of one scale, of the networks'
// separate weights in float32 and in 8 bits, which take the bytes of the second argument, and of the pack,
// and the last once more, enlarged to full width.
func Flash(s page.Stored, int8s int) (*Figure, error) {
	parts, legend, err := storedParts(s)
	if err == nil && int8s <= 0 {
		err = fmt.Errorf("figures: flash: 8 bits take %d bytes", int8s)
	}
	if err != nil {
		return nil, err
	}
	return chart{
		title: fmt.Sprintf("Flash for all networks: %s packed, %s separate in 8 bits, %s in float32",
			kilobytes(s.Total), kilobytes(int8s), kilobytes(s.Separate)),
		below: "Bytes of weights and of all that puts them together. Programs and checksums are not in them; " +
			"in 8 bits, 512 weights have a scale.",
		height: 182,
		legend: legend,
		draw: func(c draw.Canvas) {
			memoryBars(c, parts, s.Total, memoryPart{"separate (float32)", grey, s.Separate},
				memoryPart{"separate (8 bits)", grey, int8s})
		},
	}.figure(), nil
}

// storedParts are the parts that take bytes, and a legend of them.
func storedParts(s page.Stored) (parts []memoryPart, legend []legendEntry, err error) {
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
			return nil, nil, fmt.Errorf("figures: memory: %s take %d bytes", p.label, p.bytes)
		}
		if total += p.bytes; p.bytes > 0 {
			parts = append(parts, p)
		}
	}
	if total == 0 || total != s.Total || s.Separate <= 0 {
		return nil, nil, fmt.Errorf("figures: memory: parts of %d bytes, %d in all, %d separately",
			total, s.Total, s.Separate)
	}
	for _, p := range parts {
		label := fmt.Sprintf("%s: %s, %.1f %%", p.label, kilobytes(p.bytes),
			100*float64(p.bytes)/float64(total))
		legend = append(legend, filled(label, p.clr))
	}
	return parts, legend, nil
}

// memoryBars draws bars from the top: others, the parts, and these again, to which lines lead.
func memoryBars(c draw.Canvas, parts []memoryPart, total int, others ...memoryPart) {
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
	most := total
	for _, o := range others {
		most = max(most, o.bytes)
	}
	for _, o := range others {
		row(o.label, []memoryPart{o}, most)
	}
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
