package overlapping

import (
	"math"
	"slices"
	"strings"
	"testing"

	"weightsep/wslib/page"
)

// Two networks of one-weight pages, worked by hand: the first lies on pages 0 and
// 1 with F 4 and 1. The second has F 2, 3; its page 1 comes first (3), the shared
// page 0 has 4 > 3, so page 0 takes its cheapest partner: |5-1|^2*(4+2)=96 against
// |5-5|=0, page 1. Page 0 goes to shared page 1: (1+2)*(2-1)^2 = 3.
func TestPlacementByHand(t *testing.T) {
	p, _ := New(1, 2)
	if m, err := p.Add(Network{Name: "a", Weights: []float32{5, 2}, Fisher: []float32{4, 1}}); err != nil ||
		m.Cost != 0 {
		t.Fatalf("first network: cost %v, %v", m.Cost, err)
	}
	p.Average()
	m, err := p.Add(Network{Name: "b", Weights: []float32{1, 5}, Fisher: []float32{2, 3}})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(m.Table.Entries, []int32{1, 0}) || m.Cost != 3 || p.TotalCost() != 3 {
		t.Errorf("table %v cost %v total %v, want [1 0] 3 3", m.Table.Entries, m.Cost, p.TotalCost())
	}
	p.Average() // page 0: 5; page 1: (1*2 + 2*1)/3
	if p.Values[0] != 5 || math.Abs(p.Values[1]-4.0/3) > 1e-15 {
		t.Errorf("values %v, want [5 4/3]", p.Values)
	}
}

func TestRandomPlacementIsDistinctAndEven(t *testing.T) {
	p, _ := New(1, 8)
	for i := range 5 {
		n := Network{Name: string(rune('a' + i)), Weights: make([]float32, 5), Fisher: make([]float32, 5)}
		n.Weights[0] = 1
		m, err := p.AddWith(n, Random(7))
		if err != nil {
			t.Fatal(err)
		}
		seen := map[int32]bool{}
		for _, e := range m.Table.Entries {
			if e < 0 || e >= 8 || seen[e] {
				t.Fatalf("table %v", m.Table.Entries)
			}
			seen[e] = true
		}
	}
	if o := occupancy(p); slices.Max(o)-slices.Min(o) > 1 {
		t.Errorf("occupancy %v is not even", o)
	}
}

func TestBadNetworks(t *testing.T) {
	ok := []float32{1, 2, 3}
	nan := []float32{1, float32(math.NaN()), 3}
	p, _ := New(1, 2)
	p.Add(Network{Name: "here", Weights: ok[:1], Fisher: ok[:1]})
	for want, n := range map[string]Network{
		"already":          {Name: "here", Weights: ok[:1], Fisher: ok[:1]},
		"2 weights, want":  {Name: "x", Weights: ok, Fisher: ok[:2]},
		"weight 1 is NaN":  {Name: "x", Weights: nan, Fisher: ok, Exclusive: []int{0}},
		"want 0 or more":   {Name: "x", Weights: ok, Fisher: []float32{0, 0, -1}, Exclusive: []int{0}},
		"3 sharable pages": {Name: "x", Weights: ok, Fisher: ok},
		"rising indices":   {Name: "x", Weights: ok, Fisher: ok, Exclusive: []int{1, 0}},
	} {
		if _, err := p.Add(n); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if len(p.Members) != 1 {
		t.Errorf("%d members after refused additions, want 1", len(p.Members))
	}
	for _, c := range [][2]int{{0, 1}, {1, 0}, {-5, 3}} {
		if _, err := New(c[0], c[1]); err == nil {
			t.Errorf("New%v accepted", c)
		}
	}
}

// occupancy is the number of networks on each shared page.
func occupancy(p *Plan) []int {
	var tables []page.Table
	for _, m := range p.Members {
		tables = append(tables, m.Table)
	}
	return page.Occupancy(tables, p.Shared)
}
