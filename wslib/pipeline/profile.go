package pipeline

import (
	"fmt"
	"strings"

	"weightsep/wslib/network"
	"weightsep/wslib/page"
	"weightsep/wslib/separation"
)

// Profiles lists the profile names.
func Profiles() []string { return []string{"quick", "smoke", "packing", "paper"} }

// Profile returns the configuration of a profile:
//
//	quick    joint optimization, minutes on two cores
//	smoke    a few steps on a few samples, to see that everything runs
//	packing  the schedule of results/optimization.md: 3,400 joint steps, a quarter of an hour
//	paper    the original's alternating schedule and full data, hours
func Profile(name string) (Config, error) {
	s := separation.Defaults()
	c := Config{
		Profile: name, Networks: network.Names(network.Ten()), Seed: 1,
		PageSize: page.DefaultSize, Shared: s.Shared, TPR: s.TPR, Margin: s.Margin, MaxExclusive: 4, FisherSamples: 50,
		BaselineSteps: 2000, Data: Data{MinTrain: DefaultMinTrain},
		Optimization: Optimization{
			Method: Joint, Start: NormalizedStart, Steps: 1500, Batch: 64, Batches: map[string]int{"obs": 16, "esc10": 16, "us8k": 24, "hhar": 32},
			LearningRate: 2e-3, Dropout: 0.1, Validate: 250, ValidateOn: 1000,
			FirstSteps: 2000, Rounds: 100, Passes: 10, TurnSteps: 32, Lambda: 0.1,
		},
		Bench: Bench{Executions: 50, Samples: 500},
	}
	switch name {
	case "quick":
	case "smoke":
		c.Data.MaxTrain, c.Data.MaxTest = 600, 200
		c.FisherSamples = 10
		c.BaselineSteps = 20
		c.Optimization.Batch, c.Optimization.Batches = 8, nil
		c.Optimization.Steps, c.Optimization.Validate, c.Optimization.ValidateOn = 40, 20, 60
		c.Bench = Bench{Executions: 10, Samples: 100}
	case "packing":
		c.BaselineSteps = 4000
		c.Data.MinTrain = 5000
		o := &c.Optimization
		o.Steps, o.Batch, o.LearningRate, o.Dropout = 3400, 128, 4e-3, 0.1
		o.Distillation, o.Temperature, o.TeacherSteps, o.RoundBy = 0.8, 3, 3400, 0.8
		// Those that lose most when packed, by validation data, weigh more and get more room.
		o.LossWeights = map[string]float64{"cifar10": 4, "fmnist": 3}
		o.Dropouts = map[string]float64{"mnist": -1, "fmnist": -1}
		c.Placement, c.Doubling = BalancedPlacement, true
		c.Loads, c.LoadSpread = map[string]float64{"cifar10": 10, "mnist": 6, "fmnist": 11, "gtsrb": 5}, 0.25
		o.Batches = map[string]int{"obs": 16, "gsc": 64, "esc10": 32, "us8k": 32, "hhar": 32}
		o.Validate, o.ValidateOn = 200, 2000
	case "paper":
		c.BaselineSteps = 4000
		c.MaxExclusive = 0
		c.Optimization.Method = Alternating
		c.Optimization.Batch, c.Optimization.Batches = 100, nil
		c.Optimization.LearningRate, c.Optimization.Dropout = 1e-3, 0
		c.Optimization.Validate, c.Optimization.ValidateOn = 100, 0
		c.Bench.Samples = 0
	default:
		return Config{}, fmt.Errorf("unknown profile %q: want one of %s", name, strings.Join(Profiles(), ", "))
	}
	return c, nil
}
