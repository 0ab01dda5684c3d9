package datasets

import (
	"errors"
	"io"
	"io/fs"
	"math"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"weightsep/datasets/features"
	"weightsep/datasets/picture"
)

// What is read of a table of phones must be fit to be computed with.
func FuzzReadTable(f *testing.F) {
	row := "0,1424696633908,1424696631913248572,-5.958191,0.6880646,8.135345,a,nexus4,nexus4_1,stand\n"
	f.Add([]byte(hharHead + row))
	f.Add([]byte(hharHead + row + strings.ReplaceAll(row, "stand", "null")))
	f.Add([]byte("gt,Device,User,z,y,x,Creation_Time,Arrival_Time,Index\r\nwalk,d,u,1,2,3,4,5,6\r\n"))
	f.Add([]byte(hharHead + strings.Replace(row, "0.6880646", "NaN", 1)))
	f.Add([]byte(hharHead + strings.Replace(row, "0,", "1e9,", 1) + row))
	f.Add([]byte(hharHead + `"0",1,-9e18,1_0,0x1p3,.5,"a ""b""",,"c` + "\n" + `d",sit` + "\n"))
	f.Add([]byte(hharHead[:20]))
	f.Fuzz(func(t *testing.T, table []byte) {
		s, err := readTable(strings.NewReader(string(table)))
		if err != nil {
			if s != nil {
				t.Fatalf("readings beside the error %v", err)
			}
			return
		}
		n := 0
		for p, all := range s {
			if p.user == "" || p.device == "" {
				t.Fatalf("readings of %+v", p)
			}
			if len(all) == 0 {
				t.Fatalf("no readings of %+v", p)
			}
			n += len(all)
			for _, r := range all {
				if r.index() > mostIndex || r.activity() < 0 || int(r.activity()) >= len(hharActivities) {
					t.Fatalf("reading %+v", r)
				}
				for _, v := range r.v {
					if math.IsNaN(float64(v)) || math.Abs(float64(v)) > 1e6 {
						t.Fatalf("reading %+v", r)
					}
				}
			}
			// Whatever the times are, the parts of a recording are in order.
			for _, part := range pieces(all, func(r reading) int64 { return r.creation }) {
				if err := increasing(part.series); err != "" {
					t.Fatal(err)
				}
			}
		}
		if n > strings.Count(string(table), "\n")+strings.Count(string(table), "\r")+1 {
			t.Fatalf("%d readings in the table", n)
		}
	})
}

// increasing says what is wrong with times, if anything is.
func increasing(s features.Series) string {
	for i := range s {
		if i > 0 && s[i].Time <= s[i-1].Time {
			return "times that do not increase"
		}
	}
	if len(s) == 0 {
		return "a piece without times"
	}
	return ""
}

// What a table says of a sign must be within what a picture can be.
func FuzzReadSigns(f *testing.F) {
	f.Add([]byte(gtsrbHead + line("00000_00000.ppm", 1) + line("00000_00001.ppm", 42)))
	f.Add([]byte("ClassId;Roi.Y2;Roi.X2;Roi.Y1;Roi.X1;Filename\r\n0;3;4;1;2;a.ppm\r\n"))
	f.Add([]byte(gtsrbHead + "a;40;36;35;33;4;2;1\n")) // corners exchanged
	f.Add([]byte(gtsrbHead + "a;40;36;4;2;3;33;1\n"))
	f.Add([]byte(gtsrbHead + "a;40;36;4;2;35;33;43\n"))
	f.Add([]byte(gtsrbHead + "a;40;36;-0;+2;0x4;4097;1\n"))
	f.Add([]byte(gtsrbHead[:30]))
	f.Fuzz(func(t *testing.T, table []byte) {
		signs := map[string]sign{}
		if err := readSigns(strings.NewReader(string(table)), "00001/", signs); err != nil {
			return
		}
		for key, s := range signs {
			if !strings.HasPrefix(key, "00001/") {
				t.Fatalf("key %q", key)
			}
			if s.class < 0 || s.class >= len(gtsrbClasses) {
				t.Fatalf("%s: class %d", key, s.class)
			}
			b := s.bounds
			if b.Empty() || b.Min.X < 0 || b.Min.Y < 0 || b.Max.X > picture.MaxPixels+1 ||
				b.Max.Y > picture.MaxPixels+1 {
				t.Fatalf("%s: bounds %v", key, b)
			}
		}
	})
}

// A list holds names of recordings, none that a loader would have to beware of.
func FuzzGSCList(f *testing.F) {
	f.Add([]byte("bed/0f250098_nohash_0.wav\nzero/0f250098_nohash_1.wav\n"))
	f.Add([]byte("\r\nbed/0f250098_nohash_0.wav\r\n\r\n"))
	f.Add([]byte("../x.wav"))
	f.Add([]byte("/x.wav"))
	f.Add([]byte(" a.wav\t\na.wav"))
	f.Fuzz(func(t *testing.T, text []byte) {
		names, err := gscList(strings.NewReader(string(text)))
		if err != nil {
			return
		}
		for name := range names {
			if !fs.ValidPath(name) || path.Ext(name) != ".wav" || strings.Count(name, "/") > 1 {
				t.Fatalf("name %q", name)
			}
		}
		lines := strings.Count(strings.TrimSpace(string(text)), "\n") + 1
		if len(names) > lines {
			t.Fatalf("%d names of %d lines", len(names), lines)
		}
	})
}

func addArraySeeds(f *testing.F) {
	f.Add(npyFile("<f4", false, "(2, 3)", packed("<f4", 1, 2, 3, 4, 5, 6)))
	f.Add(npyFile("<f8", false, "(2, 6)", packed("<f8", oneHot(5, 0)...)))
	f.Add(npyFile("<i8", false, "(3,)", packed("<i8", 1, 5, 0)))
	f.Add(npyFile("<i4", false, "(2, 1)", packed("<i4", 1, -5)))
	f.Add(npyFile("|u1", false, "(1, 1, 1, 4)", packed("|u1", 1, 2, 3, 4)))
	f.Add(npyFile("<f8", true, "(2, 2)", packed("<f8", 1, 2, 3, 4)))
	f.Add(npyFile("<f8", false, "()", packed("<f8", 1)))
	f.Add(npyFile("<f8", false, "(0, 3)", nil))
	f.Add(npyFile("<f4", false, "(2147483647, 2147483647)", nil))
}

// What is opened has as many values as its header says, to the last byte.
func FuzzOpenArray(f *testing.F) {
	addArraySeeds(f)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		write(t, b, dir, "x.npy")
		a, err := openArray(filepath.Join(dir, "x.npy"))
		if err != nil {
			if a != nil || !strings.Contains(err.Error(), "x.npy") {
				t.Fatalf("array %v, error %v", a, err)
			}
			return
		}
		defer a.Close()
		if a.rows < 1 || a.columns < 1 || a.rows*a.columns > len(b) {
			t.Fatalf("%d rows of %d values in a file of %d bytes", a.rows, a.columns, len(b))
		}
		v := make([]float32, a.columns)
		for i := range a.rows {
			if err := a.Read(v); err != nil {
				t.Fatalf("row %d of %d: %v", i, a.rows, err)
			}
		}
		if err := a.Read(v); !a.Fortran && !errors.Is(err, io.EOF) {
			t.Fatalf("after the last row: %v", err)
		}
	})
}

func FuzzReadLabels(f *testing.F) {
	addArraySeeds(f)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		write(t, b, dir, "x.npy")
		const classes = 6
		labels, err := readLabels(t.Context(), filepath.Join(dir, "x.npy"), classes)
		if err != nil {
			if labels != nil || !strings.Contains(err.Error(), "x.npy") {
				t.Fatalf("labels %v, error %v", labels, err)
			}
			return
		}
		if len(labels) > len(b) {
			t.Fatalf("%d labels in a file of %d bytes", len(labels), len(b))
		}
		// Indices are checked later, beside the samples.
	})
}
