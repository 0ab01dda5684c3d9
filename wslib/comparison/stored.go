package comparison

import (
	"math/bits"

	"weightsep/wslib/network"
	"weightsep/wslib/page"
)

// Stored counts the bytes that are kept of networks, headers of files aside.
type Stored struct {
	Values    int `json:"values"`
	Scales    int `json:"scales"`    // float16
	Indices   int `json:"indices"`   // of codewords, or of weights that are kept
	Masks     int `json:"masks"`     // a bit a weight
	Codebooks int `json:"codebooks"` // float16
	Tables    int `json:"tables"`    // page tables; no method of this package has any
	Total     int `json:"total"`
}

// scaleBytes is the size of a float16.
const scaleBytes = 2

// total fills in the sum.
func (s Stored) total() Stored {
	s.Total = s.Values + s.Scales + s.Indices + s.Masks + s.Codebooks + s.Tables
	return s
}

func (s Stored) add(t Stored) Stored {
	s.Values += t.Values
	s.Scales += t.Scales
	s.Indices += t.Indices
	s.Masks += t.Masks
	s.Codebooks += t.Codebooks
	s.Tables += t.Tables
	return s.total()
}

// sum adds up what each network takes.
func sum(networks []*network.Network, of func(*network.Network) Stored) Stored {
	var s Stored
	for _, n := range networks {
		s = s.add(of(n))
	}
	return s
}

// packed is the bytes of n numbers of the given bits.
func packed(n, bits int) int { return (n*bits + 7) / 8 }

// storedQuantized is a network of n weights with one scale a page.
func storedQuantized(n, bits, size int) Stored {
	return Stored{Values: packed(n, bits), Scales: scaleBytes * page.Count(n, size)}.total()
}

// riceMost is the largest parameter of a Rice code; it takes a byte.
const riceMost = 15

// indexBytes is the size of the places of kept weights as gaps in a Rice code: a gap
// g as g>>r ones, a zero and the low r bits of g, with the best r, which is stored
// in a byte before.
func indexBytes(mask []bool) int {
	var length [riceMost + 1]int
	gap := 0
	for _, kept := range mask {
		if !kept {
			gap++
			continue
		}
		for r := range length {
			length[r] += gap>>r + 1 + r
		}
		gap = 0
	}
	least := length[0]
	for _, l := range length {
		least = min(least, l)
	}
	return 1 + packed(least, 1)
}

// indexBytesMost is what [indexBytes] is at most for n weights of which some are
// kept: the gaps add up to no more than the weights that are not.
func indexBytesMost(n, kept int) int {
	least := n
	for r := range riceMost + 1 {
		least = min(least, kept*(1+r)+(n-kept)>>r)
	}
	return 1 + packed(least, 1)
}

// bitsFor is the bits of an index below n.
func bitsFor(n int) int { return max(1, bits.Len(uint(n-1))) }
