package overlapping

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
)

// spread makes up a network of so many weights. Its Fisher information varies
// log-normally from weight to weight and, more, from page to page of 512, and is
// 0 on every fiftieth page.
func spread(seed uint64, weights int) Network {
	rng := rand.New(rand.NewPCG(seed, 0x736361))
	n := Network{Name: fmt.Sprint("n", seed), Weights: make([]float32, weights),
		Fisher: make([]float32, weights)}
	level := 0.0
	for i := range n.Weights {
		if i%512 == 0 {
			level = math.Exp(2*rng.NormFloat64() - 8)
			if i/512%50 == 49 {
				level = 0
			}
		}
		n.Weights[i] = float32(0.05 * rng.NormFloat64())
		n.Fisher[i] = float32(level * math.Exp(rng.NormFloat64()))
	}
	return n
}

// addAll joins networks to an empty plan as the overlap command does, and reports
// the largest heap so far and the time of the total cost.
func addAll(b *testing.B, nets []Network, shared int) {
	var total time.Duration
	for b.Loop() {
		p, err := New(512, shared)
		if err != nil {
			b.Fatal(err)
		}
		for _, n := range nets {
			if _, err := p.Add(n); err != nil {
				b.Fatal(err)
			}
			p.Average()
		}
		start := time.Now()
		p.TotalCost()
		total += time.Since(start)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapSys)/1e6, "heap-MB")
	b.ReportMetric(total.Seconds()*1e3/float64(b.N), "total-cost-ms")
}

// BenchmarkAdd places the tenth of ten networks of 128 pages on 128 shared pages.
func BenchmarkAdd(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	p, _ := New(512, 128)
	n := Network{Weights: make([]float32, 65536), Fisher: make([]float32, 65536)}
	for i := range n.Weights {
		n.Weights[i], n.Fisher[i] = rng.Float32(), rng.Float32()
	}
	for i := range 9 {
		n.Name = string(rune('a' + i))
		p.Add(n)
		p.Average()
	}
	for b.Loop() {
		Greedy(p, n, sharable(n, p.PageSize))
	}
}

// BenchmarkAddMany joins many networks of the usual size.
func BenchmarkAddMany(b *testing.B) {
	for _, count := range []int{10, 30, 100} {
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			nets := make([]Network, count)
			for i := range nets {
				nets[i] = spread(uint64(i), 65000)
			}
			addAll(b, nets, 128)
		})
	}
}

// BenchmarkAddLarge joins two large networks, of 2,500 and of 20,000 pages.
func BenchmarkAddLarge(b *testing.B) {
	if testing.Short() {
		b.Skip("takes minutes")
	}
	for _, pages := range []int{2500, 20000} {
		b.Run(fmt.Sprint(pages), func(b *testing.B) {
			addAll(b, []Network{spread(0, pages*512), spread(1, pages*512)}, pages)
		})
	}
}
