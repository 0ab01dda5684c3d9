package overlapping

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// ones is a network of n pages of one weight.
func ones(name string, n int, load float64) Network {
	v, loads := make([]float32, n), make([]float64, n)
	for i := range v {
		v[i], loads[i] = 1, load
	}
	return Network{Name: name, Weights: v, Fisher: v, Loads: loads}
}

// A page on the least loaded shared page each time: the fullest carries at most one
// page more than the emptiest, whatever the order of networks.
func TestBalancedIsEven(t *testing.T) {
	for _, order := range [][]Network{
		{ones("a", 30, 5), ones("b", 70, 1), ones("c", 41, 0.5)},
		{ones("c", 41, 0.5), ones("b", 70, 1), ones("a", 30, 5)},
	} {
		p := doubled(t, 16)
		loads := make([]float64, 16)
		for _, n := range order {
			m, err := p.AddWith(n, Balanced(1))
			if err != nil {
				t.Fatal(err)
			}
			before := slices.Clone(loads)
			for _, e := range m.Table.Entries {
				loads[e] += map[string]float64{"a": 5, "b": 1, "c": 0.5}[n.Name]
			}
			if least, most := slices.Min(loads), slices.Max(loads); most-least > 5 {
				t.Errorf("after %s: loads from %v to %v", n.Name, least, most)
			}
			// Nothing goes on a page that was fuller than what is left at the end.
			for a := range loads {
				if loads[a] > before[a] && before[a] > slices.Min(loads) {
					t.Errorf("%s was put on page %d, loaded %v, while another ends at %v", n.Name, a,
						before[a], slices.Min(loads))
				}
			}
		}
	}
}

// Where there is room, pages of a large load lie alone.
func TestBalancedLeavesHeavyPagesAlone(t *testing.T) {
	p := doubled(t, 12)
	heavy, err := p.AddWith(ones("heavy", 8, 100), Balanced(3))
	if err != nil {
		t.Fatal(err)
	}
	light, err := p.AddWith(ones("light", 40, 1), Balanced(3))
	if err != nil {
		t.Fatal(err)
	}
	on := make([]int, 12)
	for _, e := range heavy.Table.Entries {
		on[e] += 100
	}
	for _, e := range light.Table.Entries {
		on[e]++
	}
	slices.Sort(on)
	if want := []int{10, 10, 10, 10, 100, 100, 100, 100, 100, 100, 100, 100}; !slices.Equal(on, want) {
		t.Errorf("loads %v, want %v", on, want)
	}
}

func TestBalancedWithoutDoublingIsDistinct(t *testing.T) {
	p, err := New(1, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b", "c"} {
		m, err := p.AddWith(ones(name, 10, 2), Balanced(1))
		if err != nil {
			t.Fatal(err)
		}
		placed := slices.Sorted(slices.Values(m.Table.Entries))
		if !slices.Equal(placed, []int32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
			t.Errorf("%s is placed on %v", name, placed)
		}
	}
}

func TestBalancedIsSeeded(t *testing.T) {
	place := func(seed uint64) []int32 {
		m, err := doubled(t, 20).AddWith(ones("a", 20, 1), Balanced(seed))
		if err != nil {
			t.Fatal(err)
		}
		return m.Table.Entries
	}
	if !slices.Equal(place(1), place(1)) || slices.Equal(place(1), place(2)) {
		t.Error("the seed does not decide")
	}
}

func TestBadLoads(t *testing.T) {
	for _, load := range []float64{-1, math.NaN(), math.Inf(1)} {
		if _, err := doubled(t, 2).Add(ones("a", 2, load)); err == nil ||
			!strings.Contains(err.Error(), "a: load") {
			t.Errorf("load %v: %v", load, err)
		}
	}
}

// Sums of F w^2 of 16, 1 and 81, to the power of 1/4: loads in proportion to 2, 1 and 3.
func TestSpreadLoadsByHand(t *testing.T) {
	got := SpreadLoads([]float32{2, 0, 1, 1, 9}, []float32{4, 3, 0.5, 0.5, 1}, 2, 6, 0.25)
	for b, want := range []float64{6, 3, 9} {
		if math.Abs(got[b]-want) > 1e-9 {
			t.Errorf("load of page %d is %v, want %v", b, got[b], want)
		}
	}
	for _, l := range SpreadLoads([]float32{2, 0, 1}, []float32{0, 3, 0.5}, 1, 6, 0) {
		if l != 6 {
			t.Errorf("without spread a load is %v, want 6", l)
		}
	}
}

// Pages of one network with different loads: 8, 4, 3 and 1 on two shared pages lie as
// even as they can.
func TestBalancedPlacesHeavyPagesFirst(t *testing.T) {
	n := ones("a", 4, 1)
	n.Loads = []float64{1, 8, 3, 4}
	m, err := doubled(t, 2).AddWith(n, Balanced(5))
	if err != nil {
		t.Fatal(err)
	}
	if e := m.Table.Entries; e[0] != e[2] || e[0] != e[3] || e[0] == e[1] {
		t.Errorf("placed on %v, want the page of load 8 alone", e)
	}
	n.Loads = n.Loads[:3]
	if _, err := doubled(t, 2).AddWith(n, Balanced(5)); err == nil ||
		!strings.Contains(err.Error(), "3 loads") {
		t.Errorf("a load is missing: %v", err)
	}
}
