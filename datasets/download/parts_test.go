package download

import "testing"

func TestParseRange(t *testing.T) {
	for s, want := range map[string][2]int64{
		"bytes 0-9/10":                  {0, 10},
		"bytes 5-9/*":                   {5, -1},
		"bytes 6000000000-6000000001/*": {6000000000, -1},
		"bytes 100-199/1000":            {100, 1000},
		"bytes 0-6023741707/6023741708": {0, 6023741708},
	} {
		start, total, err := parseRange(s)
		if err != nil || start != want[0] || total != want[1] {
			t.Errorf("%q: %d, %d, %v", s, start, total, err)
		}
	}
	for _, s := range []string{"", "bytes", "bytes 1-2", "bytes */5", "bytes 2-1/5", "bytes 1-5/5",
		"bytes -1-5/9",
		"lines 1-2/5", "bytes 1-2/-5", "bytes 1-2/5, 3-4/5", "bytes a-b/c",
		"bytes 99999999999999999999-2/5"} {
		if start, total, err := parseRange(s); err == nil {
			t.Errorf("%q: %d, %d, no error", s, start, total)
		}
	}
}
