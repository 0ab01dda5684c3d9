package wslib_test

import (
	"context"
	"fmt"

	"weightsep/wslib/budget"
	"weightsep/wslib/fisher"
	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
	"weightsep/wslib/overlapping"
	"weightsep/wslib/page"
	"weightsep/wslib/score"
	"weightsep/wslib/separation"
	"weightsep/xla"
)

// Two networks of one's own in a sixteenth of their bytes, as the profile packing does it: pages
// and precisions follow from the bytes, pages are placed by load, pages are rounded in training,
// and the separate networks teach.
func Example_budget() {
	ctx := context.Background()
	const size = 64
	backend, _, err := xla.Open(ctx, xla.Options{})
	check(err)
	left := network.Describe("left", network.Described{Shape: [3]int{8, 8, 1}, Activation: network.LeakyActivation,
		Convs: []network.Conv{{Height: 3, Width: 3, In: 1, Out: 8}}, Dense: []int{72, 32, 2}})
	upper := network.Describe("upper", network.Described{Shape: [3]int{8, 8, 1}, Activation: network.SigmoidActivation,
		Dense: []int{64, 32, 2}})
	left.Order, upper.Order = network.BiasesFirst, network.BiasesFirst
	networks, loads := []*network.Network{left, upper}, []float64{2, 1} // left asks for twice the room

	weights := []int{left.Weights(), upper.Weights()}
	total, err := budget.Ratio(weights, 16)
	check(err)
	fit, err := budget.Choose(weights, size, budget.Budget{Total: total, Loads: loads})
	check(err)
	plan, err := overlapping.New(size, fit.Shared)
	check(err)
	plan.Doubling = true // several pages of one network may share
	var tasks []optimization.Task
	var initial []network.Values
	for i, n := range networks {
		weights, state, err := n.Initial(1)
		check(err)
		tasks = append(tasks, optimization.Task{Network: n, Data: stripes(i)})
		initial = append(initial, network.Values{Weights: weights, State: state})
	}
	recipe := optimization.Defaults()
	recipe.Steps = 400
	separate, err := optimization.Separate(ctx, backend, tasks, initial, page.Format{Size: size}, recipe, optimization.Options{Seed: 1}, nil)
	check(err)
	for i, n := range networks {
		trained := separate[i].Values
		f, err := fisher.Compute(ctx, backend, n, trained, tasks[i].Data.Train, fisher.Options{})
		check(err)
		density := separation.Density(f, size)
		own, err := separation.Separate(density, separation.Options{TPR: 1, Margin: 0.1, Shared: len(density), Max: fit.Exclusive[i]})
		check(err)
		_, err = plan.AddWith(overlapping.Network{Name: n.Name, Weights: trained.Weights, Fisher: f, Exclusive: own,
			Loads: overlapping.SpreadLoads(trained.Weights, f, size, loads[i], 0.25)}, overlapping.Balanced(1))
		check(err)
		tasks[i].Teacher = trained
	}
	start, err := plan.StartSet(0)
	check(err)
	stored := start.Format
	stored.Precision, stored.ExclusivePrecision, stored.ScaleFormat = fit.Precision, fit.ExclusivePrecision, fit.ScaleFormat
	recipe.LearningRate, recipe.ValidateEvery = 4e-3, 100
	recipe.RoundBy, recipe.Distillation, recipe.Temperature = 0.8, 0.8, 3
	result, err := optimization.Joint(ctx, backend, start, tasks, stored, recipe, optimization.Options{Seed: 1})
	check(err)
	fmt.Printf("%d pages on %d shared of %v, exclusive %v\n", page.Count(weights[0], size)+page.Count(weights[1], size), fit.Shared, fit.Precision, fit.Exclusive)
	fmt.Println("bytes:", total, "allowed,", result.Set.Stored().Total, "stored")
	for i, n := range networks {
		s, err := score.New(backend, n, 50)
		check(err)
		accuracy, err := s.Score(ctx, network.Values{Weights: result.Set.Weights(i)}.On(), tasks[i].Data.Test)
		check(err)
		fmt.Printf("%s: accuracy above 90 %%: %v\n", n.Name, accuracy > 0.9)
	}
	// Output:
	// 73 pages on 51 shared of int2, exclusive [4 2]
	// bytes: 1157 allowed, 1154 stored
	// left: accuracy above 90 %: true
	// upper: accuracy above 90 %: true
}
