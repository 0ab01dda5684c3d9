package xla_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/xla"
	_ "weightsep/xla/keepmemory" // the programs have it
	"weightsep/xla/xlatest"
)

// layer is a convolution of one of the ten networks, on batches of 100.
type layer struct {
	name                  string
	h, w, kh, kw, in, out int
}

var layers = []layer{
	{"cifar10/0", 30, 30, 3, 3, 3, 16},
	{"cifar10/1", 14, 14, 3, 3, 16, 32},
	{"mnist/0", 22, 22, 3, 3, 1, 16},
	{"obs/0", 45, 79, 12, 24, 1, 8},
	{"obs/1", 16, 26, 3, 3, 8, 32},
	{"esc10/0", 59, 41, 12, 6, 2, 8},
	{"us8k/1", 26, 18, 3, 3, 8, 16},
	{"hhar/0", 20, 120, 3, 3, 1, 8},
}

// BenchmarkLowering times the ways to compute a convolution, its gradients and
// pooling; the library's are the first of each. What XLA makes of a convolution
// depends on XLA_FLAGS: with --xla_cpu_experimental_onednn_custom_call=false it is Eigen's.
func BenchmarkLowering(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	random := func(d ...int) *tensors.Tensor { return randomArray(rng, d...).tensor() }
	type way struct {
		name string
		f    func(x, k, dy *Node) *Node
	}
	for _, l := range layers {
		oh, ow := (l.h-l.kh+1)/2*2, (l.w-l.kw+1)/2*2
		x, k, dy := random(100, oh+l.kh-1, ow+l.kw-1, l.in), random(l.kh, l.kw, l.in, l.out),
			random(100, oh, ow, l.out)
		ways := []way{
			{"forward/xla", func(x, k, _ *Node) *Node { return xla.Convolve(x, k) }},
			{"kernel gradient/the library's",
				func(x, _, dy *Node) *Node { return xla.ConvolveKernelGradient(x, dy, l.kh, l.kw) }},
			{"kernel gradient/xla", func(x, _,
				dy *Node) *Node {
				return xla.AutomaticKernelGradient(x, dy, l.kh, l.kw)
			}},
		}
		if l.kh*l.kw < 20 {
			ways = append(ways, way{"forward/patches", func(x, k, _ *Node) *Node {
				return MatMul(patches(x, l.kh, l.kw), Reshape(k, -1, l.out))
			}})
		}
		if l.in > 3 {
			ways = append(ways, way{"kernel gradient/patches of blocks",
				func(x, _, dy *Node) *Node { return xla.PatchesKernelGradient(x, dy, l.kh, l.kw) }})
			ways = append(ways, way{"kernel gradient/over the batch",
				func(x, _, dy *Node) *Node { return xla.ConvolveBatch(x, dy) }},
				way{"input gradient/convolution",
					func(_, k, dy *Node) *Node { return xla.ConvolveTurned(dy, k) }},
				way{"input gradient/shifted sums",
					func(_, k, dy *Node) *Node { return xla.ShiftedSums(dy, k) }})
		}
		for _, w := range ways {
			b.Run(fmt.Sprintf("%s/%s", l.name, w.name), func(b *testing.B) { benchmark(b, w.f, x, k, dy) })
		}
	}
	x, g := random(100, 28, 28, 16), random(100, 14, 14, 16)
	for _, w := range []way{
		{"by hand", func(x, g, _ *Node) *Node {
			return xla.MaxPool2x2Gradient(x, xla.MaxPool2x2(x), g)
		}},
		{"strided, automatic", func(x, g, _ *Node) *Node {
			return Gradient(ReduceAllSum(Mul(xla.MaxPool2x2(x), StopGradient(g))), x)[0]
		}},
		{"reduce-window, automatic", func(x, g, _ *Node) *Node {
			return Gradient(ReduceAllSum(Mul(MaxPool(x).Window(2).Strides(2).NoPadding().Done(),
				StopGradient(g))), x)[0]
		}},
	} {
		b.Run("pool and gradient/"+w.name, func(b *testing.B) { benchmark(b, w.f, x, g, g) })
	}
}

func benchmark(b *testing.B, way func(x, k, dy *Node) *Node, args ...any) {
	exec := MustNewExec(xlatest.Backend(b), way)
	defer exec.Finalize()
	exec.MustCall1(args...).FinalizeAll() // compiles
	for b.Loop() {
		out := exec.MustCall1(args...)
		tensors.MustConstFlatData(out, func([]float32) {}) // waits for the end
		out.FinalizeAll()
	}
}

// patches are what lies under the kernel at each place, [batch*h*w, kh*kw*in].
func patches(x *Node, kh, kw int) *Node {
	d := x.Shape().Dimensions
	h, w := d[1]-kh+1, d[2]-kw+1
	var parts []*Node
	for i := range kh {
		for j := range kw {
			parts = append(parts, Slice(x, AxisRange(), AxisRange(i, i+h), AxisRange(j, j+w)))
		}
	}
	return Reshape(Concatenate(parts, -1), d[0]*h*w, kh*kw*d[3])
}
