package main

import (
	"archive/zip"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/peterbourgon/ff/v3/ffcli"

	"weightsep/wslib/network"
	"weightsep/wslib/npy"
	"weightsep/wslib/page"
	"weightsep/wslib/pipeline"
)

func (a *app) exportCommand() *ffcli.Command {
	f := a.flags("export", "`names` of networks; default all of the run")
	format := f.set.String("format", "npy",
		"`form` of what is written: npy (weights of each network) or safetensors (a pack of all)")
	out := f.set.String("out", "",
		"`directory` for npy, file for safetensors; default export or pack.safetensors in the run directory")
	return f.verb("[-run DIR] [-net NAMES] [-out DIR] | -format safetensors [-run DIR] [-out FILE]",
		"write each network's weights as executed from the pages, or all networks as one pack\n"+
			"The weights of a network are written twice: NAME.npy holds them flat, in the order of the\n"+
			"model's layers; NAME.npz has an array for each layer, and for each array of its state, by\n"+
			"name, with dots for slashes.",
		func(ctx context.Context) error {
			if *format != "npy" && *format != "safetensors" {
				return usagef("-format %q, want npy or safetensors", *format)
			}
			if *format == "safetensors" {
				if err := f.refuse("a pack has all networks of the run: leave out -%s", "net"); err != nil {
					return err
				}
			}
			return f.onRun(func(ctx context.Context, r *pipeline.Run, nets []*network.Network) error {
				if *format == "safetensors" {
					return f.exportPack(r, cmp.Or(*out, r.Dir.File("pack.safetensors")))
				}
				return f.exportWeights(ctx, r, nets, cmp.Or(*out, r.Dir.File("export")))
			})(ctx)
		})
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
	f, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o644))
	if err != nil {
		return err
	}
	defer f.Cleanup()
	z := zip.NewWriter(f)
	put := func(layers []network.Layer, values []float32) error {
		for _, l := range layers {
			raw, err := npy.File("<f4", page.PackFloats(values[l.Offset:l.Offset+l.Size()]), l.Shape...)
			if err != nil {
				return err
			}
			w, err := z.Create(strings.ReplaceAll(l.Name, "/", ".") + ".npy")
			if err != nil {
				return err
			}
			if _, err := w.Write(raw); err != nil {
				return err
			}
		}
		return nil
	}
	if err := errors.Join(put(n.Model.Layers(), v.Weights), put(n.State(), v.State), z.Close()); err != nil {
		return err
	}
	return f.CloseAtomicallyReplace()
}
