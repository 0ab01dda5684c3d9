package score

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"weightsep/datasets"
	"weightsep/wslib/network"
	"weightsep/wslib/network/networktest"
	"weightsep/xla/xlatest"
)

const size, classes, samples = 6, 4, 250

// scored is a network of one dense layer, 250 samples without labels, and the logits of each of
// them by plain loops. The batch is of 100, so that the last one is not full.
func scored(t *testing.T) (s *Scorer, values network.Values, x []float32, logits [][]float64) {
	t.Helper()
	n := network.Describe("a", network.Described{Shape: [3]int{2, 3, 1}, Dense: []int{size, classes},
		Activation: network.LeakyActivation})
	s, err := New(xlatest.Backend(t), n, 100)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	r := rand.New(rand.NewPCG(1, 2))
	w := networktest.Initial(t, n, 3)
	for range samples {
		one := make([]float64, classes)
		for c := range one {
			one[c] = float64(w[size*classes+c])
		}
		for i := range size {
			x = append(x, float32(3*r.NormFloat64()))
			for c := range one {
				one[c] += float64(x[len(x)-1]) * float64(w[i*classes+c])
			}
		}
		logits = append(logits, one)
	}
	return s, network.Values{Weights: w}, x, logits
}

func argmax(v []float64) int32 { return int32(slices.Index(v, slices.Max(v))) }

func TestScoreAgainstPlainLoops(t *testing.T) {
	s, values, x, logits := scored(t)
	labels, predicted, right := make([]int32, samples), make([]int32, samples), 0
	for i, one := range logits {
		predicted[i] = argmax(one)
		labels[i] = int32(i % classes)
		if labels[i] == predicted[i] {
			right++
		}
	}
	split, err := datasets.NewSplit(size, x, labels)
	if err != nil {
		t.Fatal(err)
	}
	ctx, on := context.Background(), values.On()
	if got, err := s.Score(ctx, on, split); err != nil || math.Abs(got-float64(right)/samples) > 1e-12 {
		t.Errorf("accuracy %v (%v), want %v", got, err, float64(right)/samples)
	}
	_, measures, err := s.Measure(ctx, on, split)
	for i, m := range measures {
		if (m == 1) != (predicted[i] == labels[i]) {
			t.Fatalf("sample %d of class %d, predicted %d, measures %v", i, labels[i], predicted[i], m)
		}
	}
	if err != nil || len(measures) != samples {
		t.Errorf("%d measures: %v", len(measures), err)
	}
	if got, err := s.Predict(ctx, on, split); err != nil || !slices.Equal(got, predicted) {
		t.Errorf("classes %v (%v), want %v", got, err, predicted)
	}
	got, err := s.Outputs(ctx, on, split)
	if err != nil || len(got) != samples*classes {
		t.Fatalf("%d outputs: %v", len(got), err)
	}
	for i, v := range got {
		if want := logits[i/classes][i%classes]; math.Abs(float64(v)-want) > 1e-5 {
			t.Fatalf("sample %d: logit %d is %v, want %v", i/classes, i%classes, v, want)
		}
	}
	if _, err := s.Score(ctx, on, split.Slice(0)); err == nil ||
		!strings.Contains(err.Error(), "network a: no samples") {
		t.Errorf("no samples: %v", err)
	}
}

// Where the score needs the samples, it gets them: this network gives back nothing but its
// biases, of each the squared distance to the sample is known.
func TestScoreOfReconstruction(t *testing.T) {
	n := network.Describe("a", network.Described{Shape: [3]int{1, 2, 1}, Dense: []int{2, 2},
		Activation: network.LeakyActivation})
	n.Objective = network.Reconstruction{}
	s, err := New(xlatest.Backend(t), n, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	split, err := datasets.NewSplit(2, []float32{1, 2, 0, 0, -1, 5}, make([]int32, 3))
	if err != nil {
		t.Fatal(err)
	}
	// (0+1)/2, (1+1)/2 and (4+16)/2.
	values := network.Values{Weights: []float32{0, 0, 0, 0, 1, 1}}
	if got, err := s.Score(t.Context(), values.On(), split); err != nil || math.Abs(got+11.5/3) > 1e-6 {
		t.Errorf("score %v (%v), want %v", got, err, -11.5/3)
	}
	values.Weights[4] = float32(math.NaN())
	split.Labels[1] = 1 // an area under a curve
	if got, err := s.Score(t.Context(), values.On(), split); err == nil ||
		!strings.Contains(err.Error(), "not finite") {
		t.Errorf("outputs that are no numbers score %v: %v", got, err)
	}
}

// The vote is worked out anew from logits of plain loops: a clip goes to the class with
// the largest sum of probabilities, which is not always the one with most segments.
func TestClipAccuracy(t *testing.T) {
	s, values, x, logits := scored(t)
	const clips = 40
	r := rand.New(rand.NewPCG(3, 4))
	clip, sums, segments := make([]int32, samples), map[int32][]float64{}, map[int32][]float64{}
	for i, one := range logits {
		c := int32(r.IntN(clips)) + 100
		if clip[i] = c; sums[c] == nil {
			sums[c], segments[c] = make([]float64, classes), make([]float64, classes)
		}
		var total float64
		for _, v := range one {
			total += math.Exp(v)
		}
		for k, v := range one {
			sums[c][k] += math.Exp(v) / total
		}
		segments[c][argmax(one)]++
	}
	// Every third clip is labelled as the vote has it.
	right, other, truth := 0, 0, map[int32]int32{}
	for c, sum := range sums {
		truth[c] = argmax(sum)
		if argmax(segments[c]) != truth[c] {
			other++
		}
		if c%3 == 0 {
			right++
		} else {
			truth[c] = (truth[c] + 1) % classes
		}
	}
	if other == 0 {
		t.Error("the class with most segments wins every vote")
	}
	labels := make([]int32, samples)
	for i := range labels {
		labels[i] = truth[clip[i]]
	}
	split, err := datasets.NewSplit(size, x, labels)
	if err != nil {
		t.Fatal(err)
	}
	on := values.On()
	if a, k, err := s.ClipAccuracy(context.Background(), on, split); a != 0 || k != 0 || err != nil {
		t.Errorf("samples that are whole: %v of %d clips, %v", a, k, err)
	}
	split.Clips = clip
	got, k, err := s.ClipAccuracy(context.Background(), on, split)
	if err != nil {
		t.Fatal(err)
	}
	if want := float64(right) / float64(len(sums)); k != len(sums) || math.Abs(got-want) > 1e-12 {
		t.Errorf("%v of %d clips, want %v of %d", got, k, want, len(sums))
	}
}
