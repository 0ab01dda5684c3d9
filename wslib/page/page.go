// Package page cuts weight vectors into pages (formation) and puts networks
// together from shared and exclusive pages through page tables.
package page

import (
	"fmt"
	"math"
	"slices"
)

// DefaultSize is the page size of the paper, in weights.
const DefaultSize = 512

// Count is the number of pages of the given size that hold n weights.
func Count(n, size int) int { return (n + size - 1) / size }

// Form cuts a weight vector into pages. The result, [Count, size] row-major, is a
// copy; the last page is padded with zeros.
func Form(weights []float32, size int) []float32 {
	pages := make([]float32, Count(len(weights), size)*size)
	copy(pages, weights)
	return pages
}

// Sums adds up each page of a vector in float64, in order of the weights.
func Sums(values []float32, size int) []float64 {
	sums := make([]float64, Count(len(values), size))
	for i, v := range values {
		sums[i/size] += float64(v)
	}
	return sums
}

// Table says where each page of a network lives: an entry below Shared is a
// shared page, Shared + k is the network's own k-th exclusive page. Exclusive
// entries rise: the k-th exclusive entry of the table is Shared + k.
type Table struct {
	Shared  int     // number of shared pages
	Entries []int32 // one per page of the network
}

// Exclusive lists the pages of the network that are its own, rising.
func (t Table) Exclusive() []int { return t.pages(true) }

// pages lists the pages that are the network's own, or those that are shared ones.
func (t Table) pages(own bool) []int {
	pages := []int{}
	for i, e := range t.Entries {
		if (int(e) >= t.Shared) == own {
			pages = append(pages, i)
		}
	}
	return pages
}

// Validate checks that every entry points at a page that exists, exclusive ones
// in order. A table that validates can be gathered from shared pages [Shared]
// and exclusive pages [len(t.Exclusive())].
func (t Table) Validate() error {
	own := 0
	for i, e := range t.Entries {
		switch {
		case e < 0:
			return fmt.Errorf("page table: entry %d is %d, want 0 or more", i, e)
		case int(e) < t.Shared:
		case int(e) != t.Shared+own:
			return fmt.Errorf("page table: entry %d is %d, want a shared page below %d or exclusive page %d",
				i, e, t.Shared, t.Shared+own)
		default:
			own++
		}
	}
	return nil
}

// Width is the number of bytes that an entry is stored in, as an unsigned integer
// of 1 or 2 bytes or an int32: the fewest that hold the largest entry.
func (t Table) Width() int {
	switch largest := slices.Max(append([]int32{0}, t.Entries...)); {
	case largest < 1<<8:
		return 1
	case largest < 1<<16:
		return 2
	}
	return 4
}

// Occupancy counts, for each shared page, the networks that use it. A network
// that uses a page twice counts once.
func Occupancy(tables []Table, shared int) []int {
	occupancy := make([]int, shared)
	for _, t := range tables {
		seen := make(map[int32]bool, len(t.Entries))
		for _, e := range t.Entries {
			if int(e) < shared && !seen[e] {
				seen[e] = true
				occupancy[e]++
			}
		}
	}
	return occupancy
}

// CheckWeights reports a vector that is not a network's weights: a wrong length
// (want < 0: any length), or a value that is not finite.
func CheckWeights(name string, weights []float32, want int) error {
	if want >= 0 && len(weights) != want {
		return fmt.Errorf("%s: %d weights, want %d", name, len(weights), want)
	}
	if len(weights) == 0 {
		return fmt.Errorf("%s: no weights", name)
	}
	for i, w := range weights {
		if math.Float32bits(w)&0x7f800000 == 0x7f800000 { // NaN or infinite; this runs at every load
			return fmt.Errorf("%s: weight %d is %v, want a finite number", name, i, w)
		}
	}
	return nil
}
