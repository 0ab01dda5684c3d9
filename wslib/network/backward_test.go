package network

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/xla"
	_ "weightsep/xla/keepmemory" // the programs have it, so that BenchmarkTrainStep has
	"weightsep/xla/xlatest"
)

// plain is the network as it is written down, all of it left to automatic
// differentiation.
func plain(of *Network, weights, x *Node, convolve func(x, kernel *Node) *Node,
	pool func(*Node) *Node) *Node {
	layers, n := of.Layers(), of.Model.(*Described)
	next := func() *Node {
		l := layers[0]
		layers = layers[1:]
		return Reshape(Slice(weights, AxisRange(l.Offset, l.Offset+l.Size())), l.Shape...)
	}
	for i := range n.Convs {
		if i == 0 {
			x = xla.Convolve(x, next()) // its input's gradient is not asked for
		} else {
			x = convolve(x, next())
		}
		x = pool(leakyReLU(Add(x, InsertAxes(next(), 0, 0, 0))))
	}
	x = Reshape(x, x.Shape().Dimensions[0], -1)
	for i := range len(n.Dense) - 1 {
		x = MatMul(x, next())
		x = Add(x, InsertAxes(next(), 0))
		switch {
		case i == len(n.Dense)-2:
		case n.Activation == SigmoidActivation:
			x = Sigmoid(x)
		default:
			x = leakyReLU(x)
		}
	}
	return x
}

// shifts is the convolution as one matrix product for each place of the kernel.
// (The automatic gradient of GoMLX's own convolution, v0.28.1, is wrong with
// respect to its input if the kernel is of even size.)
func shifts(x, kernel *Node) *Node {
	d, k := x.Shape().Dimensions, kernel.Shape().Dimensions
	h, w := d[1]-k[0]+1, d[2]-k[1]+1
	var sum *Node
	for i := range k[0] {
		for j := range k[1] {
			under := Slice(x, AxisRange(), AxisRange(i, i+h), AxisRange(j, j+w))
			at := Reshape(Slice(kernel, AxisRange(i, i+1), AxisRange(j, j+1)), k[2], k[3])
			part := Reshape(MatMul(Reshape(under, -1, k[2]), at), d[0], h, w, k[3])
			if sum == nil {
				sum = part
			} else {
				sum = Add(sum, part)
			}
		}
	}
	return sum
}

// batch is seeded noise as samples and labels of a network.
func batch(n *Network, size int) (x, y *tensors.Tensor) {
	rng := rand.New(rand.NewPCG(1, 2))
	in := n.Input()
	values := make([]float32, size*in[0]*in[1]*in[2])
	for i := range values {
		values[i] = float32(rng.NormFloat64())
	}
	labels := make([]int32, size)
	for i := range labels {
		labels[i] = int32(rng.IntN(n.Outputs()))
	}
	return tensors.FromFlatDataAndDimensions(values, size, in[0], in[1], in[2]),
		tensors.FromFlatDataAndDimensions(labels, size)
}

// Without convolutions, with one, and with kernels and inputs of odd and even
// sizes that the ten do not have.
func oddNetworks() []*Network {
	return []*Network{
		Describe("dense", Described{[3]int{3, 2, 2}, nil, []int{12, 7, 3}, SigmoidActivation}),
		Describe("one", Described{[3]int{9, 8, 2}, []Conv{{2, 3, 2, 5}}, []int{4 * 3 * 5, 3},
			LeakyActivation}),
		Describe("large", Described{[3]int{18, 15, 1}, []Conv{{7, 6, 1, 3}, {2, 2, 3, 4}},
			[]int{2 * 2 * 4, 6, 2}, LeakyActivation}),
		Describe("deep", Described{[3]int{21, 22, 5}, []Conv{{4, 3, 5, 6}, {2, 3, 6, 4}},
			[]int{4 * 4 * 4, 4}, SigmoidActivation}),
	}
}

// The hand-made backward pass is automatic differentiation's gradient of the
// network as it is written down, dropout aside.
func TestGradientIsAutomaticGradient(t *testing.T) {
	b, _, err := xla.Open(t.Context(), xla.Options{Name: "go"}) // XLA takes seconds to compile each
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range append(Ten(), append(oddNetworks(), Ten()[6].WithOrder(BiasesFirst))...) {
		if err := n.Validate(); err != nil {
			t.Fatal(err)
		}
		x, y := batch(n, 3)
		w := tensors.FromFlatDataAndDimensions(initial(n, 1), n.Weights())
		out := MustExecOnceN(b, func(in []*Node) []*Node {
			w, x, y := in[0], in[1], in[2]
			loss, g := n.Forward(Binding{Weights: w},
				x).LossGradient(func(l *Node) *Node { return crossEntropy(l, y) })
			want := crossEntropy(plain(n, w, x, shifts, xla.MaxPool2x2), y)
			return []*Node{loss, g, want, Gradient(want, w)[0]}
		}, w, x, y)
		if got, want := tensors.ToScalar[float32](out[0]),
			tensors.ToScalar[float32](out[2]); math.Abs(float64(got-want)) > 1e-5 {
			t.Errorf("%s: loss %v, want %v", n.Name, got, want)
		}
		compare(t, n, tensors.MustCopyFlatData[float32](out[1]), tensors.MustCopyFlatData[float32](out[3]))
	}
}

func compare(t *testing.T, n *Network, got, want []float32) {
	t.Helper()
	for _, l := range n.Layers() {
		scale := 0.0
		for _, v := range want[l.Offset : l.Offset+l.Size()] {
			scale = max(scale, math.Abs(float64(v)))
		}
		for i := range l.Size() {
			if g, w := got[l.Offset+i], want[l.Offset+i]; !(math.Abs(float64(g-w)) <= 2e-5*scale+1e-9) {
				t.Errorf("%s: %s: gradient %d is %v, want %v", n.Name, l.Name, i, g, w)
				return
			}
		}
	}
}

// With dropout the gradient is that of the very graph with its zeros.
func TestGradientWithDropout(t *testing.T) {
	b := xlatest.Backend(t)
	n := Ten()[8]
	x, y := batch(n, 4)
	w := tensors.FromFlatDataAndDimensions(initial(n, 1), n.Weights())
	rng, err := RNGStateFromSeed(3)
	if err != nil {
		t.Fatal(err)
	}
	out := MustExecOnceN(b, func(in []*Node) []*Node {
		p := n.Forward(Binding{Weights: in[0], RNG: in[3], Dropout: 0.3, Training: true}, in[1])
		loss, g := p.LossGradient(func(l *Node) *Node { return crossEntropy(l, in[2]) })
		_, tail := Gradient(loss, in[0])[0], n.Layers()[6].Offset
		return []*Node{Slice(g, AxisRange(tail)), Slice(Gradient(loss, in[0])[0], AxisRange(tail))}
	}, w, x, y, rng)
	got, want := tensors.MustCopyFlatData[float32](out[0]), tensors.MustCopyFlatData[float32](out[1])
	zero := 0
	for i := range want {
		if math.Abs(float64(got[i]-want[i])) > 1e-5 {
			t.Fatalf("gradient %d is %v, want %v", i, got[i], want[i])
		}
		if want[i] == 0 {
			zero++
		}
	}
	if zero == 0 {
		t.Error("nothing was dropped")
	}
}

// BenchmarkTrainStep is a training step (forward, gradient, plain descent) at
// batch 100: as the library does it, and all left to automatic differentiation
// with pooling by strided maxima and by XLA's own.
func BenchmarkTrainStep(b *testing.B) {
	back := xlatest.Backend(b)
	for _, n := range Ten() {
		if n.Name == "fmnist" || n.Name == "gtsrb" || n.Name == "svhn" {
			continue // like mnist and cifar10
		}
		for _, kind := range []string{"weightsep", "strided", "native"} {
			b.Run(n.Name+"/"+kind, func(b *testing.B) { benchmarkStep(b, back, n, kind) })
		}
	}
}

func benchmarkStep(b *testing.B, back compute.Backend, n *Network, kind string) {
	exec := MustNewExec(back, func(w, x, y *Node) *Node {
		var g *Node
		switch kind {
		case "weightsep":
			_, g = n.Forward(Binding{Weights: w},
				x).LossGradient(func(l *Node) *Node { return crossEntropy(l, y) })
		case "strided":
			g = Gradient(crossEntropy(plain(n, w, x, xla.Convolve, xla.MaxPool2x2), y), w)[0]
		case "native":
			pool := func(x *Node) *Node { return MaxPool(x).Window(2).Strides(2).NoPadding().Done() }
			g = Gradient(crossEntropy(plain(n, w, x, xla.Convolve, pool), y), w)[0]
		}
		return Sub(w, MulScalar(g, 0.01))
	})
	defer exec.Finalize()
	x, y := batch(n, 100)
	w := tensors.FromFlatDataAndDimensions(initial(n, 1), n.Weights())
	w = exec.MustCall1(w, x, y) // compiles
	for b.Loop() {
		next := exec.MustCall1(w, x, y)
		w.FinalizeAll()
		w = next
		tensors.MustConstFlatData(w, func([]float32) {}) // waits for the step to end
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
}

func crossEntropy(logits, labels *Node) *Node {
	c := Classification{}
	return c.Loss(logits, c.Target(nil, labels, logits))
}

// initial are a network's seeded weights.
func initial(n *Network, seed uint64) []float32 {
	w, _, err := n.Initial(seed)
	if err != nil {
		panic(err)
	}
	return w
}
