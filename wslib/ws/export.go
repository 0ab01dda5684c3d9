package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/peterbourgon/ff/v3/ffcli"

	"weightsep/datasets"
	"weightsep/datasets/npy"
	"weightsep/wslib/firmware"
	"weightsep/wslib/network"
	"weightsep/wslib/onnx"
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
	from := f.set.String("pack", "", "for onnx and c: the networks of this `file` (.safetensors), instead "+
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
				return f.runOrPack(ctx, *from, *out, "firmware", func(p packed) error {
					return f.exportC(p, o, *rounded)
				})
			}
			if err := f.refuse("only -format c has -%s", "prefix", "ram", "int8"); err != nil {
				return err
			}
			if *format == "safetensors" {
				if err := f.refuse("a pack has all networks of the run: leave out -%s", "net"); err != nil {
					return err
				}
			}
			if *format == "onnx" {
				return f.runOrPack(ctx, *from, *out, "onnx", f.exportONNX)
			}
			if *from != "" {
				return usagef("-pack is for -format onnx and c, not %s", *format)
			}
			return f.reading(func(ctx context.Context, r *pipeline.Run, nets []*network.Network) error {
				if *format == "safetensors" {
					return f.exportPack(r, cmp.Or(*out, r.Dir.File("pack.safetensors")))
				}
				dir, err := inRun(r, *out, "export")
				if err != nil {
					return err
				}
				return f.exportWeights(ctx, r, nets, dir)
			})(ctx)
		})
}

// packed are networks to export, as a pack.
type packed struct {
	file *pack.File
	nets []*network.Network
	dir  func() (string, error)                              // to write to, asked for when all is well
	data func(n *network.Network) (*datasets.Dataset, error) // training samples
}

// runOrPack does something with the networks of -net of a pack or, without one, of a run, in which what is
// written has a name unless out says where to.
func (f *flags) runOrPack(ctx context.Context, path, out, name string, do func(packed) error) error {
	if path == "" {
		return f.reading(func(ctx context.Context, r *pipeline.Run, nets []*network.Network) error {
			file, err := r.Pack()
			if err == nil {
				err = keepNamed(file, network.Names(nets))
			}
			if err != nil {
				return err
			}
			return do(packed{file, nets, func() (string, error) { return inRun(r, out, name) },
				func(n *network.Network) (*datasets.Dataset, error) { return r.Data(ctx, n.Name) }})
		})(ctx)
	}
	if err := f.refuse("ws export writes a run or a pack: leave out -%s", "run"); err != nil {
		return err
	}
	if out == "" {
		return usagef("ws export of a -pack needs -out")
	}
	file, nets, err := f.inPack(ctx, path, nil)
	if err != nil {
		return err
	}
	return do(packed{file, nets, func() (string, error) { return out, nil },
		func(n *network.Network) (*datasets.Dataset, error) {
			return f.samples(ctx, n, "train", func(o *datasets.Own) *datasets.Split { return o.Train })
		}})
}

// directory is where to write to. It holds nothing that the networks are made of.
func (p packed) directory() (string, error) {
	dir, err := p.dir()
	if err == nil {
		err = keepOwn(dir, p.nets)
	}
	return dir, err
}

// exportC writes networks as C, for activations of 8 bits too if they are to be rounded.
func (f *flags) exportC(p packed, o firmware.Options, rounded bool) (err error) {
	if rounded {
		if o.Samples, err = f.roundingSamples(p.nets, p.data); err != nil {
			return err
		}
	}
	if err := firmware.Check(p.file, p.nets, o); err != nil { // before a directory is made
		return err
	}
	dir, err := p.directory()
	if err != nil {
		return err
	}
	if err := firmware.Write(dir, p.file, p.nets, o); err != nil {
		return err
	}
	s := p.file.Set.Stored()
	fmt.Fprintf(f.out, "%s: %d networks in %d bytes and their checksums, packed %.1f times\n",
		filepath.Join(dir, cmp.Or(o.Prefix, firmware.DefaultPrefix)+".c"), len(p.nets), s.Total, s.RatioBytes)
	return nil
}

// exportONNX writes networks as ONNX models over one file of pages.
func (f *flags) exportONNX(p packed) error {
	exported, err := onnx.Export(p.file.Set, p.nets)
	if err != nil {
		return err
	}
	dir, err := p.directory()
	if err != nil {
		return err
	}
	if err := exported.Save(dir); err != nil {
		return err
	}
	models := 0
	for name, raw := range exported {
		if name != onnx.PagesFile {
			models += len(raw)
		}
	}
	fmt.Fprintf(f.out, "%s: %d ONNX models of %d bytes, %s of %d bytes\n", dir, len(p.nets), models,
		onnx.PagesFile, len(exported[onnx.PagesFile]))
	return nil
}

// keepOwn returns an error for a directory with samples or models that networks are made of, to which an
// export does not belong. Models of an earlier export are none.
func keepOwn(dir string, nets []*network.Network) error {
	for _, n := range nets {
		for _, end := range []string{"_train_data.npy", ".json", ".onnx"} {
			path := filepath.Join(dir, n.Name+end)
			_, err := os.Stat(path)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			exported := false
			if err == nil && end == ".onnx" {
				exported, err = onnx.IsExported(path)
			}
			if err != nil {
				return err
			}
			if !exported {
				return fmt.Errorf("%s is what network %s is made of: want another -out for what is exported",
					path, n.Name)
			}
		}
	}
	return nil
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
	if err == nil {
		err = keepOwn(dir, nets)
	}
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
