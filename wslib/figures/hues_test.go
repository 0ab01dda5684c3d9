package figures

import (
	"image/color"
	"math"
	"testing"
)

type vector [3]float64

func (m matrix) of(v vector) (r vector) {
	for i := range r {
		for j, x := range v {
			r[i] += m[i][j] * x
		}
	}
	return r
}

type matrix [3]vector

// What readers see of light: all of it, and without cones for long and for middle waves, after Machado,
// Oliveira and Fernandes (2009).
var sights = map[string]matrix{
	"normal": {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	"protanopia": {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216},
		{-0.003882, -0.048116, 1.051998}},
	"deuteranopia": {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413},
		{-0.011820, 0.042940, 0.968881}},
}

// toXYZ is of sRGB light.
var toXYZ = matrix{{0.4124564, 0.3575761, 0.1804375}, {0.2126729, 0.7151522, 0.0721750},
	{0.0193339, 0.1191920, 0.9503041}}

func light(c color.NRGBA) vector {
	linear := func(v uint8) float64 {
		if x := float64(v) / 255; x > 0.04045 {
			return math.Pow((x+0.055)/1.055, 2.4)
		}
		return float64(v) / 255 / 12.92
	}
	return vector{linear(c.R), linear(c.G), linear(c.B)}
}

// contrast is that of the Web Content Accessibility Guidelines, 1 to 21.
func contrast(a, b color.NRGBA) float64 {
	x, y := toXYZ.of(light(a))[1]+0.05, toXYZ.of(light(b))[1]+0.05
	return max(x, y) / min(x, y)
}

// lab is a colour in CIELAB under daylight, as a reader sees it.
func lab(c color.NRGBA, sight matrix) vector {
	seen := sight.of(light(c))
	for i, v := range seen {
		seen[i] = min(1, max(0, v))
	}
	xyz := toXYZ.of(seen)
	f := func(v float64) float64 {
		if v > 216.0/24389 {
			return math.Cbrt(v)
		}
		return (24389.0/27*v + 16) / 116
	}
	x, y, z := f(xyz[0]/0.95047), f(xyz[1]), f(xyz[2]/1.08883)
	return vector{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

// distance is CIEDE2000: 1 is just seen, side by side.
func distance(p, q vector) float64 {
	const degree = math.Pi / 180
	pow7 := func(c float64) float64 { return math.Sqrt(math.Pow(c, 7) / (math.Pow(c, 7) + math.Pow(25, 7))) }
	g := 1.5 - 0.5*pow7((math.Hypot(p[1], p[2])+math.Hypot(q[1], q[2]))/2)
	polar := func(v vector) (c, h float64) {
		return math.Hypot(g*v[1], v[2]), math.Mod(math.Atan2(v[2], g*v[1])/degree+360, 360)
	}
	c1, h1 := polar(p)
	c2, h2 := polar(q)
	dh, h := h2-h1, (h1+h2)/2
	if math.Abs(dh) > 180 {
		dh -= math.Copysign(360, dh)
		h = math.Mod(h+180, 360)
	}
	if c1*c2 == 0 {
		dh, h = 0, h1+h2
	}
	c, l := (c1+c2)/2, (p[0]+q[0])/2-50
	cos := func(a float64) float64 { return math.Cos(a * degree) }
	t := 1 - 0.17*cos(h-30) + 0.24*cos(2*h) + 0.32*cos(3*h+6) - 0.20*cos(4*h-63)
	dl := (q[0] - p[0]) / (1 + 0.015*l*l/math.Sqrt(20+l*l))
	dc := (c2 - c1) / (1 + 0.045*c)
	dH := 2 * math.Sqrt(c1*c2) * math.Sin(dh/2*degree) / (1 + 0.015*c*t)
	turn := -2 * pow7(c) * math.Sin(60*degree*math.Exp(-(h-275)*(h-275)/625))
	return math.Sqrt(dl*dl + dc*dc + dH*dH + turn*dc*dH)
}

// Pairs from the test data of Sharma, Wu and Dalal (2005).
func TestDistance(t *testing.T) {
	for _, c := range []struct {
		p, q vector
		want float64
	}{
		{vector{50, 2.6772, -79.7751}, vector{50, 0, -82.7485}, 2.0425},
		{vector{50, 2.5, 0}, vector{73, 25, -18}, 27.1492},
		{vector{50, 2.49, -0.001}, vector{50, -2.49, 0.0011}, 7.2195},
		{vector{2.0776, 0.0795, -1.1350}, vector{0.9033, -0.0636, -0.5514}, 0.9082},
	} {
		if got := distance(c.p, c.q); math.Abs(got-c.want) > 5e-5 {
			t.Errorf("%v and %v: distance %.4f: want %.4f", c.p, c.q, got, c.want)
		}
	}
}

// Any two of the ten colours differ in hue or lightness for every reader, and each stands out from the
// card's white. Marks stay visible on a dark page, too, if a viewer drops the card.
func TestHues(t *testing.T) {
	dark := color.NRGBA{0x0D, 0x11, 0x17, 0xFF}
	least := map[string]float64{"normal": 20, "protanopia": 12, "deuteranopia": 12}
	for sight, m := range sights {
		closest := math.Inf(1)
		for i := range 10 {
			for j := range i {
				d := distance(lab(hue(i), m), lab(hue(j), m))
				closest = min(closest, d)
				if d < least[sight] {
					t.Errorf("%s: colours %d and %d are %.1f apart: want %v", sight, j, i, d, least[sight])
				}
			}
		}
		t.Logf("%s: the closest two are %.1f apart", sight, closest)
	}
	onWhite, onDark := math.Inf(1), math.Inf(1)
	for i := range 10 {
		onWhite, onDark = min(onWhite, contrast(hue(i), white)), min(onDark, contrast(hue(i), dark))
	}
	if onWhite < 2.2 || onDark < 1.5 {
		t.Errorf("contrast %.2f to white, %.2f to a dark page: want 2.2 and 1.5", onWhite, onDark)
	}
	t.Logf("contrast %.2f to white, %.2f to a dark page", onWhite, onDark)
	for i := range 10 {
		if c := contrast(ink(hue(i)), hue(i)); c < 4.5 {
			t.Errorf("text on colour %d has contrast %.2f: want 4.5", i, c)
		}
	}
}
