package page

import (
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
