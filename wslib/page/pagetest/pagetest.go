// Package pagetest makes pages for tests.
package pagetest

import (
	"math/rand/v2"

	"weightsep/wslib/page"
)

// Example is a set of 300 shared pages of 13 values: a's table names one of them twice and two
// pages of its own, and it has keys and a state; b's fits in bytes.
func Example(f page.Format) *page.Set {
	rng := rand.New(rand.NewPCG(uint64(f.Precision), 9))
	f.Size, f.Shared = 13, 300
	pages := func(p page.Precision, n int) []byte {
		v := make([]float32, n*13)
		for i := range v {
			v[i] = (2*rng.Float32() - 1) * min(p.Limit(), 9)
		}
		return p.Pack(v, 13)
	}
	scales := func(v ...float32) []float32 {
		for i := range v {
			v[i] = f.ScaleFormat.Round(v[i])
		}
		return v
	}
	shared, own := f.Precisions()
	s := &page.Set{Format: f, Pages: pages(shared, 300), Networks: []page.Member{
		{Name: "a", Weights: 60, Table: page.Table{Shared: 300, Entries: []int32{7, 300, 7, 299, 301}},
			Exclusive: pages(own, 2), Scales: scales(1, 0.3, -2, 0, 1e-3), State: []float32{1, -0.5}},
		{Name: "b", Weights: 13, Table: page.Table{Shared: 300, Entries: []int32{255}},
			Scales: scales(0.7)},
	}}
	if f.KeyPrecision != 0 {
		keys := make([]float32, 60)
		for i := range keys {
			keys[i] = 4*rng.Float32() - 2
		}
		s.Networks[0].Keys = s.Networks[0].Table.PackKeys(keys, 13)
	}
	return s
}
