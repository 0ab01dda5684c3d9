package train

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/wslib/network"
	"weightsep/xla/xlatest"
)

// What a mixed sample is, and the loss of what a pupil says to it, worked out from the samples
// that came out: they tell how much of another each of them has.
func TestMixupByHand(t *testing.T) {
	n := &network.Network{Name: "a", Input: [3]int{1, 2, 1}, Dense: []int{2, 2}, Activation: network.LeakyActivation}
	l := Lesson{Distillation: network.Distillation{Share: 0.4, Temperature: 3}, Mixup: 0.5, TeacherNetwork: n}
	x := [][]float64{{0, 1}, {1, -2}, {3, 5}}
	hot := [][]float64{{1, 0}, {0, 1}, {0, 1}}
	pupil := [][]float64{{0.3, -1}, {2, 0.5}, {-1, 1}}
	// Kernel by rows, then biases, of two teachers; their means are 1, -1, 2, 0 and 0.5, 1.
	mean := func(x []float64) []float64 { return []float64{x[0] + 2*x[1] + 0.5, -x[0] + 1} }

	e, err := NewExec(xlatest.Backend(t), func(in []*Node) []*Node {
		samples, state, loss := l.Graph(in[0], in[1], in[2], in[3])
		return []*Node{samples, loss(in[4]), state}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Finalize()
	flat := func(rows [][]float64) (f []float32) {
		for _, r := range rows {
			for _, v := range r {
				f = append(f, float32(v))
			}
		}
		return f
	}
	rng, err := RNG(1, "a", 0)
	if err != nil {
		t.Fatal(err)
	}
	c, err := network.NewClassifier(xlatest.Backend(t), n, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	teacher, err := l.Teacher(t.Context(), c, [][]float32{{2, 0, 3, -1, 1, 1}, {0, -2, 1, 1, 0, 1}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	weights := teacher.Batch(nil)
	out, err := e.Call(tensors.FromFlatDataAndDimensions(flat(x), 3, 1, 2, 1), tensors.FromValue([]int32{0, 1, 1}), rng, weights,
		tensors.FromFlatDataAndDimensions(flat(pupil), 3, 2))
	if err != nil {
		t.Fatal(err)
	}
	samples := tensors.MustCopyFlatData[float32](out[0])
	want, shares := 0.0, make([]float64, 3)
	for i, next := range []int{1, 2, 0} {
		got := []float64{float64(samples[2*i]), float64(samples[2*i+1])}
		s := (got[0] - x[i][0]) / (x[next][0] - x[i][0])
		if second := (1-s)*x[i][1] + s*x[next][1]; s < 0 || s > 0.5 || math.Abs(got[1]-second) > 1e-5 {
			t.Fatalf("sample %d is %v: a share of %v of sample %d gives %v", i, got, s, next, second)
		}
		shares[i] = s
		label := []float64{(1-s)*hot[i][0] + s*hot[next][0], (1-s)*hot[i][1] + s*hot[next][1]}
		hard, soft := 0.0, 0.0
		said, own, warm := softmax(mean(got), 3), softmax(pupil[i], 1), softmax(pupil[i], 3)
		for c := range 2 {
			hard -= label[c] * math.Log(own[c])
			soft -= said[c] * math.Log(warm[c])
		}
		want += (0.6*hard + 0.4*9*soft) / 3
	}
	if got := float64(tensors.ToScalar[float32](out[1])); math.Abs(got-want) > 1e-5 {
		t.Errorf("loss %v, want %v", got, want)
	}
	if shares[0] == shares[1] && shares[1] == shares[2] {
		t.Errorf("all samples have a share of %v of another", shares[0])
	}
	if state := out[2]; state.Equal(rng) {
		t.Error("dropout would see the same random numbers")
	}
}

// A sample that is alone in its batch is mixed with itself.
func TestMixupOfOneSample(t *testing.T) {
	e, err := NewExec(xlatest.Backend(t), func(in []*Node) []*Node {
		samples, _, loss := Lesson{Mixup: 0.5}.Graph(in[0], in[1], in[2], nil)
		return []*Node{samples, loss(in[3])}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Finalize()
	rng, err := RNG(1, "a", 0)
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Call(tensors.FromFlatDataAndDimensions([]float32{2, -3}, 1, 1, 2, 1), []int32{1}, rng, tensors.FromFlatDataAndDimensions([]float32{0, 0}, 1, 2))
	if err != nil {
		t.Fatal(err)
	}
	if x := tensors.MustCopyFlatData[float32](out[0]); x[0] != 2 || x[1] != -3 {
		t.Errorf("sample %v, want 2 -3", x)
	}
	if loss := float64(tensors.ToScalar[float32](out[1])); math.Abs(loss-math.Ln2) > 1e-6 {
		t.Errorf("loss %v, want log 2", loss)
	}
}

func softmax(logits []float64, temperature float64) []float64 {
	p, sum := make([]float64, len(logits)), 0.0
	for i, l := range logits {
		p[i] = math.Exp(l / temperature)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}
