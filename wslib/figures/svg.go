package figures

import (
	"bytes"
	"fmt"
	"html"
	"regexp"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// svgCanvas is vgsvg's canvas, made to render alike everywhere: it remembers the
// width of each text, which the plain one leaves to the browser's font.
type svgCanvas struct {
	*vgsvg.Canvas
	widths []vg.Length
}

func newSVGCanvas(w, h vg.Length) *svgCanvas {
	return &svgCanvas{Canvas: vgsvg.NewWith(vgsvg.UseWH(w, h))}
}

// FillString draws text and notes its width.
func (c *svgCanvas) FillString(f font.Face, pt vg.Point, text string) {
	c.widths = append(c.widths, f.Width(text))
	c.Canvas.FillString(f, pt, text)
}

var (
	svgStart  = regexp.MustCompile(`(?s)^.*?<svg[^>]*>`)
	svgText   = regexp.MustCompile(`<text `)
	svgFamily = regexp.MustCompile(`font-family:[^;]*;font-variant:[^;]*;`)
)

// families are fonts with the metrics of Liberation Sans, and what is left.
const families = "font-family:Liberation Sans,Arimo,Helvetica,Arial,sans-serif;"

// element returns the drawing as an svg element that shrinks with its page.
func (c *svgCanvas) element(title string) (string, error) {
	var b bytes.Buffer
	if _, err := c.Canvas.WriteTo(&b); err != nil {
		return "", fmt.Errorf("figures: %w", err)
	}
	w, h := c.Size()
	title = html.EscapeString(title)
	s := svgStart.ReplaceAllLiteralString(b.String(), fmt.Sprintf(
		`<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"`+
			` width="%.0f" height="%.0f" viewBox="0 0 %.5g %.5g" style="max-width:100%%"`+
			` role="img"><title>%s</title>`,
		w.Points()*96/72, h.Points()*96/72, w.Points(), h.Points(), title))
	i := -1
	s = svgText.ReplaceAllStringFunc(s, func(string) string {
		i++
		return fmt.Sprintf(`<text textLength="%.5g" lengthAdjust="spacingAndGlyphs" `, c.widths[i].Points())
	})
	s = svgFamily.ReplaceAllLiteralString(s, families)
	s = strings.ReplaceAll(s, "data:image/jpg;", "data:image/png;") // vgsvg encodes PNG
	s = strings.ReplaceAll(s, "<image ", `<image preserveAspectRatio="none" style="image-rendering:pixelated" `)
	return s, nil
}
