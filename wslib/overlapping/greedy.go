package overlapping

import (
	"cmp"
	"context"
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
// Costs are computed as they are needed, 64 rows or columns ahead at most, and take
// no more than 256 MiB (on more than 16 million shared pages: one row and one column).
func Greedy(p *Plan, n Network, sharable []int) []int {
	placed, _ := greedy(context.Background(), p, n, sharable) // fails by its context only
	return placed
}

func greedy(ctx context.Context, p *Plan, n Network, sharable []int) ([]int, error) {
	placed := make([]int, len(sharable))
	taken := 0
	if len(p.Members) == 0 {
		taken = min(len(sharable), p.Shared)
		for i := range taken {
			placed[i] = i
		}
		if taken == len(sharable) {
			return placed, nil
		}
	}
	c := newCoster(p, n)
	at := make(map[int]int, len(sharable)) // page of the network to its place in sharable
	for i, b := range sharable {
		at[b] = i
	}
	r := &round{coster: c, sum: slices.Clone(c.sharedSum)}
	for i, b := range sharable[:taken] {
		r.put(b, i)
	}
	for unplaced := bySum(sharable[taken:], c.networkSum); len(unplaced) > 0; {
		now := unplaced[:min(len(unplaced), p.Shared)]
		unplaced = unplaced[len(now):]
		paired, err := r.place(ctx, now)
		if err != nil {
			return nil, err
		}
		for i, b := range now {
			placed[at[b]] = paired[i]
			r.put(b, paired[i])
		}
	}
	return placed, nil
}

// round places pages of a network on distinct shared pages, knowing what earlier
// rounds have placed.
type round struct {
	*coster
	sum []float64 // Fisher information on each shared page, that of the network included
}

// put tells later rounds that page b lies on shared page a.
func (r *round) put(b, a int) {
	r.own[a] = append(r.own[a], b)
	r.sum[a] += r.networkSum[b]
}

// place chooses a shared page for each of the pages, which are sorted by Fisher sum
// falling and no more than there are shared pages. It goes by the occupancies before
// the network: a round before the last adds one to them all.
func (r *round) place(ctx context.Context, unplaced []int) ([]int, error) {
	placed := make([]int, 0, len(unplaced))
	for level := slices.Min(r.p.pages); len(unplaced) > 0; level++ {
		var candidates []int
		for a, o := range r.p.pages {
			if o == level {
				candidates = append(candidates, a)
			}
		}
		shared := bySum(candidates, r.sum)
		n := min(len(shared), len(unplaced))
		shared = shared[len(shared)-n:] // the ones that matter most keep their occupancy
		paired, err := r.pair(ctx, shared, unplaced[:n])
		if err != nil {
			return nil, err
		}
		placed = append(placed, paired...)
		unplaced = unplaced[n:]
	}
	return placed, nil
}

// pair matches shared pages and network pages one to one; both are sorted by
// Fisher sum falling. The first unpaired page of each side are looked at: if the
// shared page's sum is strictly greater, it takes the cheapest unpaired network
// page, else the network page takes the cheapest unpaired shared page. Equal
// costs go to the lower page index. The result holds, for each network page, its
// shared page.
func (r *round) pair(ctx context.Context, shared, network []int) ([]int, error) {
	n := len(shared)
	result := make([]int, n)
	usedS, usedN := make([]bool, n), make([]bool, n)
	rows := lines{shared: shared, network: network, used: usedS, usedAcross: usedN}
	columns := lines{shared: shared, network: network, used: usedN, usedAcross: usedS, byNetwork: true}
	s, t := 0, 0 // first unpaired of each side
	for range n {
		for usedS[s] {
			s++
		}
		for usedN[t] {
			t++
		}
		i, j := s, t
		if r.sum[shared[s]] > r.networkSum[network[t]] {
			costs, err := rows.line(ctx, r.coster, s)
			if err != nil {
				return nil, err
			}
			j = cheapest(network, rows.across, usedN, costs)
		} else {
			costs, err := columns.line(ctx, r.coster, t)
			if err != nil {
				return nil, err
			}
			i = cheapest(shared, columns.across, usedS, costs)
		}
		usedS[i], usedN[j] = true, true
		result[j] = shared[i]
	}
	return result, nil
}

// cheapest is the place of the unused page of least cost, among equals of least
// page index; costs are those of the pages at places.
func cheapest(pages, places []int, used []bool, costs []float64) int {
	best, least := -1, 0.0
	for k, c := range costs {
		if i := places[k]; !used[i] && (best < 0 || c < least || c == least && pages[i] < pages[best]) {
			best, least = i, c
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
