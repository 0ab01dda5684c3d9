package main

import (
	"context"
	"fmt"

	"github.com/peterbourgon/ff/v3/ffcli"

	"weightsep/datasets"
	"weightsep/wslib/network"
	"weightsep/wslib/npy"
	"weightsep/wslib/page"
	"weightsep/wslib/tfcheckpoint"
	"weightsep/xla"
)

func (a *app) importCommand() *ffcli.Command {
	f := newRunFlags("import").withNet("`name` of the network")
	checkpoint := f.set.String("checkpoint", "",
		"`prefix` of a TensorFlow V2 checkpoint: PREFIX.index and its data files")
	out := f.set.String("out", "", "`file` for the flat weight vector; default NAME.npy")
	return &ffcli.Command{
		Name: "import", FlagSet: f.set,
		ShortUsage: "ws import -net NAME -checkpoint PREFIX [-out NAME.npy]",
		ShortHelp:  "turn the original's trained network into a flat weight vector",
		Exec: func(ctx context.Context, _ []string) error {
			n, err := f.oneNet()
			if err != nil {
				return err
			}
			if *checkpoint == "" {
				return usagef("ws import needs -checkpoint")
			}
			c, err := tfcheckpoint.Open(*checkpoint)
			if err != nil {
				return err
			}
			w, err := tfcheckpoint.Weights(c, n)
			if err != nil {
				return err
			}
			if *out == "" {
				*out = n.Name + ".npy"
			}
			if err := npy.Write(*out, w); err != nil {
				return err
			}
			fmt.Fprintf(a.out, "%s: %d weights of %s\n", *out, len(w), *checkpoint)
			return nil
		},
	}
}

// oneNet is the one of the ten that -net must name.
func (f *runFlags) oneNet() (*network.Network, error) {
	names := f.nets()
	if len(names) != 1 {
		return nil, usagef("want one network in -net, got %d", len(names))
	}
	nets, err := network.Select(network.Ten(), names...)
	if err != nil {
		return nil, usageError{err.Error()}
	}
	return nets[0], nil
}

// evalWeights scores a flat weight vector of any origin on a network's test set.
func (a *app) evalWeights(ctx context.Context, f *runFlags, path string) error {
	n, err := f.oneNet()
	if err != nil {
		return err
	}
	weights, _, err := npy.ReadFloats(path)
	if err != nil {
		return err
	}
	if err := page.CheckWeights(path, weights, n.Weights()); err != nil {
		return err
	}
	data, err := datasets.Open(ctx, n.Name, datasets.Options{Dir: f.data,
		Progress: f.dataProgress(a, n.Name)})
	if err != nil {
		return err
	}
	backend, _, err := xla.Open(ctx, xla.Options{Name: f.backend, Log: a.err})
	if err != nil {
		return err
	}
	return a.score(ctx, backend, n, network.Values{Weights: weights}, data)
}
