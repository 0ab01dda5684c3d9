package comparison

import "weightsep/wslib/network"

// Stored counts the bytes that are kept of networks, headers of files aside.
type Stored struct {
	Values  int `json:"values"`
	Scales  int `json:"scales"`  // float16
	Indices int `json:"indices"` // of weights that are kept
	Masks   int `json:"masks"`   // a bit a weight
	Total   int `json:"total"`
}

// scaleBytes is the size of a float16.
const scaleBytes = 2

// total fills in the sum.
func (s Stored) total() Stored {
	s.Total = s.Values + s.Scales + s.Indices + s.Masks
	return s
}

func (s Stored) add(t Stored) Stored {
	s.Values += t.Values
	s.Scales += t.Scales
	s.Indices += t.Indices
	s.Masks += t.Masks
	return s.total()
}

// storedAtMost adds up what each network takes.
func storedAtMost(m Method, networks []*network.Network) Stored {
	var s Stored
	for _, n := range networks {
		s = s.add(m.stored(n, nil))
	}
	return s
}

// packed is the bytes of n numbers of the given bits.
func packed(n, bits int) int { return (n*bits + 7) / 8 }

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
