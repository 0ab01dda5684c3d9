package setfiles

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"weightsep/datasets/npy"
	"weightsep/wslib/page"
	"weightsep/wslib/page/pagetest"
)

func shapes(s *page.Set) (all []Shape) {
	for _, m := range s.Networks {
		all = append(all, ShapeOf(m))
	}
	return all
}

// into writes the files of a set into a directory.
func into(dir string) func(name string, raw []byte) error {
	return func(name string, raw []byte) error {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, raw, 0o644)
	}
}

// from reads the files of a set from a directory.
func from(dir string) Read {
	return func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, name)) }
}

// formats are all precisions of pages beside each other, and all formats of scales, with keys
// and without.
func formats() (all []page.Format) {
	precisions := []page.Precision{0, page.Float32, page.Int8, page.Int4, page.Int2}
	for _, p := range precisions {
		for _, own := range precisions {
			f := page.Format{Precision: p, ExclusivePrecision: own, ScaleFormat: page.ScaleFloat16}
			all = append(all, f)
		}
		for _, f := range []page.ScaleFormat{"", page.ScaleFloat32, page.ScaleLog8} {
			all = append(all, page.Format{Precision: p, ScaleFormat: f, KeyPrecision: page.Int2})
		}
	}
	return all
}

// Every set comes back as it was, and its files take what Stored counts beside
// their headers.
func TestSetsComeBack(t *testing.T) {
	for _, f := range formats() {
		dir := t.TempDir()
		s := pagetest.Example(f)
		files, err := Save(s, into(dir))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Load(from(dir), s.Format, shapes(s))
		if err != nil || !reflect.DeepEqual(got, s) {
			t.Fatalf("%+v: did not come back: %v", f, err)
		}
		size := 0
		for _, file := range files {
			raw, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			size += len(raw) - 12 - int(binary.LittleEndian.Uint32(raw[8:]))
		}
		if want := s.Stored().Total; size != want {
			t.Errorf("%+v: files hold %d bytes, Stored counts %d", f, size, want)
		}
	}
}

// What the files hold, element by element.
func TestFilesByHand(t *testing.T) {
	dir := t.TempDir()
	f := page.Format{Precision: page.Int2, ExclusivePrecision: page.Int8, ScaleFormat: page.ScaleFloat16}
	s := pagetest.Example(f)
	copy(s.Networks[0].Exclusive, []byte{0x81, 5, 0, 126})
	if _, err := Save(s, into(dir)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file, kind string
		shape      []int
		want       []byte
	}{
		{SharedFile, "|u1", []int{300, 4}, s.Pages},
		{ExclusiveFile, "|i1", []int{2, 13}, s.Networks[0].Exclusive},
		{File("a", page.TablePart), "<u2", []int{5}, []byte{7, 0, 44, 1, 7, 0, 43, 1, 45, 1}},
		{File("b", page.TablePart), "|u1", []int{1}, []byte{255}},
		{File("a", page.ScalesPart), "<u2", []int{5},
			[]byte{0, 0x3c, 0xcd, 0x34, 0, 0xc0, 0, 0, 0x19, 0x14}},
		{File("a", page.StatePart), "<f4", []int{2}, []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xbf}},
	} {
		raw, err := os.ReadFile(filepath.Join(dir, c.file))
		if err != nil {
			t.Fatal(err)
		}
		got, err := npy.Array(c.file, raw, c.kind)
		if err != nil || !bytes.Equal(got.Data, c.want) || !slices.Equal(got.Shape, c.shape) {
			t.Errorf("%s: %v, %v; want %v %v", c.file, got, err, c.shape, c.want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, File("a", page.KeysPart))); !os.IsNotExist(err) {
		t.Errorf("keys of a set without: %v", err)
	}
}

// A set without any exclusive page, of int32 tables as older runs have them.
func TestLoadOlderFiles(t *testing.T) {
	dir := t.TempDir()
	s := pagetest.Example(page.Format{})
	s.Networks = s.Networks[1:]
	if _, err := Save(s, into(dir)); err != nil {
		t.Fatal(err)
	}
	if err := npy.Write(filepath.Join(dir, File("b", page.TablePart)),
		s.Networks[0].Table.Entries); err != nil {
		t.Fatal(err)
	}
	got, err := Load(from(dir), s.Format, shapes(s))
	if err != nil || !slices.Equal(got.Weights(0), s.Weights(0)) || got.Networks[0].Table.Entries[0] != 255 {
		t.Errorf("loaded %+v, %v", got, err)
	}
}

func TestDamagedFiles(t *testing.T) {
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
	bytesOf := func(rows, width int) func(string) error {
		return func(path string) error { return npy.Write(path, make([]uint8, rows*width), rows, width) }
	}
	values := func(values any) func(string) error {
		return func(path string) error {
			switch v := values.(type) {
			case []float32:
				return npy.Write(path, v)
			case []int8:
				return npy.Write(path, v)
			case []uint16:
				return npy.Write(path, v)
			}
			return npy.Write(path, values.([]uint8))
		}
	}
	const p2, p4, p8 = page.Int2, page.Int4, page.Int8
	for i, c := range []struct {
		p, own page.Precision
		f      page.ScaleFormat
		file   string
		change func(path string) error
		want   string
	}{
		{0, 0, "", SharedFile, shorter, "truncated or damaged"},
		{p8, 0, "", SharedFile, shorter, "truncated or damaged"},
		{p2, 0, "", ExclusiveFile, shorter, "truncated or damaged"},
		{p4, 0, "", SharedFile, values(make([]float32, 300*13)), "F32 [3900], want U8 [300 7]"},
		{p8, 0, "", SharedFile, bytesOf(300, 13), "U8 [300 13], want I8 [300 13]"},
		{p8, 0, "", SharedFile, last(0x80), ": shared pages: page 299: value 12 is -128"},
		{0, 0, "", SharedFile, last(0x7f), ": shared pages: page 299: value 12 is"},
		{p4, 0, "", ExclusiveFile, last(8), ": a: exclusive pages: page 1: value 12 is -8"},
		{p4, 0, "", ExclusiveFile, last(0x10), ": a: exclusive pages: page 1: last byte is 0x10"},
		{p2, 0, "", SharedFile, last(0xff), ": shared pages: page 299: last byte is 0xff"},
		{p4, 0, "", ExclusiveFile, bytesOf(2, 8), "U8 [2 8], want U8 [2 7]"},
		{p4, 0, "", SharedFile, bytesOf(299, 7), "U8 [299 7], want U8 [300 7]"},
		{p4, 0, "", ExclusiveFile, bytesOf(3, 7), "3 pages, the page tables name 2"},
		{p4, 0, "", ExclusiveFile, bytesOf(1, 7), "1 pages, the page tables name more"},
		{p2, p8, "", ExclusiveFile, last(0x80), ": a: exclusive pages: page 1: value 12 is -128"},
		{p2, p4, "", ExclusiveFile, bytesOf(2, 4), "U8 [2 4], want U8 [2 7]"},
		{p8, 32, "", ExclusiveFile, values(make([]int8, 2*13)), "I8 [2], want F32 [2 13]"},
		{p4, 0, page.ScaleLog8, File("a", page.ScalesPart), last(0x80), ": a: scale 4 is -0"},
		{p4, 0, page.ScaleFloat16, File("a", page.ScalesPart), last(0x7c), ": a: scale 4 is 67136"},
		{p4, 0, page.ScaleLog8, File("b", page.ScalesPart), values([]float32{1}), "F32 [1], want U8 [1]"},
		{p4, 0, page.ScaleLog8, File("b", page.ScalesPart), values([]uint8{1, 1}), "U8 [2], want U8 [1]"},
		{p4, 0, "", File("b", page.TablePart), values([]int8{1}), "I8 [1], want U8, U16 or I32 [1]"},
		{p4, 0, "", File("b", page.TablePart), values([]uint16{302}), "entry 0 is 302"},
		{p4, 0, "", File("b", page.TablePart), values([]uint8{2, 3}), "U8 [2], want U8 [1]"},
		{p4, 0, "", File("a", page.KeysPart), bytesOf(2, 4), "U8 [2 4], want U8 [3 4]"},
		{p4, 0, "", File("a", page.KeysPart), values(make([]int8, 12)), "I8 [12], want U8 [3 4]"},
		{p4, 0, "", File("a", page.KeysPart), os.Remove, "no such file"},
		{p4, 0, "", File("a", page.StatePart), values([]float32{1, float32(math.NaN())}),
			": a: state: weight 1 is NaN"},
		{p4, 0, "", File("a", page.StatePart), values([]float32{1}), "1 values, want 2"},
	} {
		t.Run(fmt.Sprint(i, " ", c.want), func(t *testing.T) {
			dir := t.TempDir()
			f := page.Format{Precision: c.p, ExclusivePrecision: c.own, ScaleFormat: c.f, KeyPrecision: p2}
			s := pagetest.Example(f)
			if _, err := Save(s, into(dir)); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, c.file)
			if err := c.change(path); err != nil {
				t.Fatal(err)
			}
			_, err := Load(from(dir), s.Format, shapes(s))
			want, inSet := strings.CutPrefix(c.want, ": ") // found in the set, which knows no files
			if err == nil || !inSet && !strings.Contains(err.Error(), c.file) ||
				!strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %s and %q", err, c.file, c.want)
			}
		})
	}
}

func TestRefusesWhatIsNotStored(t *testing.T) {
	s := pagetest.Example(page.Format{Precision: page.Int4})
	s.Networks[1].Scales = nil
	if _, err := Save(s, into(t.TempDir())); err == nil || !strings.Contains(err.Error(), "b: no scales") {
		t.Errorf("saved without scales: %v", err)
	}
	_, err := Load(from(t.TempDir()), page.Format{Size: 1, Shared: 1, Precision: 5}, nil)
	if err == nil || !strings.Contains(err.Error(), "5 bits") {
		t.Errorf("pages of 5 bits: %v", err)
	}
}
