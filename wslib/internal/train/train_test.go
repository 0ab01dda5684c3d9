package train

import (
	"math"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/datasets"
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

// Batches are the same in order, again from the middle, and with one left out: what was
// drawn ahead is not mistaken for what is asked for. An epoch has every sample once.
func TestBatchDependsOnItsNumberOnly(t *testing.T) {
	const samples, batch = 10, 4
	values, labels := make([]float32, 2*samples), make([]int32, samples)
	for i := range samples {
		values[2*i], values[2*i+1], labels[i] = float32(i), float32(-i), int32(i)
	}
	split, err := datasets.NewSplit(2, values, labels)
	if err != nil {
		t.Fatal(err)
	}
	fresh := func() *Sampler { return NewSampler(split, []int{1, 2, 1}, batch, 7, "a") }
	read := func(s *Sampler, k int) []int {
		x, y := s.Batch(k)
		defer x.FinalizeAll()
		defer y.FinalizeAll()
		got, of := tensors.MustCopyFlatData[float32](x), tensors.MustCopyFlatData[int32](y)
		for i, sample := range s.Index() {
			if got[2*i] != float32(sample) || got[2*i+1] != float32(-sample) || of[i] != int32(sample) {
				t.Fatalf("batch %d: sample %d is said to be %d, has values %v and label %d", k, i, sample,
					got[2*i:2*i+2], of[i])
			}
		}
		return slices.Clone(s.Index())
	}
	var want [][]int
	all := fresh()
	for k := range 6 {
		want = append(want, read(all, k))
	}
	epoch := slices.Concat(want[0], want[1], want[2][:2])
	slices.Sort(epoch)
	if len(slices.Compact(epoch)) != samples {
		t.Errorf("the first epoch has samples %v", epoch)
	}
	s := fresh()
	for _, k := range []int{3, 4, 1, 2, 5, 0} {
		if got := read(s, k); !slices.Equal(got, want[k]) {
			t.Errorf("batch %d out of order: samples %v, want %v", k, got, want[k])
		}
	}
}
