package train

import (
	"math"
	"testing"
)

func TestCosineByHand(t *testing.T) {
	for _, c := range []struct {
		step int
		want float64
	}{{0, 0.5}, {1, 1}, {2, 1}, {6, 0.5}, {10, 0}} {
		if got := Cosine(1, c.step, 2, 10); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("step %d: %v, want %v", c.step, got, c.want)
		}
	}
}

func TestRandDependsOnPurposeOnly(t *testing.T) {
	if Rand(1, "a", "b").Uint64() == Rand(1, "ab").Uint64() {
		t.Error("two purposes share a generator")
	}
	if Rand(1, "a").Uint64() != Rand(1, "a").Uint64() || Rand(1, "a").Uint64() == Rand(2, "a").Uint64() {
		t.Error("the seed does not decide")
	}
}
