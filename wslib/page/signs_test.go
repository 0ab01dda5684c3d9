package page

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
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
// third with 2 weights. Bits: weights 1 and 8 of the first page, weight 0 of the third.
func TestSignsByHand(t *testing.T) {
	table := Table{1, []int32{0, 1, 0}}
	weights := []float32{1, -2, 3, 0, 4, 5, 6, 7, -8, -1, -1, -1, -1, -1, -1, -1, -1, -1, -5, 6}
	signs := table.PackSigns(weights, 9)
	if want := []byte{2, 1, 1, 0}; !bytes.Equal(signs, want) {
		t.Fatalf("signs %v, want %v", signs, want)
	}
	if rows := table.SignRows(); !slices.Equal(rows, []int32{0, 2, 1}) {
		t.Errorf("rows %v", rows)
	}
	s := &Set{Size: 9, Shared: 1, Pages: []float32{1, 2, 3, 4, 5, 6, 7, 8, -9}, Networks: []Member{{Name: "a", Weights: 20, Table: table,
		Exclusive: []float32{1, 1, 1, 1, 1, 1, 1, 1, -1}, Scales: []float32{1, 3, 10}, Signs: signs}}}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	want := []float32{1, -2, 3, 4, 5, 6, 7, 8, 9, 3, 3, 3, 3, 3, 3, 3, 3, -3, -10, 20}
	if got := s.Weights(0); !slices.Equal(got, want) {
		t.Errorf("weights %v, want %v", got, want)
	}
	// 9 and 9 float32 values, a table of 3 bytes, 3 scales, 2 rows of 2 bytes of signs.
	b := s.Stored()
	if b.Signs != 4 || b.Total != 36+36+3+12+4 || b.RatioLevel1 != 80.0/51 {
		t.Errorf("%+v", b)
	}
}

func TestSignsAgainstOneByOne(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, size := range []int{1, 7, 8, 13, 16, 512} {
		table := Table{5, []int32{4, 5, 0, 4, 6, 2}}
		for _, n := range []int{6 * size, 6*size - size/2} {
			weights, dst := make([]float32, n), make([]float32, n)
			for i := range weights {
				weights[i], dst[i] = rng.Float32()-0.5, rng.Float32()-0.5
			}
			want := slices.Clone(dst)
			for i, w := range weights {
				if b := i / size; b != 1 && b != 4 && w < 0 {
					want[i] = -want[i]
				}
			}
			table.ApplySigns(dst, table.PackSigns(weights, size), size)
			if !slices.Equal(dst, want) {
				t.Errorf("%d weights in pages of %d: a sign is wrong", n, size)
			}
		}
	}
	zero := []float32{0}
	Table{1, []int32{0}}.ApplySigns(zero, []byte{1}, 1)
	if !math.Signbit(float64(zero[0])) {
		t.Error("0 keeps its sign; times -1 it would not")
	}
}

// signed is the set of stored with random signs for its first network.
func signed(p Precision, f ScaleFormat) *Set {
	s := stored(p, f)
	m := &s.Networks[0]
	rng := rand.New(rand.NewPCG(1, 2))
	weights := make([]float32, m.Weights)
	for i := range weights {
		weights[i] = rng.Float32() - 0.5
	}
	m.Signs = m.Table.PackSigns(weights, s.Size)
	return s
}

var signedShapes = []Shape{signed(0, "").Networks[0].Shape(), storedShapes[1]}

func TestSignedSetsComeBack(t *testing.T) {
	for _, p := range precisions {
		dir := t.TempDir()
		s := signed(p, ScaleFloat16)
		files, err := s.Save(dir)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Load(dir, s.Format(), signedShapes)
		if err != nil || !reflect.DeepEqual(got, s) || !slices.Contains(files, SignsFile("a")) {
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
		c.Networks[0].Signs[0] ^= 1
		if s.Networks[0].Signs[0] == c.Networks[0].Signs[0] {
			t.Error("a clone shares its signs")
		}
	}
}

func TestSignsThatDoNotFit(t *testing.T) {
	for want, spoil := range map[string]func(*Member){
		"5 bytes of signs, want 2 for each of 3 pages": func(m *Member) { m.Signs = m.Signs[:5] },
		"but no scales":                      func(m *Member) { m.Scales = nil },
		"page 0: a bit is set beyond its 13": func(m *Member) { m.Signs[1] |= 1 << 5 },
		"page 3: a bit is set beyond its 13": func(m *Member) { m.Signs[5] |= 1 << 7 },
	} {
		s := signed(0, "")
		spoil(&s.Networks[0])
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	dir := t.TempDir()
	s := signed(Int4, ScaleLog8)
	if _, err := s.Save(dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, SignsFile("a"))
	for want, write := range map[string]func() error{
		"shape [2 2], want [3 2]": func() error { return npy.Write(path, make([]uint8, 4), 2, 2) },
		`element type "|i1"`:      func() error { return npy.Write(path, make([]int8, 6), 3, 2) },
		"no such file":            func() error { return os.Remove(path) },
	} {
		if err := write(); err != nil {
			t.Fatal(fmt.Errorf("%s: %w", want, err))
		}
		if _, err := Load(dir, s.Format(), signedShapes); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%v, want %s and %q", err, path, want)
		}
		if err := npy.Write(path, s.Networks[0].Signs, 3, 2); err != nil {
			t.Fatal(err)
		}
	}
}
