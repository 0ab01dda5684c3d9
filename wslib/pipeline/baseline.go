package pipeline

import (
	"cmp"
	"context"
	"fmt"

	"github.com/gomlx/compute"

	"weightsep/datasets"
	"weightsep/wslib/baseline"
	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
	"weightsep/wslib/page"
	"weightsep/wslib/score"
)

// BaselineRecipe is how a separate network is trained from initial values.
func BaselineRecipe(steps int) optimization.Recipe {
	r := optimization.Defaults()
	r.Steps, r.ValidateEvery, r.Dropout = steps, min(100, steps), optimization.Each{"": 0.1}
	return r
}

// TrainBaseline trains one network on its data from seeded initial values and scores the result on
// the test set, once. The values are in the network's order.
func TrainBaseline(ctx context.Context, backend compute.Backend, backendName string, n *network.Network,
	data *datasets.Dataset, dataSeed uint64, r optimization.Recipe, o optimization.Options) (network.Values,
	baseline.Info, error) {
	var start network.Values
	var err error
	if start.Weights, start.State, err = n.Initial(o.Seed); err != nil {
		return start, baseline.Info{}, err
	}
	trained, err := optimization.Separate(ctx, backend, []optimization.Task{{Network: n, Data: data}},
		[]network.Values{start},
		page.Format{Size: page.DefaultSize}, r, o, func(_ string, p optimization.Progress) {
			o.Progress(p)
		})
	if err != nil {
		return start, baseline.Info{}, fmt.Errorf("baseline: %w", err)
	}
	t := trained[0]
	info := baseline.Info{
		Network: n.Name, Data: data.Provenance, Seed: o.Seed, DataSeed: dataSeed, Steps: r.Steps,
		Batch: int(r.Batch.Of(n.Name)), Dropout: r.Dropout.Of(n.Name), BestStep: t.BestStep,
		Backend: backendName,
	}
	for i, p := range t.History {
		if i == 0 || p.Mean > info.Validation {
			info.Validation = p.Mean
		}
		point := baseline.Point{Step: p.Step, Validation: p.Mean}
		if p.Loss != nil {
			point.Loss = p.Loss[0]
		}
		info.History = append(info.History, point)
	}
	if data.Test.Len() == 0 {
		return t.Values, info, nil
	}
	s, err := score.New(backend, n, 100)
	if err != nil {
		return start, info, err
	}
	defer s.Close()
	on := t.Values.On()
	defer network.Free(on...)
	if info.Test, err = s.Score(ctx, on, data.Test); err != nil {
		return start, info, fmt.Errorf("baseline: %w", err)
	}
	info.ClipTest, info.TestClips, err = s.ClipAccuracy(ctx, on, data.Test)
	return t.Values, info, err
}

// trainBaseline trains a network of the run. Its training is kept in the directory of baselines.
func (r *Run) trainBaseline(
	ctx context.Context, n *network.Network, data *datasets.Dataset,
) (network.Values, baseline.Info, error) {
	backend, err := r.Backend(ctx)
	if err != nil {
		return network.Values{}, baseline.Info{}, err
	}
	checkpoint, err := r.checkpointsIn(r.options.Baselines, baselinesDir)
	if err != nil {
		return network.Values{}, baseline.Info{}, err
	}
	recipe := BaselineRecipe(r.config.Baseline.Steps)
	o := optimization.Options{
		Seed:       cmp.Or(r.config.Baseline.Seed, r.config.Seed),
		Checkpoint: checkpoint,
		Progress: func(p optimization.Progress) {
			r.options.Progress("training "+n.Name, p.Step, p.Steps, p.Note())
		},
	}
	v, info, err := TrainBaseline(ctx, backend, r.info.String(), n, data, r.config.Data.Seed, recipe, o)
	if err == nil && info.BestStep == 0 {
		fmt.Fprintf(r.options.Log, "warning: baseline %s: %s\n", n.Name, optimization.NothingGained)
	}
	return v, info, err
}
