package page

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"weightsep/wslib/npy"
)

// stored is a set of 300 shared pages of 13 values: a's table names one of them
// twice and two pages of its own, b's fits in bytes.
func stored(p Precision, f ScaleFormat) *Set { return storedMixed(p, 0, f) }

// storedMixed is such a set with exclusive pages of a precision of their own.
func storedMixed(p, own Precision, f ScaleFormat) *Set {
	rng := rand.New(rand.NewPCG(uint64(p), 9))
	values := func(p Precision, pages int) []float32 {
		v := make([]float32, pages*13)
		for i := range v {
			v[i] = p.Round((2*rng.Float32() - 1) * min(p.Limit(), 9))
		}
		return v
	}
	scales := func(v ...float32) []float32 {
		for i := range v {
			v[i] = f.Round(v[i])
		}
		return v
	}
	ofOwn := own
	if own == 0 {
		ofOwn = p
	}
	return &Set{Size: 13, Shared: 300, Pages: values(p, 300), Precision: p, ExclusivePrecision: own, ScaleFormat: f, Networks: []Member{
		{Name: "a", Weights: 60, Table: Table{300, []int32{7, 300, 7, 299, 301}}, Exclusive: values(ofOwn, 2), Scales: scales(1, 0.3, -2, 0, 1e-3)},
		{Name: "b", Weights: 13, Table: Table{300, []int32{255}}, Exclusive: []float32{}, Scales: scales(0.7)},
	}}
}

var storedShapes = []Shape{{Name: "a", Weights: 60, Scales: true}, {Name: "b", Weights: 13, Scales: true}}

func TestStoredByHand(t *testing.T) {
	s := stored(Int4, ScaleLog8)
	// 7 bytes hold 13 values of 4 bits. a's 5 entries reach 301 and take 2 bytes each,
	// b's one 1; 6 scales of a byte. 73 weights separately.
	b := s.Stored()
	if b.Shared != 2100 || b.Exclusive != 14 || b.Tables != 11 || b.Scales != 6 || b.Total != 2131 || b.Separate != 292 {
		t.Errorf("%+v", b)
	}
	if b.RatioWeights != 73.0/(302*13) || b.RatioBytes != 292.0/2131 || b.RatioLevel1 != 292.0/2117 {
		t.Errorf("%+v", b)
	}
	for _, c := range []struct{ shared, own, bytesShared, bytesOwn int }{
		{2, 8, 300 * 4, 2 * 13}, // 26 bits are 4 bytes
		{4, 8, 300 * 7, 2 * 13},
		{8, 32, 300 * 13, 2 * 52},
		{32, 8, 300 * 52, 2 * 13},
		{0, 1, 300 * 52, 2 * 2},
	} {
		b := storedMixed(Precision(c.shared), Precision(c.own), ScaleLog8).Stored()
		if b.Shared != c.bytesShared || b.Exclusive != c.bytesOwn || b.Total != c.bytesShared+c.bytesOwn+11+6 || b.RatioWeights != 73.0/(302*13) {
			t.Errorf("%d bits shared, %d exclusive: %+v", c.shared, c.own, b)
		}
	}
	for _, c := range []struct {
		entry int32
		width int
	}{{0, 1}, {255, 1}, {256, 2}, {65535, 2}, {65536, 4}} {
		if got := (Table{Shared: 1 << 20, Entries: []int32{3, c.entry, 1}}).Width(); got != c.width {
			t.Errorf("entry %d takes %d bytes, want %d", c.entry, got, c.width)
		}
	}
}

// Every set comes back as it was, and its files take what Stored counts beside
// their headers.
func TestStoredSetsComeBack(t *testing.T) {
	type kind struct {
		p, own Precision
		f      ScaleFormat
	}
	var kinds []kind
	for _, p := range append(precisions, 0) {
		for _, f := range append(scaleFormats, "") {
			kinds = append(kinds, kind{p, 0, f})
		}
		for _, own := range precisions {
			kinds = append(kinds, kind{p, own, ScaleFloat16})
		}
	}
	for _, k := range kinds {
		t.Run(fmt.Sprintf("%d %d %s", k.p, k.own, k.f), func(t *testing.T) {
			dir := t.TempDir()
			s := storedMixed(k.p, k.own, k.f)
			files, err := s.Save(dir)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Load(dir, s.Format(), storedShapes)
			if err != nil || !reflect.DeepEqual(got, s) {
				t.Fatalf("did not come back: %v", err)
			}
			if c := s.Clone(); c.Format() != s.Format() {
				t.Errorf("clone of %+v", c.Format())
			}
			bytes := 0
			for _, file := range files {
				raw, err := os.ReadFile(filepath.Join(dir, file))
				if err != nil {
					t.Fatal(err)
				}
				if raw[6] != 2 {
					t.Fatalf("%s: version %d of .npy", file, raw[6])
				}
				bytes += len(raw) - 12 - int(binary.LittleEndian.Uint32(raw[8:]))
			}
			if want := s.Stored().Total; bytes != want {
				t.Errorf("files hold %d bytes, Stored counts %d", bytes, want)
			}
		})
	}
}

// A set without any exclusive page, of int32 tables as older runs have them.
func TestLoadOlderFiles(t *testing.T) {
	dir := t.TempDir()
	s := stored(0, "")
	s.Networks = s.Networks[1:]
	if _, err := s.Save(dir); err != nil {
		t.Fatal(err)
	}
	if err := npy.Write(filepath.Join(dir, TableFile("b")), s.Networks[0].Table.Entries); err != nil {
		t.Fatal(err)
	}
	got, err := LoadSet(dir, 13, 300, storedShapes[1:])
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Weights(0), s.Weights(0)) || got.Networks[0].Table.Entries[0] != 255 {
		t.Errorf("loaded %+v", got)
	}
}

func TestDamagedStoredFiles(t *testing.T) {
	mixed := func(p, own Precision, file string, change func(path string) error, want string) func(*testing.T) {
		return func(t *testing.T) {
			dir := t.TempDir()
			s := storedMixed(p, own, ScaleLog8)
			if p == Int16 {
				s = storedMixed(p, own, ScaleFloat16)
			}
			if _, err := s.Save(dir); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, file)
			if err := change(path); err != nil {
				t.Fatal(err)
			}
			_, err := Load(dir, s.Format(), storedShapes)
			if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %s and %q", err, path, want)
			}
		}
	}
	entry := func(p Precision, file string, change func(path string) error, want string) func(*testing.T) {
		return mixed(p, 0, file, change, want)
	}
	shorter := func(path string) error {
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, raw[:len(raw)-1], 0o644)
	}
	last := func(b byte) func(string) error {
		return func(path string) error {
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			raw[len(raw)-1] = b
			return os.WriteFile(path, raw, 0o644)
		}
	}
	floats := func(path string) error { return npy.Write(path, make([]float32, 300*13), 300, 13) }
	for _, p := range precisions {
		t.Run("shorter "+p.String(), entry(p, SharedFile, shorter, "truncated or damaged"))
		if p.Quantized() {
			t.Run("floats "+p.String(), entry(p, SharedFile, floats, `element type "<f4"`))
		}
	}
	eight := func(path string) error { return npy.Write(path, make([]uint8, 2*8), 2, 8) }
	t.Run("smallest int8", entry(Int8, SharedFile, last(0x80), "is -128"))
	t.Run("smallest int16", entry(Int16, SharedFile, func(path string) error {
		v := make([]int16, 300*13)
		v[17] = -32768
		return npy.Write(path, v, 300, 13)
	}, "value 17 is -32768"))
	t.Run("smallest int4", entry(Int4, ExclusiveFile, last(8), "page 1: value 12 is -8"))
	t.Run("left-over bits", entry(Int4, ExclusiveFile, last(0x10), "page 1: last byte is 0x10"))
	t.Run("left-over bits of int2", entry(Int2, SharedFile, last(0xff), "page 299: last byte is 0xff"))
	t.Run("left-over bits of int1", entry(Int1, SharedFile, last(0x20), "page 299: last byte is 0x20"))
	t.Run("page of 8 bytes", entry(Int4, ExclusiveFile, eight, "shape [2 8], want [E 7]"))
	t.Run("shared pages too few", entry(Int4, SharedFile, func(path string) error {
		return npy.Write(path, make([]uint8, 299*7), 299, 7)
	}, "shape [299 7], want [300 7]"))
	t.Run("-0 in log8", entry(Int4, ScalesFile("a"), last(0x80), "scale 4 is 0x80"))
	t.Run("infinite half", entry(Int16, ScalesFile("a"), last(0x7c), "not a finite half"))
	t.Run("float32 scales", entry(Int4, ScalesFile("b"), func(path string) error { return npy.Write(path, []float32{1}) }, `element type "<f4"`))
	t.Run("scales too many", entry(Int4, ScalesFile("b"), func(path string) error { return npy.Write(path, []uint8{1, 1}) }, "2 bytes, 1 scales of 1 need 1"))
	t.Run("int8 table", entry(Int4, TableFile("b"), func(path string) error { return npy.Write(path, []int8{1}) }, `element type "|i1"`))
	t.Run("table points outside", entry(Int4, TableFile("b"), func(path string) error { return npy.Write(path, []uint16{302}) }, "entry 0 is 302"))
	t.Run("smallest exclusive int8", mixed(Int2, Int8, ExclusiveFile, last(0x80), "value 25 is -128"))
	t.Run("exclusive left-over bits", mixed(0, Int4, ExclusiveFile, last(0x10), "page 1: last byte is 0x10"))
	t.Run("exclusive int8 for float32", mixed(Int8, Float32, ExclusiveFile, func(path string) error {
		return npy.Write(path, make([]int8, 2*13), 2, 13)
	}, `element type "|i1"`))
	t.Run("exclusive float32 for int8", mixed(Float32, Int8, ExclusiveFile, func(path string) error {
		return npy.Write(path, make([]float32, 2*13), 2, 13)
	}, `element type "<f4"`))
	t.Run("exclusive page of int2 for int4", mixed(Int2, Int4, ExclusiveFile, func(path string) error {
		return npy.Write(path, make([]uint8, 2*4), 2, 4)
	}, "shape [2 4], want [E 7]"))
	t.Run("exclusive page of nobody", entry(Int4, ExclusiveFile, func(path string) error {
		return npy.Write(path, make([]uint8, 3*7), 3, 7)
	}, "3 pages, the page tables name 2"))
}

func TestSetRefusesWhatIsNotStored(t *testing.T) {
	for want, change := range map[string]func(*Set){
		"3 bits":            func(s *Set) { s.Precision = 3 },
		`"half"`:            func(s *Set) { s.ScaleFormat = "half" },
		"value 3 is 0.25":   func(s *Set) { s.Pages[3] = 0.25 },
		"b: no scales":      func(s *Set) { s.Networks[1].Scales = nil },
		"value 1 is 8":      func(s *Set) { s.Networks[0].Exclusive[1] = 8 },
		"b: scale 0 is 0.9": func(s *Set) { s.Networks[1].Scales[0] = 0.9 },
	} {
		s := stored(Int4, ScaleLog8)
		change(s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
		if _, err := s.Save(t.TempDir()); err == nil {
			t.Errorf("saved: %s", want)
		}
	}
	for want, change := range map[string]func(*Set){
		"exclusive pages: precision of 3 bits":       func(s *Set) { s.ExclusivePrecision = 3 },
		"b: no scales, which pages of int8 need":     func(s *Set) { s.Networks[1].Scales = nil },
		"a: exclusive pages: value 1 is 128":         func(s *Set) { s.Networks[0].Exclusive[1] = 128 },
		"a: exclusive pages: value 0 is 0, not a co": func(s *Set) { s.ExclusivePrecision, s.Networks[0].Exclusive[0] = Int2, 0 },
		"shared pages: value 3 is 0.25":              func(s *Set) { s.Precision, s.Pages[3] = Int8, 0.25 },
	} {
		s := storedMixed(Float32, Int8, ScaleLog8)
		s.Pages = make([]float32, len(s.Pages)) // code values of any precision from 4 bits
		change(s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	s := storedMixed(Int8, Float32, "")
	s.Networks[0].Exclusive[0] = 0.1234
	if err := s.Validate(); err != nil {
		t.Errorf("float32 exclusive pages beside int8: %v", err)
	}
	for _, f := range []Format{{0, 1, Int4, 0, "", 0}, {1, 0, Int4, 0, "", 0}, {1, 1, 5, 0, "", 0}, {1, 1, Int4, 5, "", 0}, {1, 1, Int4, 0, "half", 0}, {1, 1, Int4, 0, "", Int4}} {
		if _, err := Load(t.TempDir(), f, nil); err == nil || os.IsNotExist(err) {
			t.Errorf("%+v: %v", f, err)
		}
	}
}
