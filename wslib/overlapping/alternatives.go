package overlapping

import (
	"math"
	"math/rand/v2"

	"weightsep/wslib/page"
)

// Random returns a placement on distinct shared pages drawn at random, occupancy
// kept even: it draws among the least occupied first. It is a comparison, and
// what a placement without Fisher information can do.
func Random(seed uint64) Placement {
	return func(p *Plan, n Network, sharable []int) []int {
		rng := rand.New(rand.NewPCG(seed, uint64(len(p.Members))))
		occupancy := p.Occupancy()
		order := rng.Perm(p.Shared)
		var byLevel []int
		for level := 0; len(byLevel) < p.Shared; level++ {
			for _, a := range order {
				if occupancy[a] == level {
					byLevel = append(byLevel, a)
				}
			}
		}
		placed := byLevel[:len(sharable):len(sharable)]
		rng.Shuffle(len(placed), func(i, j int) { placed[i], placed[j] = placed[j], placed[i] })
		return placed
	}
}

// Optimal is the placement of least total cost on distinct shared pages (linear
// assignment by shortest augmenting paths, cubic in the number of pages). It
// looks at cost alone, not at occupancy. It is a comparison for [Greedy].
func Optimal(p *Plan, n Network, sharable []int) []int {
	weights, fisher := page.Form(n.Weights, p.PageSize), page.Form(n.Fisher, p.PageSize)
	all := make([]int, p.Shared)
	for a := range all {
		all[a] = a
	}
	costs := p.costMatrix(all, sharable, weights, fisher)
	return assign(len(sharable), p.Shared, func(i, a int) float64 { return costs[a][i] })
}

// assign gives each of n rows a column of its own, n <= m, at least total cost.
// Invariant: u[i]+v[j] <= cost(i,j), with equality on assigned pairs.
func assign(n, m int, cost func(i, j int) float64) []int {
	u, v := make([]float64, n), make([]float64, m+1) // column m stands for "none"
	row := make([]int, m+1)                          // row assigned to each column, -1 none
	for j := range row {
		row[j] = -1
	}
	for i := range n {
		slack, from, seen := make([]float64, m), make([]int, m), make([]bool, m+1)
		for j := range slack {
			slack[j] = math.Inf(1)
		}
		row[m] = i
		j := m
		for row[j] >= 0 {
			seen[j] = true
			r, delta, next := row[j], math.Inf(1), -1
			for k := range m {
				if seen[k] {
					continue
				}
				if c := cost(r, k) - u[r] - v[k]; c < slack[k] {
					slack[k], from[k] = c, j
				}
				if slack[k] < delta {
					delta, next = slack[k], k
				}
			}
			for k := range m + 1 {
				if seen[k] {
					u[row[k]] += delta
					v[k] -= delta
				} else if k < m {
					slack[k] -= delta
				}
			}
			j = next
		}
		for j != m {
			row[j], j = row[from[j]], from[j]
		}
	}
	result := make([]int, n)
	for j, r := range row[:m] {
		if r >= 0 {
			result[r] = j
		}
	}
	return result
}
