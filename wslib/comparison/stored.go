package comparison

import "weightsep/wslib/network"

// bytesAtMost adds up what each network takes.
func bytesAtMost(m Method, networks []*network.Network) int {
	sum := 0
	for _, n := range networks {
		sum += m.bytes(n, nil)
	}
	return sum
}

// scaleBytes is the size of a float16.
const scaleBytes = 2

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
