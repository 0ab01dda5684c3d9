package xla_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/xla"
	"weightsep/xla/xlatest"
)

// layer is a convolution of one of the ten networks, on batches of 100.
type layer struct {
	name                  string
	h, w, kh, kw, in, out int
	block                 xla.Block // as package network takes it; 1x1 where the input's gradient is needed
}

var layers = []layer{
	{"cifar10/0", 30, 30, 3, 3, 3, 16, xla.Block{Height: 1, Width: 2}},
	{"cifar10/1", 14, 14, 3, 3, 16, 32, xla.Block{Height: 1, Width: 1}},
	{"mnist/0", 22, 22, 3, 3, 1, 16, xla.Block{Height: 1, Width: 2}},
	{"obs/0", 45, 79, 12, 24, 1, 8, xla.Block{Height: 2, Width: 2}},
	{"esc10/0", 59, 41, 12, 6, 2, 8, xla.Block{Height: 2, Width: 2}},
}

// BenchmarkLowering times the ways to compute a convolution, its gradients and
// pooling; the library's are "blocks" (first layers), "xla" and "shifted sums".
func BenchmarkLowering(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	random := func(d ...int) *tensors.Tensor { return randomArray(rng, d...).tensor() }
	for _, l := range layers {
		oh, ow := (l.h-l.kh+1)/2*2, (l.w-l.kw+1)/2*2
		x, k, dy := random(100, oh+l.kh-1, ow+l.kw-1, l.in), random(l.kh, l.kw, l.in, l.out), random(100, oh, ow, l.out)
		ways := map[string]func(x, k, dy *Node) *Node{
			"forward/xla": func(x, k, _ *Node) *Node { return xla.Convolve(x, k) },
			"kernel gradient/xla": func(x, _, dy *Node) *Node {
				return xla.ConvolveKernelGradient(x, dy, l.kh, l.kw, l.in, l.out)
			},
		}
		if l.kh*l.kw < 20 {
			ways["forward/patches"] = func(x, k, _ *Node) *Node {
				return MatMul(patches(x, l.kh, l.kw), Reshape(k, -1, l.out))
			}
			ways["kernel gradient/patches"] = func(x, _, dy *Node) *Node {
				return DotGeneral(patches(x, l.kh, l.kw), []int{0}, nil, Reshape(dy, -1, l.out), []int{0}, nil)
			}
		}
		if l.block.Width > 1 {
			ways["forward/blocks"] = func(x, k, _ *Node) *Node {
				return xla.Convolve(l.block.Input(x, l.kh, l.kw, oh, ow), l.block.Kernel(k))
			}
			ways["kernel gradient/blocks"] = func(x, k, dy *Node) *Node {
				in := l.block.Input(x, l.kh, l.kw, oh, ow)
				g := Reshape(dy, 100, oh/l.block.Height, ow/l.block.Width, l.block.Height*l.block.Width*l.out)
				wide := xla.ConvolveKernelGradient(in, g, l.block.Kernel(k).Shape().Dimensions...)
				return l.block.KernelGradient(wide, l.kh, l.kw, l.in, l.out)
			}
		} else {
			ways["input gradient/shifted sums"] = func(_, k, dy *Node) *Node { return xla.ConvolveInputGradient(dy, k) }
			ways["input gradient/xla"] = func(x, k, dy *Node) *Node {
				return Gradient(ReduceAllSum(Mul(xla.Convolve(x, StopGradient(k)), StopGradient(dy))), x)[0]
			}
		}
		for name, way := range ways {
			b.Run(fmt.Sprintf("%s/%s", l.name, name), func(b *testing.B) { benchmark(b, way, x, k, dy) })
		}
	}
	x, g := random(100, 28, 28, 16), random(100, 14, 14, 16)
	one := xla.Block{Height: 1, Width: 1}
	for name, way := range map[string]func(x, g, _ *Node) *Node{
		"pool and gradient/by hand": func(x, g, _ *Node) *Node {
			return xla.PoolBlocksGradient(x, xla.PoolBlocks(x, one), g, one)
		},
		"pool and gradient/strided, automatic": func(x, g, _ *Node) *Node {
			return Gradient(ReduceAllSum(Mul(xla.MaxPool2x2(x), StopGradient(g))), x)[0]
		},
		"pool and gradient/reduce-window, automatic": func(x, g, _ *Node) *Node {
			return Gradient(ReduceAllSum(Mul(xla.NativeMaxPool2x2(x), StopGradient(g))), x)[0]
		},
	} {
		b.Run(name, func(b *testing.B) { benchmark(b, way, x, g, g) })
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
