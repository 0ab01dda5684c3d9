package optimization

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/datasets"
	"weightsep/wslib/internal/train"
	"weightsep/wslib/network"
	"weightsep/wslib/network/networktest"
	"weightsep/wslib/overlapping"
	"weightsep/wslib/page"
	"weightsep/xla/xlatest"
)

// small is a network of 6x6 images in three classes, 36*2+2+2*3+3 = 83 weights. It has no
// convolution, which would take seconds to compile.
func small(name string) *network.Network {
	return network.Describe(name, network.Described{Shape: [3]int{6, 6, 1}, Dense: []int{36, 2, 3},
		Activation: network.LeakyActivation})
}

// problem is a task that can be learned: the class is the brightest third of the
// image, turned by the seed.
func problem(t testing.TB, name string, seed uint64, samples int) Task {
	t.Helper()
	split := func(purpose uint64, n int) *datasets.Split {
		rng := rand.New(rand.NewPCG(seed, purpose))
		values, labels := make([]float32, n*36), make([]int32, n)
		for i := range n {
			labels[i] = int32(rng.IntN(3))
			for p := range 36 {
				values[i*36+p] = rng.Float32()
				if p/12 == int(labels[i]+int32(seed))%3 {
					values[i*36+p] += 0.7
				}
			}
		}
		s, err := datasets.NewSplit(36, values, labels)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	return Task{Network: small(name), Data: &datasets.Dataset{
		Name: name, Shape: []int{6, 6, 1}, Classes: 3,
		Train: split(1, samples), Validation: split(2, 60), Test: split(3, 60),
		Provenance: datasets.Provenance{Kind: datasets.StandIn, Source: fmt.Sprint("test problem ", seed)},
	}}
}

const pageSize, sharedPages = 16, 6

// members gives each task trained-like weights, a Fisher information and one
// exclusive page.
func members(t testing.TB, tasks []Task) []overlapping.Network {
	var nets []overlapping.Network
	for i, task := range tasks {
		rng := rand.New(rand.NewPCG(uint64(i), 9))
		n := overlapping.Network{Name: task.Network.Name,
			Weights: networktest.Initial(t, task.Network, uint64(i)), Exclusive: []int{i % 3}}
		for range n.Weights {
			n.Fisher = append(n.Fisher, max(0, rng.Float32()-0.2))
		}
		nets = append(nets, n)
	}
	return nets
}

// training is a recipe with everything that Joint takes beside set and tasks.
type training struct {
	Recipe
	Options
	page.Format // but for what is the set's
}

// trains is a training of so many steps, with seed 1.
func trains(steps, every, batch int, rate float64) training {
	o := training{Recipe: Defaults(), Options: Options{Seed: 1}}
	o.Steps, o.ValidateEvery, o.Batch, o.LearningRate = steps, every, Each{"": float64(batch)}, rate
	return o
}

func (o training) as(set *page.Set) page.Format {
	f := o.Format
	f.Size, f.Shared, f.KeyPrecision = set.Size, set.Shared, set.KeyPrecision
	return f
}

func (o training) joint(t testing.TB, ctx context.Context, set *page.Set, tasks []Task) (*Result, error) {
	return Joint(ctx, xlatest.Backend(t), set, tasks, o.as(set), o.Recipe, o.Options)
}

// open is the training before its first step.
func (o training) open(t testing.TB, set *page.Set, tasks []Task) *joint {
	t.Helper()
	j, err := newJoint(context.Background(), xlatest.Backend(t), set, tasks, o.as(set), o.Recipe,
		o.Options.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.close)
	return j
}

// resumed is the result of a joint training that is interrupted at a step and goes on.
func resumed(t *testing.T, set *page.Set, tasks []Task, o training, step int) *Result {
	t.Helper()
	o.Checkpoint = filepath.Join(t.TempDir(), "checkpoint.npz")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o.Progress = func(p Progress) {
		if p.Step == step {
			cancel()
		}
	}
	if _, err := o.joint(t, ctx, set, tasks); !errors.Is(err, context.Canceled) {
		t.Fatalf("not interrupted: %v", err)
	}
	r, err := o.joint(t, context.Background(), set, tasks)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustCopy(t testing.TB, v *tensors.Tensor) []float32 {
	t.Helper()
	out, err := tensors.CopyFlatData[float32](v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// crossEntropyGradient is the gradient of the mean cross-entropy with respect to the weights, by
// automatic differentiation.
func crossEntropyGradient(n *network.Network, w, x, y *Node) *Node {
	logits := n.Forward(network.Binding{Weights: w}, x).Output()
	label := OneHot(y, logits.Shape().Dim(1), logits.DType())
	return Gradient(Neg(ReduceAllMean(ReduceSum(Mul(label, Log(Softmax(logits))), -1))), w)[0]
}

// plainAdam trains a network by itself: Adam by hand, in float64, at a rate that falls as half a
// cosine.
func plainAdam(t *testing.T, task Task, start []float32, steps, batch int, seed uint64,
	rate float64) []float32 {
	t.Helper()
	n := task.Network
	e, err := NewExec(xlatest.Backend(t), func(w, x,
		y *Node) *Node {
		return crossEntropyGradient(n, w, x, y)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Finalize()
	sampler := train.NewSampler(task.Data.Train, n.Input(), batch, seed, n.Name)
	w, m, v := slices.Clone(start), make([]float64, len(start)), make([]float64, len(start))
	for k := range steps {
		x, y := sampler.Batch(k)
		g, err := e.Call1(w, x, y)
		if err != nil {
			t.Fatal(err)
		}
		now := rate / 2 * (1 + math.Cos(math.Pi*float64(k)/float64(steps)))
		for i, g := range mustCopy(t, g) {
			m[i] = 0.9*m[i] + 0.1*float64(g)
			v[i] = 0.999*v[i] + 0.001*float64(g)*float64(g)
			mean, square := m[i]/(1-math.Pow(0.9, float64(k+1))), v[i]/(1-math.Pow(0.999, float64(k+1)))
			w[i] -= float32(now * mean / (math.Sqrt(square) + 1e-8))
		}
	}
	return w
}

// accuracy is that of weights on the task's validation data.
func accuracy(t *testing.T, task Task, weights []float32) float64 {
	t.Helper()
	v, err := newValidator(xlatest.Backend(t), []Task{task}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer v.close()
	a, err := v.score(context.Background(), 0, network.Values{Weights: weights})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// same says where weights are not those wanted.
func same(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d weights, want %d", what, len(got), len(want))
	}
	for k := range got {
		if !(math.Abs(float64(got[k]-want[k])) <= tolerance) {
			t.Fatalf("%s: weight %d is %v, want %v", what, k, got[k], want[k])
		}
	}
}
