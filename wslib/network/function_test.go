package network

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/layers/lstm"
	"github.com/gomlx/gomlx/ml/layers/norm"
	"github.com/gomlx/gomlx/ml/model"

	"weightsep/xla"
	"weightsep/xla/xlatest"
)

// depthwise is a convolution of every channel with a kernel of its own.
func depthwise(s *model.Scope, x *Node, stride int, kernel ...int) *Node {
	c := x.Shape().Dim(-1)
	k := s.VariableWithShape("weights", shapes.Make(x.DType(), kernel[0], kernel[1], 1,
		c)).NodeValue(x.Graph())
	return Convolve(x, k).ChannelGroupCount(c).PadSame().Strides(stride).Done()
}

func head(s *model.Scope, x *Node, axes ...int) *Node {
	return layers.Dense(s.In("fc"), ReduceMean(Tanh(x), axes...), true, 3)
}

// functions are models with each of the pieces whose gradients were found wrong somewhere.
var functions = []struct {
	name  string
	input []int
	f     ModelFunc
}{
	{"even kernels", []int{7, 6, 2}, func(s *model.Scope, x *Node) *Node {
		x = Tanh(layers.Convolution(s.In("a"), x).Channels(3).KernelSize(2).NoPadding().Done())
		x = Tanh(layers.Convolution(s.In("b"), x).Channels(2).KernelSizePerAxis(4, 3).NoPadding().Done())
		return head(s, x, 1, 2)
	}},
	{"even kernels, strides, SAME padding", []int{7, 6, 2}, func(s *model.Scope, x *Node) *Node {
		x = Tanh(layers.Convolution(s.In("a"), x).Channels(3).KernelSize(3).PadSame().Strides(2).Done())
		x = Tanh(layers.Convolution(s.In("b"), x).Channels(2).KernelSizePerAxis(4,
			2).PadSame().Strides(2).Done())
		return head(s, x, 1, 2)
	}},
	{"dilated kernels", []int{11, 12, 2}, func(s *model.Scope, x *Node) *Node {
		x = Tanh(layers.Convolution(s.In("a"), x).Channels(3).KernelSize(2).PadSame().Dilations(2).Done())
		x = Tanh(layers.Convolution(s.In("b"), x).Channels(3).KernelSize(3).PadSame().Dilations(2).Done())
		return head(s, x, 1, 2)
	}},
	{"one axis", []int{12, 3}, func(s *model.Scope, x *Node) *Node {
		x = Tanh(layers.Convolution(s.In("a"), x).Channels(4).KernelSize(4).PadSame().Strides(2).Done())
		x = Tanh(layers.Convolution(s.In("b"), x).Channels(4).KernelSize(4).PadSame().Done())
		return head(s, x, 1)
	}},
	{"depthwise", []int{9, 8, 2}, func(s *model.Scope, x *Node) *Node {
		x = Tanh(layers.Convolution(s.In("a"), x).Channels(4).KernelSize(1).Done())
		x = Tanh(depthwise(s.In("b"), x, 1, 3, 3))
		x = Tanh(depthwise(s.In("c"), x, 2, 4, 3))
		return head(s, x, 1, 2)
	}},
	{"batch norm", []int{6, 6, 2}, func(s *model.Scope, x *Node) *Node {
		x = norm.BatchNorm(s.In("n"), layers.Convolution(s.In("a"),
			x).Channels(4).KernelSize(3).UseBias(false).Done(), -1).Done()
		x = norm.BatchNorm(s.In("m"), layers.Convolution(s.In("b"),
			Tanh(x)).Channels(4).KernelSize(3).Done(), -1).Done()
		return head(s, x, 1, 2)
	}},
	{"residual", []int{6, 6, 4}, func(s *model.Scope, x *Node) *Node {
		for i := range 2 {
			y := Tanh(layers.Convolution(s.In("a%d", i), x).Channels(4).KernelSize(3).PadSame().Done())
			x = Add(x, layers.Convolution(s.In("b%d", i), y).Channels(4).KernelSize(3).PadSame().Done())
		}
		return head(s, x, 1, 2)
	}},
	{"LSTM", []int{6, 4}, func(s *model.Scope, x *Node) *Node {
		_, last, _ := lstm.New(s.In("lstm"), x, 5).Done()
		return layers.Dense(s.In("fc"), Reshape(last, x.Shape().Dim(0), -1), true, 3)
	}},
	{"attention", []int{6, 4}, func(s *model.Scope, x *Node) *Node {
		h := norm.LayerNorm(s.In("ln"), x, -1).Done()
		q, k, v := layers.Dense(s.In("q"), h, true, 4), layers.Dense(s.In("k"), h, true, 4),
			layers.Dense(s.In("v"), h, true, 4)
		a := Softmax(MulScalar(Einsum("bqd,bkd->bqk", q, k), 0.5), -1)
		x = Add(x, layers.Dense(s.In("o"), activation.Gelu(Einsum("bqk,bkd->bqd", a, v)), true, 4))
		return head(s, x, 1)
	}},
}

// double is a model in float64, to take numbers from.
func double(t *testing.T, b compute.Backend, input []int, f ModelFunc) *function {
	t.Helper()
	m := &function{name: "double", input: input, f: f, backend: b, dtype: dtypes.Float64}
	if err := m.discover(); err != nil {
		t.Fatal(err)
	}
	return m
}

// The gradient of every model function against differences of its loss in float64, along random
// directions and along itself, in training and at inference.
func TestGradientsAgainstNumbers(t *testing.T) {
	pure, _, err := xla.Open(t.Context(), xla.Options{Name: "go"}) // XLA takes seconds to compile each
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range functions {
		b := pure
		if c.name == "batch norm" { // which the pure Go backend lacks
			b = xlatest.Backend(t)
		}
		n, err := FromFunction(b, "n", c.input, c.f)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		m := double(t, b, c.input, c.f)
		for _, training := range []bool{true, false} {
			if !training && n.StateSize() == 0 {
				continue // the same graph
			}
			worst := numbers(t, b, n, m, training)
			t.Logf("%-36s training %-5v %5d weights, %2d values of state: largest difference %.1e of the "+
				"gradient's length", c.name, training, n.Weights(), n.StateSize(), worst)
			if worst > 1e-5 {
				t.Errorf("%s, training %v: the gradient is off by %v of its length", c.name, training, worst)
			}
		}
	}
}

func numbers(t *testing.T, b compute.Backend, n *Network, m *function, training bool) (worst float64) {
	t.Helper()
	const batch = 4
	rng := rand.New(rand.NewPCG(1, 2))
	weights, state, err := n.Initial(3)
	if err != nil {
		t.Fatal(err)
	}
	for i := range weights {
		weights[i] += 0.3 * float32(rng.NormFloat64()) // biases and factors are not at their initial values
	}
	for i := range state {
		state[i] += 0.5 * rng.Float32()
	}
	x, y := make([]float32, batch*n.Samples()), make([]int32, batch)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	for i := range y {
		y[i] = int32(rng.IntN(n.Outputs()))
	}
	shape := append([]int{batch}, n.Input()...)
	labels := tensors.FromFlatDataAndDimensions(y, batch)
	exec, err := n.NewExec(b, func(in []*Node) []*Node {
		bind, in := n.Bind(in)
		bind.Training = training
		loss, g := n.Forward(bind, in[0]).LossGradient(func(out *Node) *Node { return crossEntropy(out, in[1]) })
		return []*Node{loss, g}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	var args []any
	for _, v := range (Values{weights, state}).On() {
		args = append(args, v)
	}
	out, err := exec.Call(append(args, tensors.FromFlatDataAndDimensions(x, shape...), labels)...)
	if err != nil {
		t.Fatal(err)
	}
	gradient := doubles(tensors.MustCopyFlatData[float32](out[1]))

	loss64, err := m.NewExec(b, func(in []*Node) []*Node {
		bind := Binding{Weights: in[0], Training: training, layers: m.Layers()}
		if len(m.state) > 0 {
			bind.State, in = in[1], in[1:]
		}
		return []*Node{crossEntropy(m.Forward(bind, in[1]).Output(), in[2])}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer loss64.Finalize()
	at := func(w []float64) float64 {
		args := []any{tensors.FromFlatDataAndDimensions(w, len(w))}
		if len(state) > 0 {
			args = append(args, tensors.FromFlatDataAndDimensions(doubles(state), len(state)))
		}
		out, err := loss64.Call(append(args, tensors.FromFlatDataAndDimensions(doubles(x), shape...),
			labels)...)
		if err != nil {
			t.Fatal(err)
		}
		return tensors.ToScalar[float64](out[0])
	}
	length := math.Sqrt(dot(gradient, gradient))
	for direction := range 6 {
		u := slices.Clone(gradient)
		if direction > 0 {
			for i := range u {
				u[i] = rng.NormFloat64()
			}
		}
		norm := math.Sqrt(dot(u, u))
		const h = 1e-5
		up, down := doubles(weights), doubles(weights)
		for i := range u {
			u[i] /= norm
			up[i], down[i] = up[i]+h*u[i], down[i]-h*u[i]
		}
		worst = max(worst, math.Abs((at(up)-at(down))/(2*h)-dot(u, gradient))/length)
	}
	return worst
}

func doubles(v []float32) []float64 {
	w := make([]float64, len(v))
	for i, x := range v {
		w[i] = float64(x)
	}
	return w
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// Batch normalization keeps averages, which belong to the network: training changes them,
// inference uses them, and both leave the model's own variables alone.
func TestStateOfBatchNorm(t *testing.T) {
	b := xlatest.Backend(t)
	n, err := FromFunction(b, "n", []int{3}, func(s *model.Scope, x *Node) *Node {
		return layers.Dense(s.In("d"), norm.BatchNorm(s.In("n"), x, -1).Done(), true, 2)
	})
	if err != nil {
		t.Fatal(err)
	}
	if n.Weights() != 6+8 || n.StateSize() != 9 {
		t.Fatalf("%d weights and %d of state, want 14 and 9: mean, variance and weight of 3 features",
			n.Weights(), n.StateSize())
	}
	weights, state, err := n.Initial(1)
	if err != nil {
		t.Fatal(err)
	}
	for _, training := range []bool{true, false} {
		exec, err := n.NewExec(b, func(in []*Node) []*Node {
			bind, in := n.Bind(in)
			bind.Training = training
			return []*Node{n.Forward(bind, in[0]).State()}
		})
		if err != nil {
			t.Fatal(err)
		}
		on := Values{weights, state}.On()
		x := tensors.FromFlatDataAndDimensions([]float32{1, 2, 3, 3, 6, 9}, 2, 3)
		out, err := exec.Call(on[0], on[1], x)
		if err != nil || len(out) != 1 {
			t.Fatalf("%d outputs, %v", len(out), err)
		}
		got := tensors.MustCopyFlatData[float32](out[0])
		// The first batch's mean and variance as they are; the variance of {1, 3} is 1.
		want := state
		if training {
			want = nil
			for _, l := range n.State() {
				switch {
				case strings.HasSuffix(l.Name, "mean"):
					want = append(want, 2, 4, 6)
				case strings.HasSuffix(l.Name, "variance"):
					want = append(want, 1, 4, 9)
				default:
					want = append(want, 1, 1, 1)
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("training %v: state %v, want %v", training, got, want)
		}
		exec.Finalize()
	}
	again, stateAgain, err := n.Initial(1)
	if err != nil || !slices.Equal(again, weights) || !slices.Equal(stateAgain, state) {
		t.Errorf("the same seed gives other values, %v", err)
	}
	if other, _, _ := n.Initial(2); slices.Equal(other, weights) {
		t.Error("another seed gives the same weights")
	}
}

// What a function computes is part of what it is: results of another are not its.
func TestArchitectureOfFunctions(t *testing.T) {
	architecture := func(f ModelFunc) string {
		n, err := FromFunction(xlatest.Backend(t), "mine", []int{3}, f)
		if err != nil {
			t.Fatal(err)
		}
		return n.Architecture()
	}
	tanh := func(s *model.Scope, x *Node) *Node { return Tanh(layers.Dense(s, x, true, 2)) }
	relu := func(s *model.Scope, x *Node) *Node { return activation.Relu(layers.Dense(s, x, true, 2)) }
	if a, b := architecture(tanh), architecture(tanh); a != b {
		t.Errorf("one function is %s and %s", a, b)
	}
	if a := architecture(tanh); a == architecture(relu) {
		t.Errorf("two functions are %s", a)
	}
	for _, f := range functions { // random ones and those with state among them
		one, err1 := FromFunction(xlatest.Backend(t), "mine", f.input, f.f)
		two, err2 := FromFunction(xlatest.Backend(t), "mine", f.input, f.f)
		if err1 != nil || err2 != nil || one.Architecture() != two.Architecture() {
			t.Errorf("%s: not the same twice: %v, %v", f.name, err1, err2)
		}
	}
}

func TestWrongFunctionsAreNamed(t *testing.T) {
	b := xlatest.Backend(t)
	for want, f := range map[string]ModelFunc{
		"no trainable float32": func(_ *model.Scope, x *Node) *Node { return x },
		"want float32 [2": func(s *model.Scope,
			x *Node) *Node {
			return ReduceAllSum(layers.Dense(s, x, true, 2))
		},
		"the model fails": func(*model.Scope, *Node) *Node { panic(fmt.Errorf("no such layer")) },
	} {
		_, err := FromFunction(b, "mine", []int{3}, f)
		if err == nil || !strings.Contains(err.Error(), want) ||
			!strings.Contains(err.Error(), "network mine") {
			t.Errorf("error %v, want one of network mine with %q", err, want)
		}
	}
	if _, err := FromFunction(b, "mine", nil, functions[0].f); err == nil {
		t.Error("a network without an input is accepted")
	}
	xla.CorrectGradients() // a second time changes nothing
}
