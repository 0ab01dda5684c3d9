package overlapping

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"weightsep/wslib/page"
)

// Optimal is compared with trying every assignment.
func TestOptimalAgainstAllPermutations(t *testing.T) {
	plan := func(nets []Network) *Plan {
		p, _ := New(3, 5)
		for _, n := range nets {
			if _, err := p.Add(n); err != nil {
				t.Fatal(err)
			}
			p.Average()
		}
		return p
	}
	for seed := range uint64(100) {
		nets, _ := randomCase(seed, 5, 3, 5)
		before, last := nets[:len(nets)-1], nets[len(nets)-1]
		greedy, err := plan(before).Add(last)
		if err != nil {
			t.Fatal(err)
		}
		optimal, err := plan(before).AddWith(last, Optimal)
		if err != nil {
			t.Fatal(err)
		}
		p := plan(before)
		best := math.Inf(1)
		sharable := sharable(last, 3)
		var try func(used int, placed []int)
		try = func(used int, placed []int) {
			if len(placed) == len(sharable) {
				c := 0.0
				for i, a := range placed {
					c += pageCost(p.FisherSum[a*3:][:3], p.Values[a*3:][:3],
						cut(last.Fisher, sharable[i], 3), cut(last.Weights, sharable[i], 3))
				}
				best = min(best, c)
				return
			}
			for a := range 5 {
				if used&(1<<a) == 0 {
					try(used|1<<a, append(slices.Clone(placed), a))
				}
			}
		}
		try(0, nil)
		if math.Abs(optimal.Cost-best) > 1e-9 {
			t.Fatalf("seed %d: optimal %v, best of all %v", seed, optimal.Cost, best)
		}
		if greedy.Cost < best-1e-9 {
			t.Fatalf("seed %d: greedy %v below the optimum %v", seed, greedy.Cost, best)
		}
	}
}

// Each round of Optimal is compared with trying every assignment of its pages.
func TestDoublingOptimalByRounds(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	network := func(pages int) Network {
		n := Network{Name: fmt.Sprint(rng.Uint64())}
		for range pages {
			n.Weights, n.Fisher = append(n.Weights, rng.Float32()), append(n.Fisher, rng.Float32())
		}
		return n
	}
	for range 20 {
		p := doubled(t, 4)
		if _, err := p.Add(network(6)); err != nil {
			t.Fatal(err)
		}
		p.Average()
		n := network(7)
		order := []int{0, 1, 2, 3, 4, 5, 6}
		slices.SortFunc(order, func(a, b int) int {
			return int(math.Copysign(1,
				float64(n.Fisher[b]-n.Fisher[a])))
		})
		page := func(v []float32, b int) []float64 { return []float64{float64(v[b])} }
		var own [4][]int
		want := 0.0
		for _, pages := range [][]int{order[:4], order[4:]} {
			best, bestPlaced := math.Inf(1), []int(nil)
			var try func(placed []int, cost float64)
			try = func(placed []int, cost float64) {
				if len(placed) == len(pages) {
					if cost < best {
						best, bestPlaced = cost, slices.Clone(placed)
					}
					return
				}
				b := pages[len(placed)]
				for a := range 4 {
					if slices.Contains(placed, a) {
						continue
					}
					c := meet(p.FisherSum[a:a+1], p.Values[a:a+1], page(n.Fisher, b), page(n.Weights, b))
					for _, o := range own[a] {
						c += meet(page(n.Fisher, o), page(n.Weights, o), page(n.Fisher, b),
							page(n.Weights, b))
					}
					try(append(placed, a), cost+c)
				}
			}
			try(nil, 0)
			want += best
			for i, a := range bestPlaced {
				own[a] = append(own[a], pages[i])
			}
		}
		m, err := p.AddWith(n, Optimal)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(m.Cost-want) > 1e-9 {
			t.Errorf("optimal in rounds %v, best of all %v", m.Cost, want)
		}
	}
}

// sharable are the pages of a network that are not its own.
func sharable(n Network, size int) (pages []int) {
	for b := range page.Count(len(n.Weights), size) {
		if !slices.Contains(n.Exclusive, b) {
			pages = append(pages, b)
		}
	}
	return pages
}
