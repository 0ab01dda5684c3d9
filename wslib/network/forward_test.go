package network

import (
	"math"
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/xla/xlatest"
)

// plainLogits is the network in loops over float64: activation
// before pooling, HWIO kernels, row-major flattening.
func plainLogits(of *Network, w, x []float32) []float64 {
	n := of.Model.(*Described)
	at := 0
	take := func(k int) []float32 { at += k; return w[at-k : at] }
	leaky := func(v float64) float64 { return max(v, 0.2*v) }
	h, wd, c := n.Shape[0], n.Shape[1], n.Shape[2]
	img := make([]float64, len(x))
	for i, v := range x {
		img[i] = float64(v)
	}
	for _, k := range n.Convs {
		kernel, bias := take(k.Height*k.Width*k.In*k.Out), take(k.Out)
		oh, ow := h-k.Height+1, wd-k.Width+1
		conv := make([]float64, oh*ow*k.Out)
		for y := range oh {
			for x := range ow {
				for o := range k.Out {
					s := float64(bias[o])
					for i := range k.Height {
						for j := range k.Width {
							for q := range c {
								s += img[((y+i)*wd+x+j)*c+q] * float64(kernel[((i*k.Width+j)*k.In+q)*k.Out+o])
							}
						}
					}
					conv[(y*ow+x)*k.Out+o] = leaky(s)
				}
			}
		}
		h, wd, c = oh/2, ow/2, k.Out
		img = make([]float64, h*wd*c)
		for y := range h {
			for x := range wd {
				for o := range c {
					m := math.Inf(-1)
					for i := range 2 {
						for j := range 2 {
							m = max(m, conv[((2*y+i)*ow+2*x+j)*c+o])
						}
					}
					img[(y*wd+x)*c+o] = m
				}
			}
		}
	}
	for d := range len(n.Dense) - 1 {
		in, out := n.Dense[d], n.Dense[d+1]
		kernel, bias := take(in*out), take(out)
		next := make([]float64, out)
		for o := range out {
			s := float64(bias[o])
			for i := range in {
				s += img[i] * float64(kernel[i*out+o])
			}
			if d < len(n.Dense)-2 {
				if n.Activation == SigmoidActivation {
					s = 1 / (1 + math.Exp(-s))
				} else {
					s = leaky(s)
				}
			}
			next[o] = s
		}
		img = next
	}
	return img
}

func TestLogitsAgainstPlainLoops(t *testing.T) {
	b := xlatest.Backend(t)
	for _, n := range Ten() {
		rng := rand.New(rand.NewPCG(3, 3))
		w := initial(n, 5)
		x := make([]float32, 2*n.Samples())
		for i := range x {
			x[i] = rng.Float32()
		}
		out := MustExecOnce(b, func(w, x *Node) *Node { return n.Forward(Binding{Weights: w}, x).Output() },
			tensors.FromFlatDataAndDimensions(w, len(w)),
			tensors.FromFlatDataAndDimensions(x, append([]int{2}, n.Input()...)...))
		got := tensors.MustCopyFlatData[float32](out)
		for s := range 2 {
			want := plainLogits(n, w, x[s*len(x)/2:(s+1)*len(x)/2])
			for k, v := range want {
				if math.Abs(v-float64(got[s*len(want)+k])) > 2e-5 {
					t.Errorf("%s: sample %d logit %d is %v, want %v", n.Name, s, k, got[s*len(want)+k], v)
				}
			}
		}
	}
}

// Dropout keeps the expectation and drops about the rate.
func TestDropout(t *testing.T) {
	b := xlatest.Backend(t)
	rng, err := RNGStateFromSeed(7)
	if err != nil {
		t.Fatal(err)
	}
	out := MustExecOnce(b, func(x, rng *Node) *Node {
		factor, _ := keep(x, rng, 0.25)
		return Mul(x, factor)
	}, tensors.FromScalarAndDimensions(float32(3), 100, 100), rng)
	zero := 0
	for _, v := range tensors.MustCopyFlatData[float32](out) {
		switch v {
		case 0:
			zero++
		case 4:
		default:
			t.Fatalf("value %v, want 0 or 3/(1-0.25)", v)
		}
	}
	if zero < 2300 || zero > 2700 {
		t.Errorf("%d of 10000 dropped, want about 2500", zero)
	}
}
