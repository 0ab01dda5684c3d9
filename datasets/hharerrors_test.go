package datasets

import (
	"strings"
	"testing"
)

func TestHHARErrors(t *testing.T) {
	good := rowsOf(stretch{user: "a", device: "d", gt: "sit", seconds: 6})
	// edit changes a field of the row that is line 4.
	edit := func(field int, value string) func(string) string {
		return func(table string) string {
			lines := strings.Split(table, "\n")
			f := strings.Split(lines[3], ",")
			f[field] = value
			lines[3] = strings.Join(f, ",")
			return strings.Join(lines, "\n")
		}
	}
	with := func(old, new string) func(string) string {
		return func(table string) string { return strings.Replace(table, old, new, 1) }
	}
	for _, c := range []struct {
		name string
		edit func(table string) string
		want []string
	}{
		{"no index", with("Index,", "Number,"), []string{`expected a column "Index"`}},
		{"no activity", with(",gt\n", ",activity\n"), []string{`expected a column "gt"`}},
		{"no clock", with("Creation_Time", "creation_time"), []string{`expected a column "Creation_Time"`}},
		{"empty", func(string) string { return "" }, []string{"expected a line of column names"}},
		{"no readings", func(string) string { return hharHead }, []string{"expected samples, found none"}},
		{"x is no number", edit(3, "1.5.2"), []string{"line 4: x: expected a number from -1e+06 to 1e+06",
			`found "1.5.2"`}},
		{"y is empty", edit(4, ""), []string{`line 4: y: expected a number`, `found ""`}},
		{"z is NaN", edit(5, "NaN"), []string{`line 4: z: expected a number`, `found "NaN"`}},
		{"x is infinite", edit(3, "+Inf"), []string{`line 4: x: expected a number`, `found "+Inf"`}},
		{"x is huge", edit(3, "1e300"), []string{"line 4: x"}},
		{"index is negative", edit(0, "-1"), []string{"line 4: Index"}},
		{"index is NaN", edit(0, "nan"), []string{"line 4: Index"}},
		{"index is large", edit(0, "1e10"), []string{"line 4: Index"}},
		{"arrival", edit(1, "now"), []string{"line 4: Arrival_Time"}},
		{"creation", edit(2, "1e19"), []string{"line 4: Creation_Time"}},
		{"unknown activity", edit(9, "swim"),
			[]string{"line 4: gt: expected one of [bike sit stairsdown stairsup stand walk] or null",
				`found "swim"`}},
		{"nobody", edit(6, ""), []string{"line 4: expected a user and a device"}},
		{"no device", edit(8, ""), []string{"line 4: expected a user and a device"}},
		{"a column more", edit(9, "sit,x"), []string{"line 4", "wrong number of fields"}},
		{"quotes", edit(9, `"sit`), []string{"line"}},
		{"cut", func(table string) string { return table[:len(table)-30] },
			[]string{"wrong number of fields"}},
		{"two faults", func(table string) string { return edit(4, "?")(edit(3, "?")(table)) },
			[]string{"line 4: x"}},
	} {
		for _, name := range []string{hharAccelerometer, hharGyroscope} {
			files := both(good)
			for i, f := range files {
				if f.name == name || strings.HasPrefix(c.name, "no readings") {
					files[i].data = []byte(c.edit(string(f.data)))
				}
			}
			dir := t.TempDir()
			unpack(t, dir, under("hhar", files)...)
			want := c.want
			if !strings.HasPrefix(c.name, "no readings") {
				want = append(want, name)
			}
			_, err := Open(t.Context(), "hhar", Options{Dir: dir})
			for _, w := range want {
				if err == nil || !strings.Contains(err.Error(), w) {
					t.Errorf("%s: error %v, want one with %q", c.name, err, w)
				}
			}
		}
	}
}

// Columns may come in another order, and there may be more of them.
func TestHHARColumns(t *testing.T) {
	good := rowsOf(stretch{user: "a", device: "d", gt: "sit", seconds: 12, value: constant(1, -2, 3)})
	other := []string{"gt,z,y,x,extra,User,Device,Creation_Time,Arrival_Time,Index"}
	for _, row := range good {
		f := strings.Split(row, ",")
		other = append(other, strings.Join([]string{f[9], f[5], f[4], f[3], `"a, b"`, f[6], f[8], f[2], f[1],
			f[0]}, ","))
	}
	files := both(good)
	files[1].data = []byte(strings.Join(other, "\r\n"))
	s, err := loadFresh(t, entryOf("hhar"), unpack(t, t.TempDir(), files...))
	if err != nil {
		t.Fatal(err)
	}
	if s.Train.Len() != 1 || s.Test.Len() != 1 {
		t.Fatalf("%d and %d windows", s.Train.Len(), s.Test.Len())
	}
	checkStill(t, "training", s.Train.Sample(0), []float64{1, -2, 3, 1, -2, 3})
}

func TestHHARFiles(t *testing.T) {
	good := both(rowsOf(stretch{user: "a", device: "d", gt: "sit", seconds: 12}))
	for _, c := range []struct {
		name  string
		files []file
		want  string
	}{
		{"one table", good[:1], "expected " + hharArchive},
		{"none", []file{{"readme", nil}}, "expected " + hharArchive},
		{"an archive with one", []file{{hharArchive, zipped(t, good[1:]...)}},
			"expected " + hharAccelerometer + " and " + hharGyroscope},
		{"an archive with three", []file{{hharArchive,
			zipped(t, append(good, file{"more/" + hharGyroscope, good[0].data})...)}}, "found it twice"},
		{"no archive", []file{{hharArchive, []byte("<html>")}}, "the file is a web page"},
	} {
		dir := t.TempDir()
		unpack(t, dir, under("hhar", c.files)...)
		if _, err := Open(t.Context(), "hhar", Options{Dir: dir}); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}
