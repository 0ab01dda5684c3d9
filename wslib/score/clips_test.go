package score

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/datasets"
	"weightsep/xla/xlatest"
)

// The vote is worked out anew from logits of plain loops: a clip goes to the class with
// the largest sum of probabilities, which is not always the one with most segments.
func TestClipAccuracy(t *testing.T) {
	n := Ten()[1] // mnist
	w := initial(n, 3)
	const samples, clips = 250, 40
	r := rand.New(rand.NewPCG(1, 2))
	size := n.Input[0] * n.Input[1] * n.Input[2]
	values := make([]float32, samples*size)
	for i := range values {
		values[i] = float32(3 * r.NormFloat64())
	}
	labels, clip := make([]int32, samples), make([]int32, samples)
	for i := range labels {
		clip[i] = int32(r.IntN(clips)) + 100
	}
	sums := map[int32][]float64{}
	for i := range samples {
		logits := plainLogits(n, w, values[i*size:(i+1)*size])
		c := clip[i]
		if sums[c] == nil {
			sums[c] = make([]float64, len(logits))
		}
		var total float64
		for _, v := range logits {
			total += math.Exp(v)
		}
		for k, v := range logits {
			sums[c][k] += math.Exp(v) / total
		}
	}
	argmax := func(v []float64) int32 {
		best := 0
		for k := range v {
			if v[k] > v[best] {
				best = k
			}
		}
		return int32(best)
	}
	// Every third clip is labelled as the vote has it.
	right := 0
	truth := map[int32]int32{}
	for c, sum := range sums {
		truth[c] = argmax(sum)
		if c%3 == 0 {
			right++
		} else {
			truth[c] = (truth[c] + 1) % int32(len(sum))
		}
	}
	for i := range labels {
		labels[i] = truth[clip[i]]
	}

	split, err := datasets.NewSplit(size, values, labels)
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewClassifier(xlatest.Backend(t), n, 100) // 250 samples: the last batch is not full
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	weights := tensors.FromFlatDataAndDimensions(w, len(w))
	defer weights.FinalizeAll()
	if a, k, err := c.ClipAccuracy(context.Background(), weights, split); a != 0 || k != 0 || err != nil {
		t.Errorf("samples that are whole: %v of %d clips, %v", a, k, err)
	}
	split.Clips = clip
	got, k, err := c.ClipAccuracy(context.Background(), weights, split)
	if err != nil {
		t.Fatal(err)
	}
	if want := float64(right) / float64(len(sums)); k != len(sums) || math.Abs(got-want) > 1e-12 {
		t.Errorf("%v of %d clips, want %v of %d", got, k, want, len(sums))
	}
}
