package cell

import (
	"context"
	"fmt"
	"slices"

	"weightsep/datasets"
	"weightsep/wslib/claims"
	"weightsep/wslib/pipeline"
)

// Measured compares a number with the expectation of that ID, says the verdict and keeps it in the
// notebooks' run. A miss does not end the cell.
func Measured(id string, value float64) { keep(claims.Expected(id).Measured(value)) }

// untested says why there is nothing to compare with the expectation of that ID.
func untested(id, reason string) { keep(claims.Expected(id).Untested(reason)) }

func keep(v claims.Outcome) {
	fmt.Println(v)
	Do(func(context.Context) error { return v.Keep(Path("")) })
}

// MeasureCost compares placement by cost with placement at random, see [ShowPlacements].
func MeasureCost(run *pipeline.Run, costs map[string]float64) {
	measured(claims.QuickCost, run, func() float64 { return costs[byCost] / costs[atRandom] })
}

// MeasureChange compares the mean change over real networks with the documented one of the profile quick.
func MeasureChange(run *pipeline.Run) {
	measured(claims.QuickChange, run, func() float64 { return Must(run.Summary()).Means[0].Change })
}

// measured compares a number with an expectation of the profile quick with MNIST alone on real data.
func measured(id string, run *pipeline.Run, number func() float64) {
	if profile := run.Config().Profile; profile != "quick" {
		untested(id, "the profile is "+profile)
		return
	}
	var real []string
	for _, n := range run.Networks() {
		if Must(run.Data(context.Background(), n.Name)).Provenance.Kind == datasets.Real {
			real = append(real, n.Name)
		}
	}
	if !slices.Equal(real, []string{"mnist"}) {
		untested(id, fmt.Sprintf("on real data are %v", real))
		return
	}
	Measured(id, number())
}
