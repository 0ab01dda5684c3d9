package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/peterbourgon/ff/v3/ffcli"

	"weightsep/datasets"
	"weightsep/datasets/npy"
	"weightsep/wslib/network"
	"weightsep/wslib/pack"
	"weightsep/wslib/page"
	"weightsep/wslib/pipeline"
	"weightsep/wslib/score"
	"weightsep/wslib/tfcheckpoint"
)

func (a *app) importCommand() *ffcli.Command {
	f := a.flags("import", "`name` of the network")
	checkpoint := f.set.String("checkpoint", "",
		"`prefix` of a TensorFlow V2 checkpoint: PREFIX.index and its data files")
	out := f.set.String("out", "", "`file` for the flat weight vector; default NAME.npy")
	return f.verb("-net NAME -checkpoint PREFIX [-out NAME.npy]",
		"turn the original's trained network into a flat weight vector",
		func(ctx context.Context) error {
			if err := f.onTen("ws import"); err != nil {
				return err
			}
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
			path := cmp.Or(*out, n.Name+".npy")
			if err := npy.Write(path, w); err != nil {
				return err
			}
			fmt.Fprintf(f.out, "%s: %d weights of %s\n", path, len(w), *checkpoint)
			return nil
		})
}

// oneNet is the one of the ten that -net must name.
func (f *flags) oneNet() (*network.Network, error) {
	if n := len(f.nets()); n != 1 {
		return nil, usagef("want one network in -net, got %d", n)
	}
	nets, err := f.ten()
	if err != nil {
		return nil, err
	}
	return nets[0], nil
}

func (a *app) evalCommand() *ffcli.Command {
	f := a.flags("eval", "`names` of networks; default all of the run")
	weights := f.set.String("weights", "", "score this `file` (.npy, flat float32) as the network of "+
		"-net, instead of a run's pages")
	packed := f.set.String("pack", "", "score the networks of this `file` (.safetensors), instead of a "+
		"run's pages")
	return f.verb("[-run DIR] [-net NAMES] [-data DIR] | -pack FILE [-net NAMES] [-data DIR] [-nets DIR] | "+
		"-net NAME -weights FILE [-data DIR]",
		"test accuracy from the optimized pages, of a pack, or of a weight file",
		func(ctx context.Context) error {
			given := slices.DeleteFunc([]string{"run", "pack", "weights"},
				func(name string) bool { return !f.isSet(name) })
			switch {
			case len(given) > 1:
				return usagef("ws eval scores a run, a pack or a weight file: leave out -%s",
					strings.Join(given[:len(given)-1], " and -"))
			case *packed != "":
				return f.evalPack(ctx, *packed)
			case *weights != "":
				return f.evalWeights(ctx, *weights)
			}
			return f.reading(f.evalRun)(ctx)
		})
}

// evalRun scores networks of a run as executed from its pages.
func (f *flags) evalRun(ctx context.Context, r *pipeline.Run, nets []*network.Network) error {
	set, err := r.Set()
	if err != nil {
		return err
	}
	backend, err := r.Backend(ctx)
	if err != nil {
		return err
	}
	return f.scoreSet(ctx, backend, set, nets, func(n *network.Network) (*datasets.Dataset, error) {
		return r.Data(ctx, n.Name)
	})
}

// scoreSet scores networks of a set, each on the test samples of its data.
func (f *flags) scoreSet(ctx context.Context, backend compute.Backend, set *page.Set, nets []*network.Network,
	data func(*network.Network) (*datasets.Dataset, error)) error {
	for _, n := range nets {
		d, err := data(n)
		if err != nil {
			return err
		}
		i := set.Index(n.Name)
		v := network.Values{Weights: set.Weights(i), State: set.Networks[i].State}
		if err := f.score(ctx, backend, n, v, d); err != nil {
			return err
		}
	}
	return nil
}

// evalWeights scores a flat weight vector of any origin on a network's test set.
func (f *flags) evalWeights(ctx context.Context, path string) error {
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
	data, err := f.dataset(ctx, n.Name, datasets.Options{})
	if err != nil {
		return err
	}
	opened, err := f.open(ctx)
	if err != nil {
		return err
	}
	return f.score(ctx, opened.Backend, n, network.Values{Weights: weights}, data)
}

// evalPack scores networks of a pack on their test samples.
func (f *flags) evalPack(ctx context.Context, path string) error {
	opened, err := f.open(ctx)
	if err != nil {
		return err
	}
	file, nets, err := f.inPack(ctx, path, opened)
	if err != nil {
		return err
	}
	return f.scoreSet(ctx, opened.Backend, file.Set, nets, func(n *network.Network) (*datasets.Dataset, error) {
		return f.testData(ctx, opened.Backend, n)
	})
}

// inPack reads a pack and leaves the networks of -net in it, default all. Graphs of ONNX files need a backend
// to be read by; without one it is opened for them.
func (f *flags) inPack(ctx context.Context, path string, by *pipeline.Opened) (*pack.File, []*network.Network,
	error) {
	file, err := pack.Open(path)
	if err != nil {
		return nil, nil, err
	}
	hasGraph := func(n pack.Network) bool { return n.Graph != nil }
	if by == nil {
		if by = new(pipeline.Opened); slices.ContainsFunc(file.Networks, hasGraph) {
			if by, err = f.open(ctx); err != nil {
				return nil, nil, err
			}
		}
	}
	nets, err := pipeline.InPack(by.Backend, file, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	if nets, err = network.Select(nets, f.nets()...); err != nil {
		return nil, nil, wrong(err)
	}
	return file, nets, keepNamed(file, network.Names(nets))
}

// samples finds a part of the samples of a pack's network: in the directory of -nets, else in the dataset of
// the network's name.
func (f *flags) samples(ctx context.Context, n *network.Network, part string,
	of func(*datasets.Own) *datasets.Split) (*datasets.Dataset, error) {
	if f.own != "" {
		o, err := datasets.OpenOwn(ctx, f.own, n.Name, n.Input(), n.Outputs(), 0)
		if err != nil {
			return nil, err
		}
		if of(o) != nil {
			return &o.Dataset, nil
		}
	}
	if slices.Contains(datasets.Names(), n.Name) {
		d, err := f.dataset(ctx, n.Name, datasets.Options{MinTrain: pipeline.DefaultMinTrain})
		if err != nil || slices.Equal(d.Shape, n.Input()) && d.Classes == n.Outputs() {
			return d, err
		}
	}
	return nil, fmt.Errorf("network %s: no %s samples: want %[1]s_%[2]s_data.npy in the directory of -nets",
		n.Name, part)
}

// testData are the samples to test a pack's network with. Those without labels have the classes that the
// network in the directory of -nets finds.
func (f *flags) testData(ctx context.Context, backend compute.Backend, n *network.Network) (
	*datasets.Dataset, error) {
	bare := false
	d, err := f.samples(ctx, n, "test", func(o *datasets.Own) *datasets.Split {
		bare = o.Test != nil && !o.TestLabelled
		return o.Test
	})
	if _, classifies := n.For().(network.Classification); err != nil || !bare || !classifies {
		return d, err
	}
	before, err := pipeline.ReadOwn(ctx, backend, f.own, 0, n.Name)
	if err == nil {
		err = before[0].Complete(ctx, backend, n.For())
	}
	if err != nil {
		return nil, fmt.Errorf("network %s: no labels of its test samples: %w", n.Name, err)
	}
	return &before[0].Data.Dataset, nil
}

// score prints the score of a network's values on test samples, and where these are from.
func (f *flags) score(
	ctx context.Context, backend compute.Backend, n *network.Network, v network.Values,
	data *datasets.Dataset,
) error {
	fmt.Fprintf(f.err, "%s: %s\n", n.Name, data.Provenance)
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
	fmt.Fprintf(f.out, "%s inference %s: %f\n", n.Name, n.For().ScoreName(), result)
	voted, clips, err := s.ClipAccuracy(ctx, on, data.Test)
	if err == nil && clips > 0 {
		fmt.Fprintf(f.out, "%s accuracy of %d recordings, by vote: %f\n", n.Name, clips, voted)
	}
	return err
}
