package datasets

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// photo is a picture of 40x36 in the form PPM. The sign is the 32x32 from column 4 and
// row 2 on: its first columns are blue, the others red. All around is as bright as can
// be, so that a pixel too many shows.
func photo(blue int) []byte {
	b := []byte("P6\n# a comment\n40 36\n255\n")
	for y := range 36 {
		for x := range 40 {
			switch {
			case x < 4 || x >= 36 || y < 2 || y >= 34:
				b = append(b, 255, 255, 255)
			case x < 4+blue:
				b = append(b, 0, 0, 255) // luma 29
			default:
				b = append(b, 255, 0, 0) // luma 76
			}
		}
	}
	return b
}

// signOf is what a sign becomes, worked out on paper: of the share p of dark pixels the
// normalised ones are sqrt((1-p)/p) below the mean, the bright ones sqrt(p/(1-p)) above
// it. The mean is 127.5, the deviation 63.75.
func signOf(blue int) []float32 {
	p := float64(blue) / 32
	dark := math.Round(127.5 - 63.75*math.Sqrt((1-p)/p))
	bright := math.Round(127.5 + 63.75*math.Sqrt(p/(1-p)))
	var v []float32
	for range 32 {
		for x := range 32 {
			if x < blue {
				v = append(v, float32(dark)/255)
			} else {
				v = append(v, float32(bright)/255)
			}
		}
	}
	return v
}

const gtsrbHead = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n"

// line is a line of a table for a photo.
func line(name string, class int) string {
	return fmt.Sprintf("%s;40;36;4;2;35;33;%d\n", name, class)
}

// gtsrbFiles returns the files of the three archives.
func gtsrbFiles() (train, test, truth []file) {
	const images = "GTSRB/Final_Training/Images/"
	train = []file{
		{"GTSRB/Readme-Images.txt", []byte("x")},
		{images + "00001/GT-00001.csv", []byte(gtsrbHead + line("00000_00000.ppm", 1) +
			line("00000_00001.ppm", 1) + line("00001_00000.ppm", 1))},
		{images + "00001/00000_00000.ppm", photo(8)},
		{images + "00001/00000_00001.ppm", photo(9)},
		{images + "00001/00001_00000.ppm", photo(10)},
		{images + "00014/GT-00014.csv", []byte(gtsrbHead + line("00000_00000.ppm", 14) +
			line("00000_00029.ppm", 14) + line("00002_00000.ppm", 14))},
		{images + "00014/00000_00000.ppm", photo(11)},
		{images + "00014/00000_00029.ppm", photo(12)},
	}
	test = []file{
		{"GTSRB/Final_Test/Images/00000.ppm", photo(20)},
		{"GTSRB/Final_Test/Images/00001.ppm", photo(21)},
		// The table without classes that lies beside them.
		{"GTSRB/Final_Test/Images/GT-final_test.test.csv",
			[]byte("Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2\n00000.ppm;40;36;4;2;35;33\n")},
	}
	truth = []file{{"GT-final_test.csv", []byte(gtsrbHead + line("00000.ppm", 42) + line("00001.ppm", 0) +
		line("00002.ppm", 7))}}
	return train, test, truth
}

func TestGTSRB(t *testing.T) {
	train, test, truth := gtsrbFiles()
	archives := []file{{gtsrbArchives[0], zipped(t, train...)}, {gtsrbArchives[1], zipped(t, test...)},
		{gtsrbArchives[2], zipped(t, truth...)}}
	all := slices.Concat(train, test, truth)
	inner := slices.Concat(train, test, under("GTSRB", truth))
	for i := range inner {
		inner[i].name = strings.TrimPrefix(inner[i].name, "GTSRB/")
	}
	for name, folder := range map[string]string{
		"three archives":           unpack(t, t.TempDir(), archives...),
		"unpacked files":           unpack(t, t.TempDir(), all...),
		"unpacked files, no GTSRB": unpack(t, t.TempDir(), inner...),
	} {
		s, err := loadFresh(t, entryOf("gtsrb"), folder)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := []int32{1, 1, 1, 14, 14}; !slices.Equal(s.Train.Labels, want) {
			t.Errorf("%s: training labels %v, want %v", name, s.Train.Labels, want)
			continue
		}
		for i, blue := range []int{8, 9, 10, 11, 12} {
			if got, want := s.Train.Sample(i), signOf(blue); !slices.Equal(got, want) {
				t.Errorf("%s: training sample %d has the values %v ..., want %v ...", name, i, got[:16],
					want[:16])
			}
		}
		// The order of test samples is shuffled, but what belongs together stays.
		if s.Test.Len() != 2 {
			t.Fatalf("%s: %d test samples", name, s.Test.Len())
		}
		for i, label := range s.Test.Labels {
			want := map[int32]int{42: 20, 0: 21}[label]
			if want == 0 || !slices.Equal(s.Test.Sample(i), signOf(want)) {
				t.Errorf("%s: test sample %d of class %d is not its picture", name, i, label)
			}
		}
		// A track is of one sign; tracks of other signs have the same numbers.
		g := s.Train.Groups
		if g[0] != g[1] || g[1] == g[2] || g[0] == g[3] || g[2] == g[3] || g[3] != g[4] {
			t.Errorf("%s: groups %v do not tell the tracks", name, g)
		}
		if g := s.Test.Groups; g[0] != -1 || g[1] != -1 {
			t.Errorf("%s: groups %v of the test samples", name, g)
		}
		source, _, _ := strings.Cut(name, ", ")
		if p := s.Provenance; p.Kind != Real || p.Source != source || p.TrainOf != 39209 ||
			p.TestOf != 12630 {
			t.Errorf("%s: provenance %+v", name, p)
		}
	}
}

// The table says what class a picture is of, not the folder.
func TestGTSRBClassOfTable(t *testing.T) {
	train, test, truth := gtsrbFiles()
	train[1].data = []byte(strings.ReplaceAll(string(train[1].data), "33;1\n", "33;2\n"))
	s, err := loadFresh(t, entryOf("gtsrb"), unpack(t, t.TempDir(), slices.Concat(train, test, truth)...))
	if err != nil {
		t.Fatal(err)
	}
	if want := []int32{2, 2, 2, 14, 14}; !slices.Equal(s.Train.Labels, want) {
		t.Errorf("labels %v, want %v", s.Train.Labels, want)
	}
}

// A sign of another size is resized: the borders between its columns stay in place.
func TestGTSRBResized(t *testing.T) {
	b := []byte("P6 64 96 255\n")
	for range 96 {
		for x := range 64 {
			v := byte(50)
			if x >= 32 {
				v = 150
			}
			b = append(b, v, v, v)
		}
	}
	train, test, truth := gtsrbFiles()
	train[2].data = b
	train[1].data = []byte(strings.Replace(string(train[1].data), "00000_00000.ppm;40;36;4;2;35;33;1",
		"00000_00000.ppm;64;96;0;0;63;95;1", 1))
	s, err := loadFresh(t, entryOf("gtsrb"), unpack(t, t.TempDir(), slices.Concat(train, test, truth)...))
	if err != nil {
		t.Fatal(err)
	}
	v := s.Train.Sample(0)
	for _, p := range []struct {
		x    int
		want float64
	}{{0, 0.25}, {14, 0.25}, {17, 0.75}, {31, 0.75}} { // a deviation to both sides
		for _, y := range []int{0, 16, 31} {
			if got := float64(v[y*32+p.x]); math.Abs(got-p.want) > 0.015 {
				t.Errorf("row %d, column %d: %.3f, want about %v", y, p.x, got, p.want)
			}
		}
	}
}

func TestGTSRBErrors(t *testing.T) {
	const table, picture = 1, 2 // among the training files
	const leftOut = "1 pictures left out: GTSRB/Final_Training/Images/00001/00000_00000.ppm"
	replace := func(at int, old, new string) func([]file) {
		return func(f []file) {
			if !strings.Contains(string(f[at].data), old) {
				panic(old)
			}
			f[at].data = []byte(strings.Replace(string(f[at].data), old, new, 1))
		}
	}
	for _, c := range []struct {
		name string
		edit func(train []file)
		want []string
	}{
		{"no line", replace(table, line("00000_00000.ppm", 1), ""),
			[]string{"00001/00000_00000.ppm", "no table has a line"}},
		{"no table", func(f []file) { f[table].name = "other.csv" },
			[]string{"00001/00000_00000.ppm", "no table has a line"}},
		{"right of the picture", replace(table, "35;33", "40;33"),
			[]string{leftOut, "expected a rectangle within"}},
		{"below the picture", replace(table, "35;33", "35;36"),
			[]string{leftOut, "expected a rectangle within"}},
		{"corners exchanged", replace(table, "4;2;35;33", "35;33;4;2"), []string{"GT-00001.csv", "line 2"}},
		{"left of the picture", replace(table, ";4;2", ";-4;2"),
			[]string{"GT-00001.csv", "line 2: Roi.X1: expected a number from 0 to", `found "-4"`}},
		{"no number", replace(table, ";33;1", ";3x;1"), []string{"GT-00001.csv", "line 2: Roi.Y2"}},
		{"huge number", replace(table, ";33;1", ";99999999999999999999;1"),
			[]string{"GT-00001.csv", "line 2: Roi.Y2"}},
		{"class 43", replace(table, "33;1\n", "33;43\n"),
			[]string{"GT-00001.csv", "line 2: ClassId: expected 0 to 42, found 43"}},
		{"no class", replace(table, "33;1\n", "33;\n"), []string{"GT-00001.csv", "line 2: ClassId"}},
		{"a column less", replace(table, ";36;", ";"),
			[]string{"GT-00001.csv", "line 2", "wrong number of fields"}},
		{"no classes", replace(table, "ClassId", "Class"),
			[]string{"GT-00001.csv", `expected a column "ClassId"`}},
		{"commas", replace(table, gtsrbHead, strings.ReplaceAll(gtsrbHead, ";", ",")),
			[]string{"GT-00001.csv", `expected a column "Filename"`}},
		{"empty table", func(f []file) { f[table].data = nil },
			[]string{"GT-00001.csv", "expected a line of column names"}},
		{"no track", func(f []file) {
			f[picture].name = "GTSRB/Final_Training/Images/00001/00000.ppm"
			replace(table, "00000_00000.ppm", "00000.ppm")(f)
		}, []string{"00001/00000.ppm", "expected a name such as 00000_00002.ppm"}},
		{"empty picture", func(f []file) { f[picture].data = nil },
			[]string{leftOut, "found no data"}},
		{"no pixels", func(f []file) { f[picture].data = []byte("P6 0 0 255\n") },
			[]string{leftOut, "PPM"}},
		{"cut picture", func(f []file) { f[picture].data = f[picture].data[:2000] },
			[]string{leftOut, "truncated"}},
		{"huge picture", func(f []file) { f[picture].data = []byte("P6 99999 99999 255\n") },
			[]string{leftOut, "found 99999x99999"}},
		{"other form", func(f []file) { f[picture].data = []byte("GIF89a") },
			[]string{leftOut, "GIF89a"}},
	} {
		train, test, truth := gtsrbFiles()
		c.edit(train)
		dir := t.TempDir()
		write(t, zipped(t, train...), dir, "gtsrb", gtsrbArchives[0])
		write(t, zipped(t, test...), dir, "gtsrb", gtsrbArchives[1])
		write(t, zipped(t, truth...), dir, "gtsrb", gtsrbArchives[2])
		said := outcome(Open(t.Context(), "gtsrb", Options{Dir: dir}))
		if c.want[0] != leftOut {
			c.want = append(c.want, gtsrbArchives[0])
		}
		for _, want := range c.want {
			if !strings.Contains(said, want) {
				t.Errorf("%s: %s, want it with %q", c.name, said, want)
			}
		}
	}
}

func TestGTSRBFiles(t *testing.T) {
	train, test, truth := gtsrbFiles()
	archives := []file{{gtsrbArchives[0], zipped(t, train...)}, {gtsrbArchives[1], zipped(t, test...)},
		{gtsrbArchives[2], zipped(t, truth...)}}
	for i := range archives { // an archive missing, though the others are there
		dir := t.TempDir()
		unpack(t, dir, under("gtsrb", slices.Delete(slices.Clone(archives), i, i+1))...)
		_, err := Open(t.Context(), "gtsrb", Options{Dir: dir})
		if err == nil || !strings.Contains(err.Error(), "expected "+gtsrbArchives[i]+", not found") {
			t.Errorf("without %s: error %v", gtsrbArchives[i], err)
		}
	}
	for name, c := range map[string]struct {
		files []file
		want  string
	}{
		"nothing":          {[]file{{"readme", nil}}, "expected " + gtsrbArchives[0]},
		"no test table":    {slices.Concat(train, test), "no table has a line for this picture"},
		"no test pictures": {slices.Concat(train, truth), "found 5 training and 0 test samples"},
		"no pictures":      {truth, "expected " + gtsrbArchives[0]},
		"no zip": {[]file{{gtsrbArchives[0], nil}, {gtsrbArchives[1], nil},
			{gtsrbArchives[2], nil}}, "the file is empty"},
	} {
		dir := t.TempDir()
		unpack(t, dir, under("gtsrb", c.files)...)
		if _, err := Open(t.Context(), "gtsrb", Options{Dir: dir}); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}
