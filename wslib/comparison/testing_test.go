package comparison

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"weightsep/datasets"
	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
	"weightsep/xla/xlatest"
)

// small is a network of 6x6 images in three classes, 9*4+4 + 16*8+8 + 8*3+3 = 203
// weights.
func small(name string) *network.Network {
	return &network.Network{Name: name, Input: [3]int{6, 6, 1},
		Convs: []network.Conv{{Height: 3, Width: 3, In: 1, Out: 4}}, Dense: []int{16, 8, 3},
		Activation: network.LeakyActivation}
}

// flat is one of the same images without convolutions, 36*8+8 + 8*3+3 = 323 weights,
// which compiles faster.
func flat(name string) *network.Network {
	return &network.Network{Name: name, Input: [3]int{6, 6, 1}, Dense: []int{36, 8, 3}, Activation: network.SigmoidActivation}
}

// problem is a task that can be learned: the class is the brightest third of the
// image, turned by the seed.
func problem(t testing.TB, n *network.Network, seed uint64) optimization.Task {
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
	return optimization.Task{Network: n, Data: &datasets.Dataset{
		Name: n.Name, Shape: [3]int{6, 6, 1}, Classes: 3,
		Train: split(1, 300), Validation: split(2, 150), // no test data: it must not be read
		Provenance: datasets.Provenance{Kind: datasets.StandIn, Source: fmt.Sprint("test problem ", seed)},
	}}
}

// trains is a recipe of so many steps.
func trains(steps, every, batch int, rate float64) optimization.Recipe {
	r := optimization.Defaults()
	r.Steps, r.ValidateEvery, r.Batch, r.LearningRate = steps, every, optimization.Each{"": float64(batch)}, rate
	return r
}

// two are tasks and weights to start from.
func two(t testing.TB) (tasks []optimization.Task, weights [][]float32) {
	t.Helper()
	tasks = []optimization.Task{problem(t, small("a"), 1), problem(t, flat("b"), 2)}
	return tasks, [][]float32{tasks[0].Network.Initial(1), tasks[1].Network.Initial(2)}
}

func trained(t testing.TB, m Method, tasks []optimization.Task, weights [][]float32, o Options) *Result {
	t.Helper()
	r, err := Run(context.Background(), xlatest.Backend(t), m, tasks, weights, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
