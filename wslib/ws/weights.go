package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/peterbourgon/ff/v3/ffcli"

	"weightsep/datasets"
	"weightsep/datasets/npy"
	"weightsep/wslib/firmware"
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
	for _, n := range nets {
		data, err := r.Data(ctx, n.Name)
		if err != nil {
			return err
		}
		i := set.Index(n.Name)
		v := network.Values{Weights: set.Weights(i), State: set.Networks[i].State}
		if err := f.score(ctx, backend, n, v, data); err != nil {
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
	set, nets, backend, err := f.inPack(ctx, path)
	if err != nil {
		return err
	}
	for _, n := range nets {
		data, err := f.testData(ctx, backend, n)
		if err != nil {
			return err
		}
		i := set.Index(n.Name)
		v := network.Values{Weights: set.Weights(i), State: set.Networks[i].State}
		if err := f.score(ctx, backend, n, v, data); err != nil {
			return err
		}
	}
	return nil
}

// inPack reads a pack: its pages, the networks of -net in its order of weights, and the backend.
func (f *flags) inPack(ctx context.Context, path string) (*page.Set, []*network.Network, compute.Backend,
	error) {
	file, err := pack.Open(path)
	if err != nil {
		return nil, nil, nil, err
	}
	opened, err := f.open(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	nets, err := pipeline.InPack(opened.Backend, file, nil)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	if nets, err = network.Select(nets, f.nets()...); err != nil {
		return nil, nil, nil, wrong(err)
	}
	return file.Set, nets, opened.Backend, nil
}

// testData finds the test samples of a pack's network: those in the directory of -nets, else the
// dataset of the network's name. Samples without labels have those that the network there finds.
func (f *flags) testData(
	ctx context.Context, backend compute.Backend, n *network.Network,
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
		d, err := f.dataset(ctx, n.Name, datasets.Options{MinTrain: pipeline.DefaultMinTrain})
		if err != nil || slices.Equal(d.Shape, n.Input()) && d.Classes == n.Outputs() {
			return d, err
		}
	}
	return nil, fmt.Errorf("network %s: no test samples: want %[1]s_test_data.npy in the directory "+
		"of -nets", n.Name)
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

func (a *app) exportCommand() *ffcli.Command {
	f := a.flags("export", "`names` of networks; default all")
	format := f.set.String("format", "npy", "`form` of what is written: npy (weights of each network), "+
		"safetensors (a pack of all), onnx (a model of each network, over one file of pages) or c (a pack "+
		"of described networks and an engine, for devices)")
	out := f.set.String("out", "", "`directory` for npy, onnx and c, file for safetensors; default export, "+
		"onnx, firmware or pack.safetensors in the run directory")
	packed := f.set.String("pack", "", "for onnx and c: the networks of this `file` (.safetensors), instead "+
		"of a run's")
	var o firmware.Options
	f.set.StringVar(&o.Prefix, "prefix", firmware.DefaultPrefix,
		"`name` of the pack's files in C, and of all its names")
	f.set.Func("ram", "`bytes` in which every network must run in C layer by layer, as in 64KB; else an "+
		"error", parseBytes(&o.RAM))
	rounded := f.set.Bool("int8", false, fmt.Sprintf("in C, activations of 8 bits too, rounded by %d training "+
		"samples", roundedBy))
	return f.verb("[-run DIR] [-net NAMES] [-out DIR] | -format safetensors [-run DIR] [-out FILE] | "+
		"-format onnx [-run DIR | -pack FILE] [-net NAMES] [-out DIR] | "+
		"-format c [-run DIR | -pack FILE] [-net NAMES] [-out DIR] [-prefix NAME] [-ram BYTES] "+
		"[-int8 [-data DIR] [-nets DIR]]",
		"write each network's weights as executed from the pages, or all networks as one pack, for ONNX\n"+
			"Runtime, or as C\n"+
			"The weights of a network are written twice: NAME.npy holds them flat, in the order of the\n"+
			"model's layers; NAME.npz has an array for each layer, and for each array of its state, by\n"+
			"name, with dots for slashes. NAME.onnx is a model for ONNX Runtime, which decodes its\n"+
			"weights from pages.bin, a file that all models of the directory share. C is weightsep.h,\n"+
			"which says how it is used, PREFIX.h and PREFIX.c; with -int8 also weightsep8.h.",
		func(ctx context.Context) error {
			if !slices.Contains([]string{"npy", "safetensors", "onnx", "c"}, *format) {
				return usagef("-format %q, want npy, safetensors, onnx or c", *format)
			}
			if *format == "c" {
				return f.exportC(ctx, *packed, *out, o, *rounded)
			}
			if err := f.refuse("only -format c has -%s", "prefix", "ram", "int8"); err != nil {
				return err
			}
			if *format == "safetensors" {
				if err := f.refuse("a pack has all networks of the run: leave out -%s", "net"); err != nil {
					return err
				}
			}
			if *packed != "" {
				return f.exportONNXOfPack(ctx, *format, *packed, *out)
			}
			return f.reading(func(ctx context.Context, r *pipeline.Run, nets []*network.Network) error {
				switch *format {
				case "safetensors":
					return f.exportPack(r, cmp.Or(*out, r.Dir.File("pack.safetensors")))
				case "onnx":
					return f.exportONNX(r, nets, *out)
				}
				dir, err := inRun(r, *out, "export")
				if err != nil {
					return err
				}
				return f.exportWeights(ctx, r, nets, dir)
			})(ctx)
		})
}

// exportC writes the networks of -net of a pack or, without one, of a run as C, for activations of 8 bits too
// if they are to be rounded.
func (f *flags) exportC(ctx context.Context, packed, out string, o firmware.Options, rounded bool) error {
	if packed == "" {
		return f.reading(func(ctx context.Context, r *pipeline.Run, nets []*network.Network) error {
			file, err := r.Pack()
			if err == nil {
				err = keepNamed(file, network.Names(nets))
			}
			if err == nil && rounded {
				o.Samples, err = f.roundingSamples(nets, func(n *network.Network) (*datasets.Dataset, error) {
					return r.Data(ctx, n.Name)
				})
			}
			if err == nil {
				err = firmware.Check(file, nets, o) // before a directory is made
			}
			if err != nil {
				return err
			}
			dir, err := inRun(r, out, "firmware")
			if err != nil {
				return err
			}
			return f.writeC(dir, file, nets, o)
		})(ctx)
	}
	if err := f.refuse("ws export writes a run or a pack: leave out -%s", "run"); err != nil {
		return err
	}
	if out == "" {
		return usagef("ws export of a -pack needs -out")
	}
	file, err := pack.Open(packed)
	if err != nil {
		return err
	}
	if names := f.nets(); names != nil {
		if err := keepNamed(file, names); err != nil {
			return wrong(err)
		}
	}
	var backend compute.Backend
	if slices.ContainsFunc(file.Networks, func(n pack.Network) bool { return n.Graph != nil }) {
		opened, err := f.open(ctx) // reads the sizes of graphs
		if err != nil {
			return err
		}
		backend = opened.Backend
	}
	nets, err := pipeline.InPack(backend, file, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", packed, err)
	}
	if rounded {
		o.Samples, err = f.roundingSamples(nets, func(n *network.Network) (*datasets.Dataset, error) {
			return f.trainingData(ctx, n)
		})
		if err != nil {
			return err
		}
	}
	return f.writeC(out, file, nets, o)
}

// roundedBy is how many training samples say between what activations of 8 bits lie.
const roundedBy = 200

// roundingSamples are so many of each network, spread over its training samples, and says where these are
// from.
func (f *flags) roundingSamples(nets []*network.Network, open func(*network.Network) (*datasets.Dataset, error)) (
	map[string][]float32, error) {
	samples := map[string][]float32{}
	for _, n := range nets {
		data, err := open(n)
		if err == nil && (data.Train == nil || data.Train.Len() == 0) {
			err = fmt.Errorf("network %s: no training samples to round activations by", n.Name)
		}
		if err != nil {
			return nil, err
		}
		count := min(roundedBy, data.Train.Len())
		fmt.Fprintf(f.err, "%s: activations of 8 bits by %d training samples: %s\n", n.Name, count,
			data.Provenance)
		for i := range count {
			samples[n.Name] = append(samples[n.Name], data.Train.Sample(i*data.Train.Len()/count)...)
		}
	}
	return samples, nil
}

// trainingData finds the training samples of a pack's network as testData finds those of its test.
func (f *flags) trainingData(ctx context.Context, n *network.Network) (*datasets.Dataset, error) {
	if f.own != "" {
		o, err := datasets.OpenOwn(ctx, f.own, n.Name, n.Input(), n.Outputs(), 0)
		if err != nil {
			return nil, err
		}
		if o.Train != nil {
			return &o.Dataset, nil
		}
	}
	if slices.Contains(datasets.Names(), n.Name) {
		d, err := f.dataset(ctx, n.Name, datasets.Options{MinTrain: pipeline.DefaultMinTrain})
		if err != nil || slices.Equal(d.Shape, n.Input()) {
			return d, err
		}
	}
	return nil, fmt.Errorf("network %s: no training samples: want %[1]s_train_data.npy in the directory of "+
		"-nets", n.Name)
}

// keepNamed leaves the named networks only in a pack, in the order of names.
func keepNamed(file *pack.File, names []string) error {
	set, err := file.Set.Keep(names...)
	if err != nil {
		return err
	}
	var kept []pack.Network
	for _, name := range names {
		kept = append(kept, file.Networks[file.Set.Index(name)])
	}
	file.Set, file.Networks = set, kept
	return nil
}

func (f *flags) writeC(dir string, file *pack.File, nets []*network.Network, o firmware.Options) error {
	if err := firmware.Write(dir, file, nets, o); err != nil {
		return err
	}
	s := file.Set.Stored()
	fmt.Fprintf(f.out, "%s: %d networks in %d bytes and their checksums, packed %.1f times\n",
		filepath.Join(dir, cmp.Or(o.Prefix, firmware.DefaultPrefix)+".c"), len(nets), s.Total, s.RatioBytes)
	return nil
}

func (f *flags) exportPack(r *pipeline.Run, path string) error {
	file, err := r.Pack()
	if err == nil {
		err = file.Save(path)
	}
	if err == nil {
		s := file.Set.Stored()
		fmt.Fprintf(f.out, "%s: %d networks in %d bytes, packed %.1f times\n",
			path, len(file.Networks), s.Total, s.RatioBytes)
	}
	return err
}

func (f *flags) exportWeights(ctx context.Context, r *pipeline.Run, nets []*network.Network,
	dir string) error {
	set, err := r.Set()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, n := range nets {
		if err := ctx.Err(); err != nil {
			return err
		}
		i := set.Index(n.Name)
		v := network.Values{Weights: n.ToLayerOrder(set.Weights(i)), State: set.Networks[i].State}
		path := filepath.Join(dir, n.Name)
		if err := npy.Write(path+".npy", v.Weights); err != nil {
			return err
		}
		fmt.Fprintf(f.out, "%s.npy: %d weights\n", path, len(v.Weights))
		if err := writeLayers(path+".npz", n, v); err != nil {
			return fmt.Errorf("write %s.npz: %w", path, err)
		}
		fmt.Fprintf(f.out, "%s.npz: %d layers\n", path, len(n.Layers()))
	}
	return nil
}

// writeLayers writes an .npz file of a network's layers and state. v is in the model's order.
func writeLayers(path string, n *network.Network, v network.Values) error {
	var entries []npy.Entry
	put := func(layers []network.Layer, values []float32) error {
		for _, l := range layers {
			raw, err := npy.Values(values[l.Offset:l.Offset+l.Size()], l.Shape...)
			if err != nil {
				return fmt.Errorf("%s: %w", l.Name, err)
			}
			entries = append(entries, npy.Entry{Name: strings.ReplaceAll(l.Name, "/", "."), Raw: raw})
		}
		return nil
	}
	if err := errors.Join(put(n.Model.Layers(), v.Weights), put(n.State(), v.State)); err != nil {
		return err
	}
	return npy.SaveArchive(path, entries)
}
