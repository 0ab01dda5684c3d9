package page

import (
	"bytes"
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

// Three pages of 9: the first and the third on shared page 0, the second exclusive, the
// third with 2 weights.
func TestKeysByHand(t *testing.T) {
	table := Table{1, []int32{0, 1, 0}}
	values := []float32{1, -2, 3, 0, 0.4, 5, 6, 7, -0.8, -1, -1, -1, -1, -1, -1, -1, -1, -1, -5, 6}
	own := []float32{3, 3, 3, 3, 3, 3, 3, 3, -3} // of the exclusive page
	for _, c := range []struct {
		p      Precision
		packed []byte
		shared []float32 // what each key of the first page makes of its value
		last   []float32 // of the third
	}{
		// 1 where a key is 1, first weights in the lowest bits.
		{Int1, []byte{0b11111101, 0, 0b10, 0}, []float32{1, -2, 3, 4, 5, 6, 7, 8, 9}, []float32{-10, 20}},
		// Ranks 3 0 3 2, 2 3 3 3, 1; 0 3.
		{Int2, []byte{0b10110011, 0b11111110, 1, 0b1100, 0, 0}, []float32{1.5, -3, 4.5, 2, 2.5, 9, 10.5, 12, 4.5}, []float32{-15, 30}},
	} {
		keys := table.PackKeys(values, 9, c.p)
		if !bytes.Equal(keys, c.packed) {
			t.Fatalf("%v: keys %b, want %b", c.p, keys, c.packed)
		}
		if rows := table.KeyRows(); !slices.Equal(rows, []int32{0, 2, 1}) {
			t.Errorf("rows %v", rows)
		}
		s := &Set{Size: 9, Shared: 1, Pages: []float32{1, 2, 3, 4, 5, 6, 7, 8, -9}, KeyPrecision: c.p, Networks: []Member{{Name: "a", Weights: 20, Table: table,
			Exclusive: []float32{1, 1, 1, 1, 1, 1, 1, 1, -1}, Scales: []float32{1, 3, 10}, Keys: keys}}}
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		if got, want := s.Weights(0), slices.Concat(c.shared, own, c.last); !slices.Equal(got, want) {
			t.Errorf("%v: weights %v, want %v", c.p, got, want)
		}
		// 9 and 9 float32 values, a table of 3 bytes, 3 scales, 2 rows of keys.
		b := s.Stored()
		if n := len(c.packed); b.Keys != n || b.Total != 36+36+3+12+n || b.RatioLevel1 != 80.0/51 {
			t.Errorf("%v: %+v", c.p, b)
		}
	}
}

func TestKeysAgainstOneByOne(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, size := range []int{1, 7, 8, 13, 16, 512} {
		table := Table{5, []int32{4, 5, 0, 4, 6, 2}}
		for _, n := range []int{6 * size, 6*size - size/2} {
			for _, p := range []Precision{Int1, Int2} {
				values, dst := make([]float32, n), make([]float32, n)
				for i := range values {
					values[i], dst[i] = 4*rng.Float32()-2, rng.Float32()-0.5
				}
				want := slices.Clone(dst)
				for i, v := range values {
					if b := i / size; b != 1 && b != 4 {
						want[i] *= p.Round(v)
					}
				}
				table.ApplyKeys(dst, table.PackKeys(values, size, p), size, p)
				if !slices.Equal(dst, want) {
					t.Errorf("%d weights in pages of %d, keys of %v: one is wrong", n, size, p)
				}
			}
		}
	}
}

// keyed is the set of stored with random keys for its first network.
func keyed(p Precision, f ScaleFormat, keys Precision) *Set {
	s := stored(p, f)
	s.KeyPrecision = keys
	m := &s.Networks[0]
	rng := rand.New(rand.NewPCG(1, 2))
	values := make([]float32, m.Weights)
	for i := range values {
		values[i] = 4*rng.Float32() - 2
	}
	m.Keys = m.Table.PackKeys(values, s.Size, keys)
	return s
}

var keyedShapes = []Shape{keyed(0, "", Int1).Networks[0].Shape(), storedShapes[1]}

func TestKeyedSetsComeBack(t *testing.T) {
	for i, p := range precisions {
		dir := t.TempDir()
		s := keyed(p, ScaleFloat16, []Precision{Int1, Int2}[i%2])
		files, err := s.Save(dir)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Load(dir, s.Format(), keyedShapes)
		if err != nil || !reflect.DeepEqual(got, s) || !slices.Contains(files, KeysFile("a")) {
			t.Fatalf("%v: did not come back: %v, files %v", p, err, files)
		}
		count := 0
		for _, file := range files {
			raw, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			count += len(raw) - 12 - int(binary.LittleEndian.Uint32(raw[8:]))
		}
		if want := s.Stored().Total; count != want {
			t.Errorf("%v: files hold %d bytes, Stored counts %d", p, count, want)
		}
		kept, err := s.Keep("a")
		if err != nil || kept.Validate() != nil || !slices.Equal(kept.Weights(0), s.Weights(0)) {
			t.Errorf("%v: kept alone it is another network: %v", p, err)
		}
		c := s.Clone()
		c.Networks[0].Keys[0] ^= 1
		if s.Networks[0].Keys[0] == c.Networks[0].Keys[0] {
			t.Error("a clone shares its keys")
		}
	}
}

func TestKeysThatDoNotFit(t *testing.T) {
	for want, spoil := range map[string]func(*Set, *Member){
		"5 bytes of keys, want 2 for each of 3 pages": func(_ *Set, m *Member) { m.Keys = m.Keys[:5] },
		"but no scales":                      func(_ *Set, m *Member) { m.Scales = nil },
		"page 0: a bit is set beyond its 13": func(_ *Set, m *Member) { m.Keys[1] |= 1 << 5 },
		"page 3: a bit is set beyond its 13": func(_ *Set, m *Member) { m.Keys[5] |= 1 << 7 },
		"no precision of keys":               func(s *Set, _ *Member) { s.KeyPrecision = 0 },
		"keys of int4, want int1 or int2":    func(s *Set, _ *Member) { s.KeyPrecision = Int4 },
		"want 4 for each of 3 pages":         func(s *Set, _ *Member) { s.KeyPrecision = Int2 },
	} {
		s := keyed(0, "", Int1)
		spoil(s, &s.Networks[0])
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	dir := t.TempDir()
	s := keyed(Int4, ScaleLog8, Int1)
	if _, err := s.Save(dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, KeysFile("a"))
	for want, write := range map[string]func() error{
		"shape [2 2], want [3 2]": func() error { return npy.Write(path, make([]uint8, 4), 2, 2) },
		`element type "|i1"`:      func() error { return npy.Write(path, make([]int8, 6), 3, 2) },
		"no such file":            func() error { return os.Remove(path) },
	} {
		if err := write(); err != nil {
			t.Fatal(fmt.Errorf("%s: %w", want, err))
		}
		if _, err := Load(dir, s.Format(), keyedShapes); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%v, want %s and %q", err, path, want)
		}
		if err := npy.Write(path, s.Networks[0].Keys, 3, 2); err != nil {
			t.Fatal(err)
		}
	}
}
