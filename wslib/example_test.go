package wslib_test

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/datasets"
	"weightsep/wslib/execution"
	"weightsep/wslib/fisher"
	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
	"weightsep/wslib/overlapping"
	"weightsep/wslib/score"
	"weightsep/wslib/separation"
	"weightsep/xla"
)

// Two networks of one's own, on one set of pages: separated, overlapped, trained
// together, executed.
func Example() {
	ctx := context.Background()
	backend, _, err := xla.Open(ctx, xla.Options{})
	check(err)
	plan, err := overlapping.New(64, 40) // 40 shared pages of 64 weights
	check(err)
	var tasks []optimization.Task
	for i, name := range []string{"left", "right"} {
		net := network.Describe(name, network.Described{Shape: [3]int{8, 8, 1}, Activation: network.LeakyActivation,
			Convs: []network.Conv{{Height: 3, Width: 3, In: 1, Out: 8}}, Dense: []int{72, 16 + 8*i, 2}})
		data := stripes(i)
		weights, _, err := net.Initial(uint64(i)) // of a trained network, in real use
		check(err)
		f, err := fisher.Compute(ctx, backend, net, network.Values{Weights: weights}, data.Train, fisher.Options{})
		check(err)
		own, err := separation.Separate(separation.Density(f, 64), separation.Options{TPR: 1, Margin: 0.8, Shared: 40})
		check(err)
		_, err = plan.Add(overlapping.Network{Name: name, Weights: weights, Fisher: f, Exclusive: own})
		check(err)
		plan.Average()
		tasks = append(tasks, optimization.Task{Network: net, Data: data})
	}
	start, err := plan.StartSet(0)
	check(err)
	recipe := optimization.Defaults()
	recipe.Steps, recipe.ValidateEvery = 150, 50
	result, err := optimization.Joint(ctx, backend, start, tasks, start.Format, recipe, optimization.Options{Seed: 1})
	check(err)
	device, err := execution.NewDevice(backend, result.Set)
	check(err)
	for i, t := range tasks {
		weights, err := device.Switch(i) // copies exclusive pages, gathers shared ones
		check(err)
		s, err := score.New(backend, t.Network, 50)
		check(err)
		accuracy, err := s.Score(ctx, []*tensors.Tensor{weights}, t.Data.Test)
		check(err)
		fmt.Printf("%s: %d weights, accuracy above 90 %%: %v\n", t.Network.Name, t.Network.Weights(), accuracy > 0.9)
	}
	// Output:
	// left: 1282 weights, accuracy above 90 %: true
	// right: 1882 weights, accuracy above 90 %: true
}

// stripes is a dataset of one's own: is the left or right (i = 0), the upper or
// lower (i = 1) half of an 8x8 image brighter?
func stripes(i int) *datasets.Dataset {
	split := func(n int, seed uint64) *datasets.Split {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		values, labels := make([]float32, 64*n), make([]int32, n)
		for k := range labels {
			labels[k] = int32(rng.IntN(2))
			for p := range 64 {
				values[64*k+p] = rng.Float32()
				if half := [2]int{p % 8, p / 8}[i] / 4; half == int(labels[k]) {
					values[64*k+p] += 0.5
				}
			}
		}
		s, err := datasets.NewSplit(64, values, labels)
		check(err)
		return s
	}
	return &datasets.Dataset{Name: "stripes", Shape: []int{8, 8, 1}, Classes: 2,
		Train: split(500, 1), Validation: split(100, 2), Test: split(100, 3)}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
