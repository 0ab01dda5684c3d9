package figures

import (
	"image/color"
	"math"
	"strconv"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// fullWidth is the width of a notebook's column: 900 pixels.
const fullWidth = 675 * vg.Length(1)

// margin is what a figure keeps free on every side.
const margin = 10 * vg.Length(1)

// Sizes of text.
const (
	titleSize = 12
	textSize  = 9
	smallSize = 8
)

// Colours of Okabe and Ito.
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

// hue is the colour of the i-th network.
func hue(i int) color.NRGBA {
	hues := [...]color.NRGBA{blue, orange, green, vermillion, skyBlue, purple, grey}
	return hues[i%len(hues)]
}

// dashes tells networks of the same hue apart.
func dashes(i int) []vg.Length {
	patterns := [...][]vg.Length{nil, {4, 2}, {1.5, 1.5}, {6, 2, 1.5, 2}}
	return patterns[i/7%len(patterns)]
}

// tint mixes a colour with white: share 1 is the colour, 0 white.
func tint(c color.NRGBA, share float64) color.NRGBA {
	mix := func(v uint8) uint8 { return uint8(math.Round(share*float64(v) + (1-share)*255)) }
	return color.NRGBA{mix(c.R), mix(c.G), mix(c.B), 0xFF}
}

// ink is the colour of text on a colour.
func ink(c color.NRGBA) color.NRGBA {
	if 0.299*float64(c.R)+0.587*float64(c.G)+0.114*float64(c.B) > 135 {
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

// beside writes text at the middle height of a swatch or line of a legend.
func beside(c draw.Canvas, sty text.Style, x, y vg.Length, s string) {
	// The middle of a font's height is below the middle of its letters.
	c.FillText(sty, vg.Point{X: x, Y: y + sty.Font.Size/9}, s)
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

// heading is a figure's title, and lines of explanation under it.
type heading struct {
	title, below           []string
	titleStyle, belowStyle text.Style
}

// newHeading breaks texts into lines for a figure of a width.
func newHeading(title, below string, width vg.Length) heading {
	h := heading{
		titleStyle: aligned(bold(style(titleSize, black)), text.XLeft, text.YTop),
		belowStyle: aligned(style(textSize, darkGrey), text.XLeft, text.YTop),
	}
	h.title = wrap(title, h.titleStyle, width-2*margin, 3)
	h.below = wrap(below, h.belowStyle, width-2*margin, 4)
	return h
}

// height is what the heading and both margins take.
func (h heading) height() vg.Length {
	return 2*margin + vg.Length(len(h.title))*(titleSize+3) + vg.Length(len(h.below))*(textSize+3) + 6
}

// draw writes the heading and returns the canvas below it, inside the margins.
func (h heading) draw(c draw.Canvas) draw.Canvas {
	top := c.Max.Y
	c = draw.Crop(c, margin, -margin, margin, -margin)
	y := c.Max.Y
	for _, line := range h.title {
		c.FillText(h.titleStyle, vg.Point{X: c.Min.X, Y: y}, line)
		y -= titleSize + 3
	}
	for _, line := range h.below {
		c.FillText(h.belowStyle, vg.Point{X: c.Min.X, Y: y}, line)
		y -= textSize + 3
	}
	c.Max.Y = top + margin - h.height()
	return c
}

// newPlot is an empty plot in our style, over fixed ranges.
func newPlot(xmin, xmax, ymin, ymax float64) *plot.Plot {
	p := plot.New()
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = xmin, xmax, ymin, ymax
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Padding = 0
		a.Color = grey
		a.Label.TextStyle.Font = style(textSize, black).Font
		a.Tick.Label.Font = style(smallSize, black).Font
		a.Tick.Color = grey
		a.Tick.Length = 3
	}
	p.X.Tick.Marker = plot.ConstantTicks(ticks(xmin, xmax, 6))
	p.Y.Tick.Marker = plot.ConstantTicks(ticks(ymin, ymax, 6))
	return p
}

// addGrid adds horizontal lines at the ticks.
func addGrid(p *plot.Plot) {
	g := plotter.NewGrid()
	g.Vertical.Width = 0
	g.Horizontal.Color = lightGrey
	g.Horizontal.Width = 0.5
	p.Add(g)
}

// plotFunc draws on a plot's data canvas.
type plotFunc func(c draw.Canvas, p *plot.Plot)

func (f plotFunc) Plot(c draw.Canvas, p *plot.Plot) { f(c, p) }

// fillRect fills a rectangle, given by two corners.
func fillRect(c draw.Canvas, clr color.Color, x0, y0, x1, y1 vg.Length) {
	r := vg.Rectangle{Min: vg.Point{X: min(x0, x1), Y: min(y0, y1)}, Max: vg.Point{X: max(x0, x1), Y: max(y0, y1)}}
	c.SetColor(clr)
	c.Fill(r.Path())
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
		t = append(t, plot.Tick{Value: v, Label: grouped(v, max(0, -int(math.Floor(math.Log10(step)+1e-9))))})
	}
	return t
}

// noTicks is an axis without any, which gonum has no other word for.
func noTicks() plot.Ticker { return plot.ConstantTicks(nil) }

// grouped writes a number with commas between thousands.
func grouped(v float64, decimals int) string {
	s := strconv.FormatFloat(math.Abs(v), 'f', decimals, 64)
	whole, rest, point := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if point {
		whole += "." + rest
	}
	if v < 0 {
		return "-" + whole
	}
	return whole
}

// unitInterval tells whether v is a number from 0 to 1.
func unitInterval(v float64) bool { return v >= 0 && v <= 1 }
