package overlapping

import (
	"cmp"
	"slices"
)

// Greedy is the paper's placement. The first network takes shared pages 0..k-1
// in order. For a later one, occupancies are gone through in rising order: shared
// pages of that occupancy and unplaced network pages, sorted by Fisher sum
// falling, are brought to equal number and paired (see pair).
//
// With doubling, occupancy is the number of pages on a shared page. A first round
// places as many pages as there are shared ones, those that matter most (of the
// first network: its first). Further rounds go over the shared pages again, with
// what the rounds before have put on them.
//
// Costs are computed as they are needed, one row or column at a time.
func Greedy(p *Plan, n Network, sharable []int) []int {
	c := newCoster(p, n)
	taken := 0
	if len(p.Members) == 0 {
		taken = min(len(sharable), p.Shared)
		for a, b := range sharable[:taken] {
			c.put(b, a)
		}
	}
	for now := range slices.Chunk(bySum(sharable[taken:], c.networkSum), p.Shared) {
		for i, a := range c.place(now) {
			c.put(now[i], a)
		}
	}
	return c.placed(sharable)
}

// place chooses a shared page for each of the pages, which are sorted by Fisher sum
// falling and no more than there are shared pages. It goes by the occupancies before
// the network: a round before the last adds one to them all.
func (c *coster) place(unplaced []int) []int {
	placed := make([]int, 0, len(unplaced))
	for level := slices.Min(c.p.pages); len(unplaced) > 0; level++ {
		var candidates []int
		for a, o := range c.p.pages {
			if o == level {
				candidates = append(candidates, a)
			}
		}
		shared := bySum(candidates, c.sum)
		n := min(len(shared), len(unplaced))
		shared = shared[len(shared)-n:] // the ones that matter most keep their occupancy
		placed = append(placed, c.pair(shared, unplaced[:n])...)
		unplaced = unplaced[n:]
	}
	return placed
}

// pair matches shared pages and network pages one to one; both are sorted by
// Fisher sum falling. The first unpaired page of each side are looked at: if the
// shared page's sum is strictly greater, it takes the cheapest unpaired network
// page, else the network page takes the cheapest unpaired shared page. Equal
// costs go to the lower page index. The result holds, for each network page, its
// shared page.
func (c *coster) pair(shared, network []int) []int {
	n := len(shared)
	result, scratch := make([]int, n), make([]float64, n)
	usedS, usedN := make([]bool, n), make([]bool, n)
	s, t := 0, 0 // first unpaired of each side
	for range n {
		for usedS[s] {
			s++
		}
		for usedN[t] {
			t++
		}
		i, j := s, t
		if a, b := shared[s], network[t]; c.sum[a] > c.networkSum[b] {
			j = c.cheapest(network, usedN, scratch, func(b int) float64 { return c.cost(a, b) })
		} else {
			i = c.cheapest(shared, usedS, scratch, func(a int) float64 { return c.cost(a, b) })
		}
		usedS[i], usedN[j] = true, true
		result[j] = shared[i]
	}
	return result
}

// bySum sorts a copy of pages by sum falling, then index rising.
func bySum(pages []int, sum []float64) []int {
	sorted := slices.Clone(pages)
	slices.SortFunc(sorted, func(a, b int) int {
		return cmp.Or(cmp.Compare(sum[b], sum[a]), cmp.Compare(a, b))
	})
	return sorted
}
