package pipeline

import (
	"fmt"
	"strings"

	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
	"weightsep/wslib/page"
	"weightsep/wslib/separation"
)

// Profiles lists the profile names.
func Profiles() []string { return []string{"quick", "smoke", "packing", "paper"} }

// Ratio is the packing ratio in bytes that a profile is made for; 0 of paper, whose pages are float32.
func Ratio(profile string) float64 {
	if profile == "paper" {
		return 0
	}
	return 32
}

// Profile returns the configuration of a profile, before a budget such as [Ratio] says in which bits
// its pages are:
//
//	quick    joint optimization that follows the separate networks as they are, minutes on two cores
//	smoke    the same with a few steps on a few samples, to see that everything runs
//	packing  the schedule of README's table: 3,400 joint steps, teachers that were trained as long
//	paper    the original's alternating schedule and full data, hours
func Profile(name string) (Config, error) {
	type each = optimization.Each
	s := separation.Defaults()
	c := Config{
		Profile: name, Networks: network.Names(network.Ten()), Seed: 1,
		Data: Data{MinTrain: DefaultMinTrain}, Baseline: Baseline{Steps: 2000},
		Pages: Pages{
			Format: Format{Size: page.DefaultSize, Shared: s.Shared, Precision: page.Float32,
				ScaleFormat: page.ScaleFloat32},
			TPR: s.TPR, Margin: s.Margin, Exclusive: each{"": 4}, Placement: GreedyPlacement,
			Load: each{"": 1}, FisherSamples: 50,
		},
		Optimization: optimization.Defaults(),
		Bench:        Bench{Executions: 50, Samples: 500, Requests: 1000, Runs: true},
	}
	p, o := &c.Pages, &c.Optimization
	o.Steps, o.Batch, o.Dropout = 1200, each{"": 48}, each{"": 0.1}
	o.ValidateEvery, o.ValidateOn = 200, 1000
	if name != "paper" {
		o.LearningRate, o.Distillation, o.Temperature, o.RoundBy = 4e-3, 0.8, 3, 0.8
		p.Placement, p.Doubling, p.LoadSpread = BalancedPlacement, true, 0.25
	}
	switch name {
	case "quick":
	case "smoke":
		c.Data.MaxTrain, c.Data.MaxTest = 600, 200
		c.Baseline.Steps, p.FisherSamples = 20, 10
		o.Batch, o.Steps, o.ValidateEvery, o.ValidateOn = each{"": 8}, 40, 20, 60
		c.Bench = Bench{Executions: 10, Samples: 100, Requests: 50}
	case "packing":
		c.Data.MinTrain, c.Baseline.Steps = 5000, 4000
		o.Steps, o.TeacherSteps, o.ValidateEvery, o.ValidateOn = 3400, 3400, 200, 2000
		o.Batch, o.LearningRate, o.TeacherRate, c.Pilot = each{"": 128}, 2e-3, 4e-3, 0.1
	case "paper":
		c.Baseline.Steps = 4000
		p.Exclusive = each{"": 1000} // more pages than any network has
		o.Method, o.Batch, o.LearningRate, o.Dropout = optimization.AlternatingMethod, each{"": 100}, 1e-3,
			each{"": 0}
		o.ValidateEvery, o.ValidateOn = 100, 0
		c.Bench.Samples = 0
	default:
		return Config{}, fmt.Errorf("unknown profile %q: want one of %s", name,
			strings.Join(Profiles(), ", "))
	}
	return c, nil
}
