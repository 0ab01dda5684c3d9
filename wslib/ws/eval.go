package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/gomlx/compute"

	"weightsep/datasets"
	"weightsep/wslib/network"
	"weightsep/wslib/pack"
	"weightsep/wslib/pipeline"
	"weightsep/wslib/score"
	"weightsep/xla"
)

// evalPack scores networks of a pack on their test samples.
func (a *app) evalPack(ctx context.Context, f *runFlags, path string) error {
	file, err := pack.Open(path)
	if err != nil {
		return err
	}
	backend, _, err := xla.Open(ctx, xla.Options{Name: f.backend, Log: a.err})
	if err != nil {
		return err
	}
	own, err := pipeline.FromPack(backend, file, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	var nets []*network.Network
	for _, o := range own {
		nets = append(nets, o.Network)
	}
	if nets, err = network.Select(nets, f.nets()...); err != nil {
		return usageError{err.Error()}
	}
	for _, n := range nets {
		data, err := f.testData(ctx, a, backend, n)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(own, func(o pipeline.Own) bool { return o.Network == n })
		if err := a.score(ctx, backend, n, *own[i].Values, data); err != nil {
			return err
		}
	}
	return nil
}

// testData finds the test samples of a pack's network: those in the directory of -nets, else the
// dataset of the network's name. Samples without labels have those that the network there finds.
func (f *runFlags) testData(
	ctx context.Context, a *app, backend compute.Backend, n *network.Network,
) (*datasets.Dataset, error) {
	if f.own != "" {
		o, err := datasets.OpenOwn(ctx, f.own, n.Name, n.Input(), n.Outputs(), 0)
		if err != nil {
			return nil, err
		}
		if _, classifies := n.For().(network.Classification); o.Test != nil && classifies &&
			!o.TestLabelled {
			before, err := pipeline.ReadOwn(ctx, backend, f.own, 0, n.Name)
			if err == nil {
				err = before[0].Complete(ctx, backend, n.For())
			}
			if err != nil {
				return nil, fmt.Errorf("network %s: no labels of its test samples: %w", n.Name, err)
			}
			o = before[0].Data
		}
		if o.Test != nil {
			return &o.Dataset, nil
		}
	}
	if slices.Contains(datasets.Names(), n.Name) {
		d, err := datasets.Open(ctx, n.Name, datasets.Options{Dir: f.data,
			MinTrain: pipeline.DefaultMinTrain,
			Progress: f.dataProgress(a, n.Name)})
		if err != nil || slices.Equal(d.Shape, n.Input()) && d.Classes == n.Outputs() {
			return d, err
		}
	}
	return nil, fmt.Errorf("network %s: no test samples: want %[1]s_test_data.npy in the directory "+
		"of -nets", n.Name)
}

// score prints the score of a network's values on test samples, and where these are from.
func (a *app) score(
	ctx context.Context, backend compute.Backend, n *network.Network, v network.Values,
	data *datasets.Dataset,
) error {
	fmt.Fprintf(a.err, "%s: %s\n", n.Name, data.Provenance)
	s, err := score.New(backend, n, 100)
	if err != nil {
		return err
	}
	defer s.Close()
	on := v.On()
	defer network.Free(on...)
	result, err := s.Score(ctx, on, data.Test)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s inference %s: %f\n", n.Name, n.For().ScoreName(), result)
	voted, clips, err := s.ClipAccuracy(ctx, on, data.Test)
	if err == nil && clips > 0 {
		fmt.Fprintf(a.out, "%s accuracy of %d recordings, by vote: %f\n", n.Name, clips, voted)
	}
	return err
}
