package figures

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Sizes of text.
const (
	titleSize = 12
	textSize  = 9
	smallSize = 8
)

// Colours of Okabe and Ito, and greys.
var (
	orange     = color.NRGBA{0xE6, 0x9F, 0x00, 0xFF}
	skyBlue    = color.NRGBA{0x56, 0xB4, 0xE9, 0xFF}
	green      = color.NRGBA{0x00, 0x9E, 0x73, 0xFF}
	blue       = color.NRGBA{0x00, 0x72, 0xB2, 0xFF}
	vermillion = color.NRGBA{0xD5, 0x5E, 0x00, 0xFF}
	purple     = color.NRGBA{0xCC, 0x79, 0xA7, 0xFF}
	black      = color.NRGBA{0x00, 0x00, 0x00, 0xFF}
	white      = color.NRGBA{0xFF, 0xFF, 0xFF, 0xFF}
	grey       = color.NRGBA{0x80, 0x80, 0x80, 0xFF}
	darkGrey   = color.NRGBA{0x50, 0x50, 0x50, 0xFF}
	lightGrey  = color.NRGBA{0xDD, 0xDD, 0xDD, 0xFF}
)

// hue is the colour of the i-th network or method. Ten are told apart in print, on a screen, and by
// colour-blind readers: TestHues computes it.
func hue(i int) color.NRGBA {
	hues := [...]color.NRGBA{blue, orange, green, vermillion, skyBlue, purple,
		{0x3D, 0x16, 0xD8, 0xFF}, {0xB0, 0x09, 0x0D, 0xFF}, {0x36, 0x40, 0x32, 0xFF},
		{0x4A, 0x27, 0x56, 0xFF}}
	return hues[i%len(hues)]
}

// dashes are of the i-th line: neighbours differ, and so do lines of the same hue.
func dashes(i int) []vg.Length {
	return [...][]vg.Length{nil, {4, 2}, {1.5, 1.5}}[i%3]
}

// tint mixes a colour with white: share 1 is the colour, 0 white.
func tint(c color.NRGBA, share float64) color.NRGBA {
	mix := func(v uint8) uint8 { return uint8(math.Round(share*float64(v) + (1-share)*255)) }
	return color.NRGBA{mix(c.R), mix(c.G), mix(c.B), 0xFF}
}

// ink is the colour of text on a colour.
func ink(c color.NRGBA) color.NRGBA {
	if 0.299*float64(c.R)+0.587*float64(c.G)+0.114*float64(c.B) > 100 {
		return black
	}
	return white
}

// style is text of a size, by default anchored at its left end and middle height.
func style(size vg.Length, c color.Color) text.Style {
	return text.Style{
		Color:   c,
		Font:    font.Font{Typeface: "Liberation", Variant: "Sans", Size: size},
		XAlign:  text.XLeft,
		YAlign:  text.YCenter,
		Handler: text.Plain{Fonts: font.DefaultCache},
	}
}

func bold(s text.Style) text.Style {
	s.Font.Weight = xfont.WeightBold
	return s
}

func aligned(s text.Style, x text.XAlignment, y text.YAlignment) text.Style {
	s.XAlign, s.YAlign = x, y
	return s
}

// shorten cuts a text to a width, with an ellipsis in place of what is missing.
func shorten(s string, sty text.Style, width vg.Length) string {
	if sty.Width(s) <= width {
		return s
	}
	runes := []rune(s)
	for n := len(runes) - 1; n > 0; n-- {
		if t := strings.TrimRight(string(runes[:n]), " ") + "…"; sty.Width(t) <= width {
			return t
		}
	}
	return "…"
}

// beside writes text at the middle height of a swatch or line of a legend: that of its letters,
// which is above the middle of its font's height.
func beside(c draw.Canvas, sty text.Style, x, y vg.Length, s string) {
	c.FillText(sty, pt(x, y+sty.Font.Size/9), s)
}

// wrap breaks a text into at most n lines of a width, and shortens what is too long.
func wrap(s string, sty text.Style, width vg.Length, n int) []string {
	var lines []string
	words := strings.Fields(s)
	for i := 0; i < len(words); {
		line := words[i]
		for i++; i < len(words) && sty.Width(line+" "+words[i]) <= width; i++ {
			line += " " + words[i]
		}
		if len(lines) == n-1 {
			line = strings.Join(append([]string{line}, words[i:]...), " ")
			i = len(words)
		}
		lines = append(lines, shorten(line, sty, width))
	}
	return lines
}

func pt(x, y vg.Length) vg.Point { return vg.Point{X: x, Y: y} }

func rect(x0, y0, x1, y1 vg.Length) vg.Rectangle {
	return vg.Rectangle{Min: pt(min(x0, x1), min(y0, y1)), Max: pt(max(x0, x1), max(y0, y1))}
}

func line(clr color.Color, width vg.Length, dashes ...vg.Length) draw.LineStyle {
	return draw.LineStyle{Color: clr, Width: width, Dashes: dashes}
}

func dot(c draw.Canvas, clr color.Color, radius vg.Length, at vg.Point) {
	c.DrawGlyph(draw.GlyphStyle{Color: clr, Radius: radius, Shape: draw.CircleGlyph{}}, at)
}

func fillRect(c draw.Canvas, clr color.Color, x0, y0, x1, y1 vg.Length) {
	c.SetColor(clr)
	c.Fill(rect(x0, y0, x1, y1).Path())
}

// ticks are round numbers in a range, about n of them.
func ticks(lo, hi float64, n int) []plot.Tick {
	step := math.Pow(10, math.Floor(math.Log10((hi-lo)/float64(n))))
	for _, m := range []float64{1, 2, 5, 10} {
		if (hi-lo)/(m*step) <= float64(n) {
			step *= m
			break
		}
	}
	var t []plot.Tick
	for i := math.Ceil(lo/step - 1e-9); i*step <= hi+1e-9*step; i++ {
		v := i * step
		decimals := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
		t = append(t, plot.Tick{Value: v, Label: grouped(v, decimals)})
	}
	return t
}

func wholeTicks(hi float64, n int) []plot.Tick {
	return slices.DeleteFunc(ticks(0, hi, n),
		func(t plot.Tick) bool { return t.Value != math.Trunc(t.Value) })
}

// middleTicks are about n of the numbers of so many slots of width 1, from 0 on, in the middles.
func middleTicks(slots, n int) []plot.Tick {
	all := wholeTicks(float64(slots-1), n)
	for i := range all {
		all[i].Value += 0.5
	}
	return all
}

// logTicks are round numbers in a range, at their logarithms, the closer the less its powers
// of ten.
func logTicks(lo, hi float64) []plot.Tick {
	steps := []float64{1, 2, 3, 4, 5, 6, 8}
	switch r := hi / lo; {
	case r > 3000:
		steps = []float64{1}
	case r > 100:
		steps = []float64{1, 2, 5}
	case r > 20:
		steps = []float64{1, 2, 3, 5}
	}
	var t []plot.Tick
	for e := math.Floor(math.Log10(lo)); math.Pow(10, e) <= hi; e++ {
		for _, m := range steps {
			if v := m * math.Pow(10, e); v >= lo && v <= hi {
				t = append(t, plot.Tick{Value: math.Log10(v), Label: grouped(v, max(0, -int(e)))})
			}
		}
	}
	return t
}

// short is a number with a decimal where it is below a limit, else with none.
func short(v, limit float64) string {
	if v < limit {
		return grouped(v, 1)
	}
	return grouped(v, 0)
}

// grouped writes a number with commas between thousands.
func grouped(v float64, decimals int) string {
	s := strconv.FormatFloat(math.Abs(v), 'f', decimals, 64)
	for i := strings.IndexByte(s+".", '.') - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if v < 0 {
		return "-" + s
	}
	return s
}

// row is a row of a figure's numbers.
func row(values ...any) []string {
	var texts []string
	for _, v := range values {
		if f, ok := v.(float64); ok {
			v = strconv.FormatFloat(f, 'g', 9, 64) // without what sums round away
		}
		texts = append(texts, fmt.Sprint(v))
	}
	return texts
}
