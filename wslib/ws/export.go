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
	"weightsep/wslib/pipeline"
)

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
		"write each network's weights as executed from the pages, one pack of all, ONNX models, or C\n"+
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
