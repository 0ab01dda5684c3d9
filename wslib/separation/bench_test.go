package separation

import (
	"math"
	"math/rand/v2"
	"testing"
)

// BenchmarkSeparate is for ten million weights, 20,000 pages of which 16,000 are to
// stay sharable.
func BenchmarkSeparate(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	fisher := make([]float32, 20000*512)
	for i := range fisher {
		fisher[i] = float32(math.Exp(3 * rng.NormFloat64()))
	}
	for b.Loop() {
		pages, err := Separate(Density(fisher, 512), Options{TPR: 1, Margin: 0.1, Shared: 16000})
		if err != nil || len(pages) < 4000 {
			b.Fatal(len(pages), err)
		}
	}
}
