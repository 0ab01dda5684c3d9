package page

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// Three pages of 9: the first and the third on shared page 0, the second exclusive, the
// third with 2 weights.
func TestKeysByHand(t *testing.T) {
	table := Table{1, []int32{0, 1, 0}}
	values := []float32{1, -2, 3, 0, 0.4, 5, 6, 7, -0.8, -1, -1, -1, -1, -1, -1, -1, -1, -1, -5, 6}
	own := []float32{3, 3, 3, 3, 3, 3, 3, 3, -3} // of the exclusive page
	// Ranks 3 0 3 2, 2 3 3 3, 1; 0 3, the first in the lowest bits.
	packed := []byte{0b10110011, 0b11111110, 1, 0b1100, 0, 0}
	keys := table.PackKeys(values, 9)
	if !bytes.Equal(keys, packed) {
		t.Fatalf("keys %b, want %b", keys, packed)
	}
	if rows := table.KeyRows(); !slices.Equal(rows, []int32{0, 2, 1}) {
		t.Errorf("rows %v", rows)
	}
	s := &Set{Format: Format{Size: 9, Shared: 1, KeyPrecision: Int2},
		Pages: PackFloats([]float32{1, 2, 3, 4, 5, 6, 7, 8, -9}), Networks: []Member{{
			Name: "a", Weights: 20, Table: table,
			Exclusive: PackFloats([]float32{1, 1, 1, 1, 1, 1, 1, 1, -1}),
			Scales:    []float32{1, 3, 10}, Keys: keys}}}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	want := slices.Concat([]float32{1.5, -3, 4.5, 2, 2.5, 9, 10.5, 12, 4.5}, own, []float32{-15, 30})
	if got := s.Weights(0); !slices.Equal(got, want) {
		t.Errorf("weights %v, want %v", got, want)
	}
	// 9 and 9 float32 values, a table of 3 bytes, 3 scales, 2 rows of keys.
	if b := s.Stored(); b.Keys != 6 || b.Total != 36+36+3+12+6 || b.RatioLevel1 != 80.0/51 {
		t.Errorf("%+v", b)
	}
}

func TestKeysAgainstOneByOne(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, size := range []int{1, 7, 8, 13, 16, 512} {
		table := Table{5, []int32{4, 5, 0, 4, 6, 2}}
		for _, n := range []int{6 * size, 6*size - size/2} {
			values, dst := make([]float32, n), make([]float32, n)
			for i := range values {
				values[i], dst[i] = 4*rng.Float32()-2, rng.Float32()-0.5
			}
			want := slices.Clone(dst)
			for i, v := range values {
				if b := i / size; b != 1 && b != 4 {
					want[i] *= Int2.Round(v)
				}
			}
			pages := make([]float32, 5*size) // each page on the shared or exclusive one of its number
			one := Table{6, []int32{0, 6, 1, 2, 7, 3}}
			own := slices.Concat(Form(dst, size)[size:2*size], Form(dst, size)[4*size:5*size])
			for row, b := range []int{0, 2, 3, 5} {
				copy(pages[row*size:], Form(dst, size)[b*size:(b+1)*size])
			}
			one.gather(dst, 0, 6, Format{Size: size, Shared: 6}, PackFloats(pages), PackFloats(own), nil,
				table.PackKeys(values, size))
			if !slices.Equal(dst, want) {
				t.Errorf("%d weights in pages of %d: one is wrong", n, size)
			}
		}
	}
}

// keyed is the set of stored with random keys for its first network.
func keyed(p Precision, f ScaleFormat) *Set {
	s := stored(p, f)
	s.KeyPrecision = Int2
	m := &s.Networks[0]
	rng := rand.New(rand.NewPCG(1, 2))
	values := make([]float32, m.Weights)
	for i := range values {
		values[i] = 4*rng.Float32() - 2
	}
	m.Keys = m.Table.PackKeys(values, s.Size)
	return s
}

func TestKeysThatDoNotFit(t *testing.T) {
	for want, spoil := range map[string]func(*Set, *Member){
		"11 bytes of keys, want 4 for each of 3 pages": func(_ *Set, m *Member) { m.Keys = m.Keys[:11] },
		"but no scales":                      func(_ *Set, m *Member) { m.Scales = nil },
		"page 0: a bit is set beyond its 13": func(_ *Set, m *Member) { m.Keys[3] |= 1 << 2 },
		"page 3: a bit is set beyond its 13": func(_ *Set, m *Member) { m.Keys[11] |= 1 << 7 },
		"no precision of keys":               func(s *Set, _ *Member) { s.KeyPrecision = 0 },
		"keys of int4, want int2":            func(s *Set, _ *Member) { s.KeyPrecision = Int4 },
	} {
		s := keyed(0, "")
		spoil(s, &s.Networks[0])
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
