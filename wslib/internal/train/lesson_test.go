package train

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/wslib/network"
	"weightsep/xla/xlatest"
)

// linear is one dense layer from two values to two.
func linear() *network.Network {
	return network.Describe("a", network.Described{Shape: [3]int{1, 2, 1}, Dense: []int{2, 2},
		Activation: network.LeakyActivation})
}

// spied is the network with a note of what each forward pass gets.
func spied(n *network.Network) (*network.Network, *spy) {
	s := &spy{Model: n.Model}
	n.Model = s
	return n, s
}

type spy struct {
	network.Model
	bindings []network.Binding
	samples  []*Node
}

func (s *spy) Forward(b network.Binding, x *Node) *network.Pass {
	s.bindings, s.samples = append(s.bindings, b), append(s.samples, x)
	return s.Model.Forward(b, x)
}

// A mixed sample and the loss of a pupil are worked out from the samples that the pupil got:
// they tell how much of another each of them has.
func TestMixupByHand(t *testing.T) {
	n, seen := spied(linear())
	l := Lesson{Share: 0.4, Temperature: 3, Mixup: 0.5, Network: n}
	x := [][]float64{{0, 1}, {1, -2}, {3, 5}}
	hot := [][]float64{{1, 0}, {0, 1}, {0, 1}}
	// Kernel by rows, then biases.
	taught := func(x []float64) []float64 { return []float64{x[0] + 2*x[1] + 0.5, -x[0] + 1} }
	pupil := func(x []float64) []float64 { return []float64{0.3*x[0] - x[1], 0.5*x[0] + 0.2*x[1] - 0.1} }

	e, err := NewExec(xlatest.Backend(t), func(in []*Node) []*Node {
		seen.bindings, seen.samples = nil, nil
		loss, gradient, state := l.Loss(network.Binding{Weights: in[3], RNG: in[2]}, in[0], in[1], in[4:])
		if state != nil || len(seen.samples) != 2 || seen.samples[0] != seen.samples[1] ||
			!seen.bindings[1].Training || seen.bindings[0].Training {
			t.Error("want a pass of the teacher and one in training of the pupil, of the same samples, " +
				"and no state")
		}
		return []*Node{seen.samples[1], loss, gradient, seen.bindings[1].RNG}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Finalize()
	rng, err := RNG(1, "a", 0)
	if err != nil {
		t.Fatal(err)
	}
	teacher, err := l.Teacher(t.Context(), nil, network.Values{Weights: []float32{1, -1, 2, 0, 0.5, 1}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Call(tensors.FromFlatDataAndDimensions([]float32{0, 1, 1, -2, 3, 5}, 3, 1, 2, 1),
		[]int32{0, 1, 1}, rng,
		[]float32{0.3, 0.5, -1, 0.2, 0, -0.1}, teacher.Batch(nil)[0])
	if err != nil {
		t.Fatal(err)
	}
	samples := tensors.MustCopyFlatData[float32](out[0])
	loss, gradient, shares := 0.0, make([]float64, 6), make([]float64, 3)
	for i, next := range []int{1, 2, 0} {
		got := []float64{float64(samples[2*i]), float64(samples[2*i+1])}
		s := (got[0] - x[i][0]) / (x[next][0] - x[i][0])
		if second := (1-s)*x[i][1] + s*x[next][1]; s < 0 || s > 0.5 || math.Abs(got[1]-second) > 1e-5 {
			t.Fatalf("sample %d is %v: a share of %v of sample %d gives %v", i, got, s, next, second)
		}
		shares[i] = s
		said, own, warm := softmax(taught(got), 3), softmax(pupil(got), 1), softmax(pupil(got), 3)
		for c := range 2 {
			label := (1-s)*hot[i][c] + s*hot[next][c]
			loss -= (0.6*label*math.Log(own[c]) + 0.4*9*said[c]*math.Log(warm[c])) / 3
			d := (0.6*(own[c]-label) + 0.4*3*(warm[c]-said[c])) / 3
			gradient[c], gradient[2+c], gradient[4+c] = gradient[c]+d*got[0], gradient[2+c]+d*got[1],
				gradient[4+c]+d
		}
	}
	if got := float64(tensors.ToScalar[float32](out[1])); math.Abs(got-loss) > 1e-5 {
		t.Errorf("loss %v, want %v", got, loss)
	}
	for i, got := range tensors.MustCopyFlatData[float32](out[2]) {
		if math.Abs(float64(got)-gradient[i]) > 1e-5 {
			t.Errorf("gradient of weight %d is %v, want %v", i, got, gradient[i])
		}
	}
	if shares[0] == shares[1] && shares[1] == shares[2] {
		t.Errorf("all samples have a share of %v of another", shares[0])
	}
	if out[3].Equal(rng) {
		t.Error("dropout would see the same random numbers")
	}
}

// An autoencoder that sees mixed samples is to give those back: they are not mixed twice. This
// one gives 0.
func TestMixupOfReconstruction(t *testing.T) {
	n, seen := spied(linear())
	n.Objective = network.Reconstruction{}
	e, err := NewExec(xlatest.Backend(t), func(in []*Node) []*Node {
		seen.samples = nil
		loss, _, _ := Lesson{Mixup: 0.5, Network: n}.Loss(network.Binding{Weights: in[2], RNG: in[1]},
			in[0], nil, nil)
		return []*Node{loss, seen.samples[0]}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Finalize()
	rng, err := RNG(1, "a", 0)
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Call(tensors.FromFlatDataAndDimensions([]float32{4, 1, -2, 3}, 2, 1, 2, 1), rng,
		make([]float32, 6))
	if err != nil {
		t.Fatal(err)
	}
	want := 0.0
	for _, v := range tensors.MustCopyFlatData[float32](out[1]) {
		want += float64(v) * float64(v) / 4
	}
	if got := float64(tensors.ToScalar[float32](out[0])); math.Abs(got-want) > 1e-5 || want == 7.5 {
		t.Errorf("loss %v, want %v and not the 7.5 of samples that are not mixed", got, want)
	}
}

// A sample that is alone in its batch is mixed with itself.
func TestMixupOfOneSample(t *testing.T) {
	n, seen := spied(linear())
	e, err := NewExec(xlatest.Backend(t), func(in []*Node) []*Node {
		seen.samples = nil
		loss, _, _ := Lesson{Mixup: 0.5, Network: n}.Loss(network.Binding{Weights: in[3], RNG: in[2]}, in[0],
			in[1], nil)
		return []*Node{seen.samples[0], loss}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Finalize()
	rng, err := RNG(1, "a", 0)
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Call(tensors.FromFlatDataAndDimensions([]float32{2, -3}, 1, 1, 2, 1), []int32{1}, rng,
		make([]float32, 6))
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
