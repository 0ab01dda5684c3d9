package pipeline

import (
	"context"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/datasets"
	"weightsep/wslib/baseline"
	"weightsep/wslib/network"
)

// TrainBaseline trains one network on its data and scores the result on the test
// set, once.
func TrainBaseline(ctx context.Context, backend compute.Backend, backendName string, n *network.Network, data *datasets.Dataset, dataSeed uint64, o baseline.Options) ([]float32, baseline.Info, error) {
	r, err := baseline.Train(ctx, backend, n, data, o)
	if err != nil {
		return nil, baseline.Info{}, err
	}
	c, err := network.NewClassifier(backend, n, 100)
	if err != nil {
		return nil, baseline.Info{}, err
	}
	defer c.Close()
	w := tensors.FromFlatDataAndDimensions(r.Weights, len(r.Weights))
	defer w.FinalizeAll()
	test, err := c.Accuracy(ctx, w, data.Test)
	if err != nil {
		return nil, baseline.Info{}, fmt.Errorf("baseline: %w", err)
	}
	voted, clips, err := c.ClipAccuracy(ctx, w, data.Test)
	if err != nil {
		return nil, baseline.Info{}, fmt.Errorf("baseline: %w", err)
	}
	return r.Weights, baseline.Info{
		Network: n.Name, Data: data.Provenance, Seed: o.Seed, DataSeed: dataSeed,
		Steps: o.Steps, Batch: o.Batch, Dropout: o.Dropout, BestStep: r.BestStep,
		Validation: r.Validation, Test: test, TestClips: clips, ClipTest: voted, Backend: backendName, History: r.History,
	}, nil
}
