package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/peterbourgon/ff/v3/ffcli"

	"weightsep/datasets/npy"
	"weightsep/wslib/overlapping"
	"weightsep/wslib/page"
	"weightsep/wslib/pipeline"
	"weightsep/wslib/separation"
)

func (a *app) overlapCommand() *ffcli.Command {
	f := &flags{app: a, set: flag.NewFlagSet("ws overlap", flag.ContinueOnError)}
	dir := f.set.String("dir", "", "`directory` of NAME.npy and NAME_fisher.npy, flat float32, for "+
		"each network")
	order := f.set.String("order", "",
		"network `names` in order of formation, separated by commas; default all, by name")
	size := f.set.Int("page", page.DefaultSize, "weights in a page")
	o := separation.Defaults()
	f.set.IntVar(&o.Shared, "shared", o.Shared, "number of shared pages")
	f.set.Float64Var(&o.Margin, "margin", o.Margin, "density that may stay without exclusive pages")
	return f.verb("-dir DIR [-order a,b,c] [-page 512] [-shared 128] [-margin 0.1]",
		"separate and overlap networks of any kind from their weights; prints JSON",
		func(ctx context.Context) (err error) {
			if *dir == "" {
				return usagef("ws overlap needs -dir")
			}
			names := splitNames(*order)
			if names == nil {
				if names, err = networksIn(*dir); err != nil {
					return err
				}
			}
			plan, err := overlapping.New(*size, o.Shared)
			if err != nil {
				return wrong(err)
			}
			for _, name := range names {
				if err := ctx.Err(); err != nil {
					return err
				}
				n, err := readNetwork(*dir, name, *size, o)
				if err != nil {
					return err
				}
				if _, err := plan.Add(n); err != nil {
					return fmt.Errorf("%s: %w", *dir, err)
				}
				plan.Average()
			}
			enc := json.NewEncoder(f.out)
			enc.SetIndent("", " ")
			return enc.Encode(pipeline.OverlapRecord(plan))
		})
}

const fisherSuffix = "_fisher.npy"

// networksIn lists the networks of a directory by name: every NAME.npy that is not hidden,
// each of which must have its NAME_fisher.npy.
func networksIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".npy"); ok && !strings.HasPrefix(name, ".") &&
			!strings.HasSuffix(e.Name(), fisherSuffix) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s holds no networks: want NAME.npy and NAME%s", dir, fisherSuffix)
	}
	slices.Sort(names)
	return names, nil
}

func readNetwork(dir, name string, size int, o separation.Options) (overlapping.Network, error) {
	read := func(file string, want int) ([]float32, error) {
		path := filepath.Join(dir, file)
		v, shape, err := npy.ReadFloats(path)
		if err != nil {
			return nil, err
		}
		if len(shape) != 1 {
			return nil, fmt.Errorf("read %s: shape %v, want one axis", path, shape)
		}
		return v, page.CheckWeights(path, v, want)
	}
	w, err := read(name+".npy", -1)
	if err != nil {
		return overlapping.Network{}, err
	}
	f, err := read(name+fisherSuffix, len(w))
	if err != nil {
		return overlapping.Network{}, err
	}
	own, err := separation.Separate(separation.Density(f, size), o)
	if err != nil {
		return overlapping.Network{}, wrong(err)
	}
	return overlapping.Network{Name: name, Weights: w, Fisher: f, Exclusive: own}, nil
}
