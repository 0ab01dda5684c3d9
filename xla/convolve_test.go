package xla_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/xla"
	"weightsep/xla/xlatest"
)

// array is a row-major array, for the brute-force versions.
type array struct {
	v []float64
	d []int
}

func newArray(d ...int) array {
	n := 1
	for _, k := range d {
		n *= k
	}
	return array{make([]float64, n), d}
}

func randomArray(rng *rand.Rand, d ...int) array {
	a := newArray(d...)
	for i := range a.v {
		a.v[i] = float64(float32(rng.NormFloat64()))
	}
	return a
}

func (a array) at(i ...int) *float64 {
	k := 0
	for axis, n := range a.d {
		k = k*n + i[axis]
	}
	return &a.v[k]
}

func (a array) tensor() *tensors.Tensor {
	v := make([]float32, len(a.v))
	for i, x := range a.v {
		v[i] = float32(x)
	}
	return tensors.FromFlatDataAndDimensions(v, a.d...)
}

func (a array) compare(t *testing.T, what string, got *tensors.Tensor) {
	t.Helper()
	if fmt.Sprint(got.Shape().Dimensions) != fmt.Sprint(a.d) {
		t.Fatalf("%s: shape %v, want %v", what, got.Shape().Dimensions, a.d)
	}
	for i, v := range tensors.MustCopyFlatData[float32](got) {
		if !(math.Abs(float64(v)-a.v[i]) < 1e-4) {
			t.Fatalf("%s: value %d is %v, want %v", what, i, v, a.v[i])
		}
	}
}

// convolution by its definition, with the gradients of sum(y*g).
func convolution(x, k, g array) (y, dx, dk array) {
	n, oh, ow := x.d[0], x.d[1]-k.d[0]+1, x.d[2]-k.d[1]+1
	y, dx, dk = newArray(n, oh, ow, k.d[3]), newArray(x.d...), newArray(k.d...)
	for b := range n {
		for i := range oh {
			for j := range ow {
				for o := range k.d[3] {
					for u := range k.d[0] {
						for v := range k.d[1] {
							for c := range k.d[2] {
								*y.at(b, i, j, o) += *x.at(b, i+u, j+v, c) * *k.at(u, v, c, o)
								*dx.at(b, i+u, j+v, c) += *g.at(b, i, j, o) * *k.at(u, v, c, o)
								*dk.at(u, v, c, o) += *g.at(b, i, j, o) * *x.at(b, i+u, j+v, c)
							}
						}
					}
				}
			}
		}
	}
	return y, dx, dk
}

// Kernels of even size are among them: there the automatic input gradient of GoMLX
// v0.28.1 is wrong, which is one more reason for our own. Few and many input channels,
// large and small kernels and odd sizes take each of the kernel gradient's ways.
func TestConvolutionByDefinition(t *testing.T) {
	b := xlatest.Backend(t)
	rng := rand.New(rand.NewPCG(1, 1))
	for _, d := range [][]int{{6, 7, 3, 3, 3}, {6, 7, 2, 2, 3}, {5, 9, 4, 3, 6}, {7, 6, 1, 6, 4},
		{6, 6, 6, 1, 1}, {15, 17, 6, 5, 1}, {12, 19, 7, 6, 2}, {10, 18, 3, 3, 8}, {13, 12, 6, 3, 9},
		{5, 5, 2, 2, 16}, {10, 8, 3, 3, 16}} {
		h, w, kh, kw, in := d[0], d[1], d[2], d[3], d[4]
		x, k := randomArray(rng, 2, h, w, in), randomArray(rng, kh, kw, in, 4)
		g := randomArray(rng, 2, h-kh+1, w-kw+1, 4)
		y, dx, dk := convolution(x, k, g)
		out := MustExecOnceN(b, func(in []*Node) []*Node {
			x, k, g := in[0], in[1], in[2]
			return []*Node{xla.Convolve(x, k), xla.ConvolveInputGradient(g, k),
				xla.ConvolveKernelGradient(x, g, kh, kw),
				xla.ConvolveTurned(g, k), xla.ShiftedSums(g, k), xla.AutomaticKernelGradient(x, g, kh, kw),
				xla.ConvolveBatch(x, g), xla.PatchesKernelGradient(x, g, kh, kw)}
		}, x.tensor(), k.tensor(), g.tensor())
		name := fmt.Sprint(d)
		y.compare(t, name+" forward", out[0])
		dx.compare(t, name+" input gradient", out[1])
		dk.compare(t, name+" kernel gradient", out[2])
		dx.compare(t, name+" input gradient, turned", out[3])
		dx.compare(t, name+" input gradient, shifted sums", out[4])
		dk.compare(t, name+" kernel gradient, automatic", out[5])
		dk.compare(t, name+" kernel gradient, over the batch", out[6])
		dk.compare(t, name+" kernel gradient, patches", out[7])
	}
}

// The patches of a large layer would take gigabytes: its kernel gradient is XLA's.
func TestKernelGradientOfLargeLayer(t *testing.T) {
	nodes := func(batch int) (n int) {
		g := NewGraph(xlatest.Backend(t), fmt.Sprint("batch ", batch))
		defer g.Finalize()
		x := Zeros(g, shapes.Make(dtypes.Float32, batch, 66, 66, 64))
		dy := Zeros(g, shapes.Make(dtypes.Float32, batch, 64, 64, 64))
		if d := xla.ConvolveKernelGradient(x, dy, 3, 3).Shape().Dimensions; fmt.Sprint(d) != "[3 3 64 64]" {
			t.Errorf("batch %d: shape %v", batch, d)
		}
		for _, node := range g.Nodes() {
			n = max(n, node.Shape().Size())
		}
		return n
	}
	if n := nodes(100); n > 100*66*66*64 {
		t.Errorf("it takes an array of %d values", n)
	}
}

// Pooling drops an odd last row or column, and its gradient goes to the largest value.
func TestPoolByDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	x, g := randomArray(rng, 2, 6, 10, 3), randomArray(rng, 2, 3, 5, 3)
	pooled, dx := newArray(g.d...), newArray(x.d...)
	for n := range 2 {
		for i := range 3 {
			for j := range 5 {
				for c := range 3 {
					best, to := x.at(n, 2*i, 2*j, c), dx.at(n, 2*i, 2*j, c)
					for q := range 4 {
						if v := x.at(n, 2*i+q/2, 2*j+q%2, c); *v > *best {
							best, to = v, dx.at(n, 2*i+q/2, 2*j+q%2, c)
						}
					}
					*pooled.at(n, i, j, c), *to = *best, *g.at(n, i, j, c)
				}
			}
		}
	}
	out := MustExecOnceN(xlatest.Backend(t), func(in []*Node) []*Node {
		y := xla.MaxPool2x2(in[0])
		odd := Concatenate([]*Node{in[0], AddScalar(Slice(in[0], AxisRange(), AxisRange(0, 1)), 100)}, 1)
		return []*Node{y, xla.MaxPool2x2Gradient(in[0], y, in[1]), xla.MaxPool2x2(odd)}
	}, x.tensor(), g.tensor())
	pooled.compare(t, "pooled", out[0])
	dx.compare(t, "gradient", out[1])
	pooled.compare(t, "pooled with an odd row", out[2])
}

// Equal values share the gradient of their pool.
func TestPoolSharesBetweenEqual(t *testing.T) {
	out := MustExecOnce(xlatest.Backend(t), func(x, g *Node) *Node {
		return xla.MaxPool2x2Gradient(x, xla.MaxPool2x2(x), g)
	}, tensors.FromFlatDataAndDimensions([]float32{5, 5, 1, 7, 0, 0, 7, 7}, 1, 2, 4, 1),
		tensors.FromFlatDataAndDimensions([]float32{4, 3}, 1, 1, 2, 1))
	want := []float32{2, 2, 0, 1, 0, 0, 1, 1}
	for i, v := range tensors.MustCopyFlatData[float32](out) {
		if v != want[i] {
			t.Errorf("value %d is %v, want %v", i, v, want[i])
		}
	}
}
