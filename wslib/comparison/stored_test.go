package comparison

import (
	"math/rand/v2"
	"testing"

	"weightsep/wslib/network"
)

// Bytes by hand, of two networks of 203 weights on 4 pages of 64.
func TestStoredByHand(t *testing.T) {
	two := []*network.Network{small("a"), small("b")}
	for _, c := range []struct {
		m    Method
		want int
	}{
		{Further{}, 1624},
		{Quantized{Bits: 8, Page: 64}, 406 + 16},
		{Quantized{Bits: 4, Page: 64}, 204 + 16}, // 101.5 bytes, a network ends at a byte
		{Quantized{Bits: 2, Page: 64}, 102 + 16}, // 50.75
		{Quantized{Bits: 1}, 52 + 4},             // 25.375; one page of 512
		// 102 of 203 kept, 6 layers: the mask takes 26 bytes, indices 1 + 203/8.
		{Pruned{Keep: 0.5}, 204 + 24 + 52},
		// 2 kept: gaps of 201 in all, 2*(1+6) + 201>>6 = 17 bits, and a byte.
		{Pruned{Bits: 4, Keep: 0.01}, 2 + 24 + 8},
	} {
		if got := bytesAtMost(c.m, two); got != c.want {
			t.Errorf("%s: %d bytes, want %d", c.m.Name(), got, c.want)
		}
	}
}

func TestIndexBytesByHand(t *testing.T) {
	at := func(n int, places ...int) []bool {
		mask := make([]bool, n)
		for _, p := range places {
			mask[p] = true
		}
		return mask
	}
	for _, c := range []struct {
		mask []bool
		want int
	}{
		{at(8, 0, 1, 2, 3, 4, 5, 6, 7), 2}, // r=0: 8 zeros
		{at(9, 0, 1, 2, 3, 4, 5, 6, 7, 8), 3},
		{at(100, 10), 2},     // gap 10, r=2: 110 10; 5 bits
		{at(100, 10, 90), 3}, // gaps 10 and 79, r=5: 0 01010, 110 01111; 14 bits
		{at(5), 1},
	} {
		if got := indexBytes(c.mask); got != c.want {
			t.Errorf("%v: %d bytes, want %d", c.mask, got, c.want)
		}
	}
}

// What is announced for pruned networks holds for any places, and not by far.
func TestIndexBytesMost(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, kept := range []int{1, 30, 200, 1000, 2500, 4999} {
		const n = 5000
		most := indexBytesMost(n, kept)
		for range 20 {
			mask := make([]bool, n)
			for _, i := range rng.Perm(n)[:kept] {
				mask[i] = true
			}
			if got := indexBytes(mask); got > most || float64(got) < 0.85*float64(most)-2 {
				t.Errorf("%d of %d kept: %d bytes, at most %d announced", kept, n, got, most)
			}
		}
	}
}

// Shares fill a budget and do not exceed it.
func TestBudgets(t *testing.T) {
	ten := network.Ten()
	for _, budget := range []int{20_000, 54_000, 100_000, 300_000} {
		keep, err := KeepFor(ten, 8, budget)
		if err != nil {
			t.Fatal(err)
		}
		if got := bytesAtMost(Pruned{Bits: 8, Keep: keep}, ten); got > budget || got < budget-200 {
			t.Errorf("share %v takes %d of %d bytes", keep, got, budget)
		}
	}
	if keep, err := KeepFor(ten, 8, 1<<30); keep != 1 || err != nil {
		t.Errorf("no need to prune, and %v kept, %v", keep, err)
	}
	if _, err := KeepFor(ten, 8, 100); err == nil {
		t.Error("ten networks in 100 bytes")
	}
}
