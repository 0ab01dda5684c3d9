package figures

import (
	"fmt"
	"strings"
	"testing"
)

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		n      int
		want   string
	}{
		{0, 100, 6, "0 20 40 60 80 100"},
		{0, 127, 3, "0 50 100"},
		{0, 5000, 6, "0 1,000 2,000 3,000 4,000 5,000"},
		{0, 0.3, 3, "0.0 0.1 0.2 0.3"},
		{-1, 1, 4, "-1.0 -0.5 0.0 0.5 1.0"},
	} {
		var labels []string
		for _, tick := range ticks(c.lo, c.hi, c.n) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != c.want {
			t.Errorf("ticks(%v, %v, %d) are %s: want %s", c.lo, c.hi, c.n, got, c.want)
		}
	}
}

func TestGrouped(t *testing.T) {
	for _, c := range []struct {
		v        float64
		decimals int
		want     string
	}{
		{0, 0, "0"}, {999, 0, "999"}, {1000, 0, "1,000"}, {667582, 0, "667,582"},
		{1234567.25, 2, "1,234,567.25"}, {-12705.8, 1, "-12,705.8"},
	} {
		if got := grouped(c.v, c.decimals); got != c.want {
			t.Errorf("grouped(%v, %d) is %s: want %s", c.v, c.decimals, got, c.want)
		}
	}
}

func TestWrap(t *testing.T) {
	sty := style(10, black)
	width := sty.Width("right of way at")
	for s, want := range map[string]string{
		"":                                      "",
		"stop":                                  "stop",
		"right of way at the crossing":          "right of way at|the crossing",
		"right of way at the next big crossing": "right of way at|the next big…",
	} {
		lines := wrap(s, sty, width, 2)
		for _, l := range lines {
			if sty.Width(l) > width {
				t.Errorf("wrap(%q): line %q is too wide", s, l)
			}
		}
		if got := strings.Join(lines, "|"); got != want {
			t.Errorf("wrap(%q) is %q: want %q", s, got, want)
		}
	}
	if got := shorten("wide", sty, 0); got != "…" {
		t.Errorf("shorten to nothing is %q", got)
	}
}

// Lines of the same colour differ in their dashes.
func TestHuesAndDashesTellApart(t *testing.T) {
	seen := map[string]bool{}
	for i := range 30 {
		key := fmt.Sprint(hue(i), dashes(i))
		if seen[key] {
			t.Errorf("line %d looks like one before it", i)
		}
		seen[key] = true
	}
}
