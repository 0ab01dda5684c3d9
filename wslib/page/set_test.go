package page

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

func example() *Set {
	return &Set{Format: Format{Size: 2, Shared: 2}, Pages: PackFloats([]float32{1, 2, 3, 4}),
		Networks: []Member{
			{Name: "a", Weights: 3, Table: Table{2, []int32{1, 0}}, Exclusive: []byte{},
				Scales: []float32{2, 1}},
			{Name: "b", Weights: 5, Table: Table{2, []int32{2, 0, 3}},
				Exclusive: PackFloats([]float32{5, 6, 7, 8})},
		}}
}

func TestSetWeightsAndBytesByHand(t *testing.T) {
	s := example()
	if got := s.Weights(0); !slices.Equal(got, []float32{6, 8, 1}) {
		t.Errorf("a: %v", got)
	}
	if got := s.SharedValues(); !slices.Equal(got, []float32{1, 2, 3, 4}) {
		t.Errorf("shared pages %v", got)
	}
	if got := s.ExclusiveValues(1); !slices.Equal(got, []float32{5, 6, 7, 8}) {
		t.Errorf("exclusive pages of b %v", got)
	}
	if got := s.Weights(1); !slices.Equal(got, []float32{5, 6, 1, 2, 7}) {
		t.Errorf("b: %v", got)
	}
	// 4 shared and 4 exclusive weights, 5 table entries of a byte, 2 scales; 8 weights separately.
	b := s.Stored()
	if b.Shared != 16 || b.Exclusive != 16 || b.Tables != 5 || b.Scales != 8 || b.Total != 45 ||
		b.Separate != 32 {
		t.Errorf("%+v", b)
	}
	if b.RatioWeights != 1 || b.RatioBytes != 32.0/45 || b.RatioLevel1 != 32.0/29 {
		t.Errorf("%+v", b)
	}
}

// What is done to a clone stays there.
func TestCloneSharesNothing(t *testing.T) {
	s := keyed(Int8, ScaleFloat16)
	s.Networks[0].State = []float32{1}
	want := keyed(Int8, ScaleFloat16)
	want.Networks[0].State = []float32{1}
	c := s.Clone()
	c.Pages[0], c.Networks[1].Name, c.Size = c.Pages[0]+1, "z", 5
	m := &c.Networks[0]
	m.Exclusive[0], m.Scales[0], m.Keys[0], m.State[0] = m.Exclusive[0]+1, 7, m.Keys[0]+1, 7
	if !reflect.DeepEqual(s, want) {
		t.Errorf("%+v, was %+v", s, want)
	}
}

// Two processors share a large network; keys are found in the middle of it, too.
func TestGatherOfLargeNetwork(t *testing.T) {
	const size, pages = 64, 3*large/64/2 + 1
	rng := rand.New(rand.NewPCG(1, 9))
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return b
	}
	m := Member{Name: "a", Weights: pages*size - 5, Table: Table{Shared: 7}, Scales: make([]float32, pages)}
	own := 0
	for b := range pages {
		m.Table.Entries = append(m.Table.Entries, int32(rng.IntN(7)))
		if m.Scales[b] = rng.Float32(); b%3 == 0 {
			m.Table.Entries[b] = int32(7 + own)
			own++
		}
	}
	m.Exclusive, m.Keys = random(own*size/4), random((pages-own)*size/4)
	s := &Set{Format: Format{Size: size, Shared: 7, Precision: Int2, KeyPrecision: Int2},
		Pages: random(7 * size / 4), Networks: []Member{m}}
	got, value, row := s.Weights(0), []float32{-1.5, -0.5, 0.5, 1.5}, 0
	code := func(packed []byte, i int) float32 { return value[packed[i/4]>>(2*(i%4))&3] }
	for b, e := range m.Table.Entries {
		for k := range min(size, len(got)-b*size) {
			want := float32(0)
			if e >= 7 {
				want = code(m.Exclusive, int(e-7)*size+k) * m.Scales[b]
			} else {
				want = code(s.Pages, int(e)*size+k) * m.Scales[b] * code(m.Keys, row*size+k)
			}
			if got[b*size+k] != want {
				t.Fatalf("weight %d of page %d is %v, want %v", k, b, got[b*size+k], want)
			}
		}
		if e < 7 {
			row++
		}
	}
}

func TestGatherAllocatesNothing(t *testing.T) {
	s := keyed(Int2, ScaleLog8)
	dst := make([]float32, s.Networks[0].Weights)
	if n := testing.AllocsPerRun(100, func() { s.Gather(dst, 0) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
