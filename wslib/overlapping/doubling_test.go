package overlapping

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// doubled is a plan with doubling, of pages of one weight.
func doubled(t *testing.T, shared int) *Plan {
	t.Helper()
	p, err := New(1, shared)
	if err != nil {
		t.Fatal(err)
	}
	p.Doubling = true
	return p
}

// Three pages of one weight on two shared pages. Pages 0 and 1 take shared pages 0
// and 1. Both then hold one page, and page 2 goes on the one that matters less, of
// sum 1: at (1+2)*(5-2)^2 = 27. Its weight is then (1*5 + 2*2)/3 = 3.
func TestDoublingByHand(t *testing.T) {
	p := doubled(t, 2)
	m, err := p.Add(Network{Name: "a", Weights: []float32{1, 5, 2}, Fisher: []float32{4, 1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(m.Table.Entries, []int32{0, 1, 1}) || m.Cost != 27 || p.TotalCost() != 27 {
		t.Errorf("table %v cost %v total %v, want [0 1 1] 27 27", m.Table.Entries, m.Cost, p.TotalCost())
	}
	if o := occupancy(p); !slices.Equal(o, []int{1, 1}) {
		t.Errorf("occupancy %v, want one network on each", o)
	}
	p.Average()
	if !slices.Equal(p.Values, []float64{1, 3}) {
		t.Errorf("values %v, want [1 3]", p.Values)
	}
	set := p.Set(false)
	if err := set.Validate(); err != nil {
		t.Fatal(err)
	}
	if got := set.Weights(0); !slices.Equal(got, []float32{1, 3, 3}) {
		t.Errorf("weights from pages %v, want [1 3 3]", got)
	}
	// Normalized: each page of one weight becomes +-deviation, the sum of two is
	// divided by sqrt 2, and scales bring back the magnitude.
	start, err := p.StartSet(0)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{1, 5 * math.Sqrt2, 2 * math.Sqrt2} {
		if got := float64(start.Weights(0)[i]); math.Abs(got-want) > 1e-6 {
			t.Errorf("weight %d starts from %v, want %v", i, got, want)
		}
	}
}

// Where no Fisher information is, the mean is that of pages, not of networks.
func TestDoublingPlainMean(t *testing.T) {
	p := doubled(t, 1)
	for i, w := range [][]float32{{1, 2, 6}, {11}} {
		if _, err := p.Add(Network{Name: fmt.Sprint(i), Weights: w,
			Fisher: make([]float32, len(w))}); err != nil {
			t.Fatal(err)
		}
	}
	if p.Average(); p.Values[0] != 5 {
		t.Errorf("mean %v, want 5", p.Values[0])
	}
}

// A removed network leaves a plan as if it had never been there.
// Pages are spread evenly over the shared pages, each network's and all together.
func TestDoublingIsEven(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for name, place := range map[string]Placement{"greedy": Greedy, "random": Random(7)} {
		p := doubled(t, 8)
		all := make([]int, 8)
		for i, pages := range []int{19, 3, 8, 30, 5} {
			n := Network{Name: fmt.Sprint(i)}
			for range pages {
				n.Weights, n.Fisher = append(n.Weights, rng.Float32()), append(n.Fisher, rng.Float32())
			}
			m, err := p.AddWith(n, place)
			if err != nil {
				t.Fatal(err)
			}
			p.Average()
			own := make([]int, 8)
			for _, e := range m.Table.Entries {
				own[e]++
				all[e]++
			}
			for what, count := range map[string][]int{"network": own, "plan": all} {
				if slices.Max(count)-slices.Min(count) > 1 {
					t.Errorf("%s: pages of the %s on shared pages: %v", name, what, count)
				}
			}
		}
	}
}

// What a placement may not do is told, and leaves the plan as it was.
func TestBadPlacements(t *testing.T) {
	n := Network{Name: "x", Weights: []float32{1, 2}, Fisher: []float32{1, 1}}
	for want, placed := range map[string][]int{
		"placement of 1 pages, want 2":                       {0},
		"page 1 on shared page 3, want 0 to 2":               {0, 3},
		"page 0 on shared page -1":                           {-1, 3},
		"pages 0 and 1 on shared page 2, in a plan without ": {2, 2},
	} {
		p, _ := New(1, 3)
		_, err := p.AddWith(n, func(*Plan, Network, []int) []int { return placed })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
		if len(p.Members) > 0 || slices.Max(p.FisherSum) > 0 {
			t.Errorf("%v: the plan has changed", placed)
		}
	}
}
