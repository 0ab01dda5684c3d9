package overlapping

import (
	"runtime"
	"slices"
	"testing"
)

// pages of a made-up network of 16 weights to a page, for brute force.
func pagesOf(v []float32) [][]float64 {
	var pages [][]float64
	for at := 0; at < len(v); at += 16 {
		wide := make([]float64, 16)
		for i, x := range v[at:][:16] {
			wide[i] = float64(x)
		}
		pages = append(pages, wide)
	}
	return pages
}

// Many batches of costs, on Fisher information that is spread widely and partly 0.
func TestManyPagesAgainstBruteForce(t *testing.T) {
	const shared = 1200
	p, err := New(16, shared)
	if err != nil {
		t.Fatal(err)
	}
	var brute []*bruteNet
	var nets []Network
	for i, pages := range []int{1200, 1100, 1200} {
		n := spread(uint64(i), pages*16)
		nets = append(nets, n)
		brute = append(brute, &bruteNet{w: pagesOf(n.Weights), f: pagesOf(n.Fisher)})
	}
	bruteOverlap(brute, shared, 16)
	for i, n := range nets {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, err := p.Add(n)
		if err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if got, all := after.TotalAlloc-before.TotalAlloc, uint64(8*shared*shared); got > all/4 {
			t.Errorf("network %d: %d bytes allocated to place it, want far less than the %d of all costs",
				i, got, all)
		}
		p.Average()
		if !slices.EqualFunc(m.Table.Entries, brute[i].table,
			func(e int32, a int) bool { return int(e) == a }) {
			t.Errorf("network %d: table differs from brute force", i)
		}
	}
}
