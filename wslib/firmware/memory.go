package firmware

import (
	"cmp"
	"math"
	"slices"
)

// block is memory of scratch: for one value, and for those that take its place.
type block struct {
	values   []*value
	from, to int // the layers that need it
}

func (b *block) size() int { return b.values[0].size() }

func (b *block) meets(other *block) bool { return b.from <= other.to && other.from <= b.to }

// blocks are those of all values but the sample and the outputs. A sum, and a mean of one place, may take the
// place of an input that nothing needs later.
func (m *model) blocks() (all []*block) {
	last := map[*value]int{}
	for i, l := range m.layers {
		last[l.from], last[l.with] = i, i
	}
	of := map[*value]*block{}
	for i, l := range m.layers {
		for _, v := range []*value{l.from, l.with} {
			if b := of[v]; b != nil {
				b.to = i
			}
		}
		if l.to == m.output {
			continue
		}
		var b *block
		if l.kind == sum || l.kind == mean && l.height*l.width == 1 {
			for _, v := range []*value{l.from, l.with} {
				if of[v] != nil && last[v] == i && v.chw == l.to.chw && v.size() == l.to.size() {
					b = of[v]
				}
			}
		}
		if b == nil {
			b = &block{from: i, to: i}
			all = append(all, b)
		}
		b.values, of[l.to] = append(b.values, l.to), b
	}
	return all
}

// place gives all values their places in scratch: those that are needed at a time lie beside each other.
func (m *model) place() {
	all := m.blocks()
	bySize := slices.SortedStableFunc(slices.Values(all),
		func(a, b *block) int { return cmp.Compare(b.size(), a.size()) })
	var places []int
	m.memory = math.MaxInt
	ways := [][]int{lowest(all, all), lowest(all, bySize)}
	if way, ok := atEnds(all); ok {
		ways = append(ways, way)
	}
	for _, way := range ways {
		most := 1
		for i, at := range way {
			most = max(most, at+all[i].size())
		}
		if most < m.memory {
			m.memory, places = most, way
		}
	}
	for i, b := range all {
		for _, v := range b.values {
			v.at = places[i]
		}
	}
}

// atEnds lays blocks at the beginning and at the end of memory in turn, which is the best there is where each
// meets the next one only. ok is false where others meet.
func atEnds(all []*block) (places []int, ok bool) {
	most := 0
	for i, b := range all {
		for k, other := range all[:i] {
			if b.meets(other) && k+1 < i {
				return nil, false
			}
		}
		most = max(most, b.size())
		if i > 0 {
			most = max(most, all[i-1].size()+b.size())
		}
	}
	for i, b := range all {
		places = append(places, i%2*(most-b.size()))
	}
	return places, true
}

// lowest lays blocks, in an order, each as low as there is room. places are in the order of all.
func lowest(all, order []*block) (places []int) {
	at := map[*block]int{}
	for _, b := range order {
		var ends []int // of what is in the way, and 0
		fits := func(place int) bool {
			for other, there := range at {
				if b.meets(other) && place < there+other.size() && there < place+b.size() {
					return false
				}
			}
			return true
		}
		for other, there := range at {
			ends = append(ends, there+other.size())
		}
		slices.Sort(ends)
		i := slices.IndexFunc(append([]int{0}, ends...), fits)
		at[b] = append([]int{0}, ends...)[i]
	}
	for _, b := range all {
		places = append(places, at[b])
	}
	return places
}
