package overlapping

import (
	"cmp"
	"slices"

	"weightsep/wslib/page"
)

// Greedy is the paper's placement. The first network takes shared pages 0..k-1
// in order. For a later one, occupancies are gone through in rising order: shared
// pages of that occupancy and unplaced network pages, sorted by Fisher sum
// falling, are brought to equal number and paired (see pair).
func Greedy(p *Plan, n Network, sharable []int) []int {
	placed := make([]int, len(sharable))
	if len(p.Members) == 0 {
		for i := range placed {
			placed[i] = i
		}
		return placed
	}
	weights, fisher := page.Form(n.Weights, p.PageSize), page.Form(n.Fisher, p.PageSize)
	networkSum := page.Sums(n.Fisher, p.PageSize)
	sharedSum := p.SharedFisher()
	at := make(map[int]int, len(sharable)) // page of the network to its place in sharable
	for i, b := range sharable {
		at[b] = i
	}
	unplaced := bySum(sharable, networkSum)
	occupancy := p.Occupancy()
	for level := 0; len(unplaced) > 0; level++ {
		var candidates []int
		for a, o := range occupancy {
			if o == level {
				candidates = append(candidates, a)
			}
		}
		shared := bySum(candidates, sharedSum)
		n := min(len(shared), len(unplaced))
		shared = shared[len(shared)-n:] // the ones that matter most keep their occupancy
		network := unplaced[:n]
		unplaced = unplaced[n:]
		costs := p.costMatrix(shared, network, weights, fisher)
		for i, b := range pair(shared, network, sharedSum, networkSum, costs) {
			placed[at[b]] = shared[i]
		}
	}
	return placed
}

// pair matches shared pages and network pages one to one; both are sorted by
// Fisher sum falling. The first unpaired page of each side are looked at: if the
// shared page's sum is strictly greater, it takes the cheapest unpaired network
// page, else the network page takes the cheapest unpaired shared page. Equal
// costs go to the lower page index. costs is [len(shared)][len(network)].
// The result holds, for each shared page, its network page.
func pair(shared, network []int, sharedSum, networkSum []float64, costs [][]float64) []int {
	n := len(shared)
	result := make([]int, n)
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
		if sharedSum[shared[s]] > networkSum[network[t]] {
			j = cheapest(network, usedN, func(j int) float64 { return costs[i][j] })
		} else {
			i = cheapest(shared, usedS, func(i int) float64 { return costs[i][j] })
		}
		usedS[i], usedN[j] = true, true
		result[i] = network[j]
	}
	return result
}

// cheapest is the place of the unused page of least cost, among equals of least
// page index.
func cheapest(pages []int, used []bool, cost func(int) float64) int {
	best := -1
	for i := range pages {
		if used[i] {
			continue
		}
		if best < 0 || cost(i) < cost(best) || cost(i) == cost(best) && pages[i] < pages[best] {
			best = i
		}
	}
	return best
}

// bySum sorts a copy of pages by sum falling, then index rising.
func bySum(pages []int, sum []float64) []int {
	sorted := slices.Clone(pages)
	slices.SortFunc(sorted, func(a, b int) int {
		return cmp.Or(cmp.Compare(sum[b], sum[a]), cmp.Compare(a, b))
	})
	return sorted
}
