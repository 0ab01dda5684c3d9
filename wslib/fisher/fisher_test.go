package fisher

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
	_ "weightsep/xla/keepmemory"
	"weightsep/xla/xlatest"
)

// Softmax regression has its gradient in closed form: with c the most probable
// class, d log p_c / d W_ij = x_i ([j=c] - p_j), and the same with 1 for the bias.
func TestComputeAgainstClosedForm(t *testing.T) {
	n := network.Describe("linear", network.Described{Shape: [3]int{2, 2, 1}, Dense: []int{4, 3},
		Activation: network.LeakyActivation})
	rng := rand.New(rand.NewPCG(1, 2))
	const samples = 7
	x := make([]float32, 4*samples)
	for i := range x {
		x[i] = rng.Float32()*2 - 1
	}
	training, err := datasets.NewSplit(4, x, make([]int32, samples))
	if err != nil {
		t.Fatal(err)
	}
	w := networktest.Initial(t, n, 3)
	want := make([]float64, len(w))
	for s := range samples {
		in := x[4*s : 4*s+4]
		var z, p [3]float64
		total, best := 0.0, 0
		for j := range z {
			z[j] = float64(w[12+j])
			for i, v := range in {
				z[j] += float64(v) * float64(w[3*i+j])
			}
			total += math.Exp(z[j])
			if z[j] > z[best] {
				best = j
			}
		}
		for j := range p {
			p[j] = math.Exp(z[j]) / total
		}
		for j := range p {
			d := -p[j]
			if j == best {
				d++
			}
			want[12+j] += d * d * p[best] / samples
			for i, v := range in {
				want[3*i+j] += float64(v*v) * d * d * p[best] / samples
			}
		}
	}
	least, greatest := slices.Min(want), slices.Max(want)
	backend := xlatest.Backend(t)
	got, err := Compute(context.Background(), backend, n, network.Values{Weights: w}, training,
		Options{Samples: 100, Seed: 9})
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if v := (want[i] - least) / (greatest - least); math.Abs(v-float64(got[i])) > 1e-5 {
			t.Errorf("weight %d: %v, want %v", i, got[i], v)
		}
	}
	// Fewer samples give another result, the same seed the same.
	a, _ := Compute(context.Background(), backend, n, network.Values{Weights: w}, training,
		Options{Samples: 2, Seed: 9})
	b, _ := Compute(context.Background(), backend, n, network.Values{Weights: w}, training,
		Options{Samples: 2, Seed: 9})
	if slices.Equal(a, got) || !slices.Equal(a, b) {
		t.Error("the samples drawn do not depend on number and seed alone")
	}
	w[5] = float32(math.NaN())
	if _, err := Compute(context.Background(), backend, n, network.Values{Weights: w}, training,
		Options{}); err == nil || !strings.Contains(err.Error(), "weight 5 is NaN") {
		t.Errorf("NaN weight: %v", err)
	}
	if _, err := Compute(context.Background(), backend, n, network.Values{Weights: w[:3]}, training,
		Options{}); err == nil || !strings.Contains(err.Error(), "3 weights, want 15") {
		t.Errorf("short weights: %v", err)
	}
}

// noise is a split of made-up samples.
func noise(t testing.TB, size, samples int) *datasets.Split {
	t.Helper()
	rng := rand.New(rand.NewPCG(7, 7))
	x := make([]float32, size*samples)
	for i := range x {
		x[i] = rng.Float32()
	}
	split, err := datasets.NewSplit(size, x, make([]int32, samples))
	if err != nil {
		t.Fatal(err)
	}
	return split
}

func TestScale(t *testing.T) {
	f := []float32{3, 1, 2}
	if Scale(f); !slices.Equal(f, []float32{1, 0, 0.5}) {
		t.Errorf("scaled %v", f)
	}
	f = []float32{4, 4}
	if Scale(f); !slices.Equal(f, []float32{0, 0}) {
		t.Errorf("equal values scaled to %v, want 0", f)
	}
}

// BenchmarkCompute is for fifty samples: a network of the usual size and a dense one
// of ten million weights.
func BenchmarkCompute(b *testing.B) {
	backend := xlatest.Backend(b)
	mnist, err := network.Select(network.Ten(), "mnist")
	if err != nil {
		b.Fatal(err)
	}
	large := network.Describe("large", network.Described{Shape: [3]int{32, 32, 3},
		Dense: []int{3072, 2600, 700, 10}, Activation: network.LeakyActivation})
	for _, n := range append(mnist, large) {
		training := noise(b, n.Samples(), 60)
		w := networktest.Initial(b, n, 1)
		b.Run(n.Name, func(b *testing.B) {
			for b.Loop() {
				if _, err := Compute(context.Background(), backend, n, network.Values{Weights: w}, training,
					Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
