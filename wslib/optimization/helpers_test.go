package optimization

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/datasets"
	"weightsep/wslib/network"
	"weightsep/wslib/overlapping"
	"weightsep/wslib/page"
	"weightsep/xla/xlatest"
)

// small is a network of 6x6 images in three classes, 9*2+2+8*5+5+5*3+3 = 83 weights.
func small(name string) *network.Network {
	return &network.Network{Name: name, Input: [3]int{6, 6, 1},
		Convs: []network.Conv{{Height: 3, Width: 3, In: 1, Out: 2}}, Dense: []int{8, 5, 3},
		Activation: network.LeakyActivation}
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
		Name: name, Shape: [3]int{6, 6, 1}, Classes: 3,
		Train: split(1, samples), Validation: split(2, 60), Test: split(3, 60),
		Provenance: datasets.Provenance{Kind: datasets.StandIn, Source: fmt.Sprint("test problem ", seed)},
	}}
}

const pageSize, sharedPages = 16, 6

// members gives each task trained-like weights, a Fisher information and one
// exclusive page.
func members(tasks []Task) []overlapping.Network {
	var nets []overlapping.Network
	for i, t := range tasks {
		rng := rand.New(rand.NewPCG(uint64(i), 9))
		n := overlapping.Network{Name: t.Network.Name, Weights: t.Network.Initial(uint64(i)), Exclusive: []int{i % 3}}
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
	j, err := newJoint(context.Background(), xlatest.Backend(t), set, tasks, o.as(set), o.Recipe, o.Options.withDefaults())
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
