package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/peterbourgon/ff/v3/ffcli"

	"weightsep/wslib/network"
	"weightsep/wslib/npy"
	"weightsep/wslib/pipeline"
)

func (a *app) exportCommand() *ffcli.Command {
	f := newRunFlags("export").withNet("`names` of networks; default all of the run")
	out := f.set.String("out", "", "`directory` for the weights; default export in the run directory")
	return &ffcli.Command{
		Name: "export", FlagSet: f.set,
		ShortUsage: "ws export [-run DIR] [-net NAMES] [-out DIR]",
		ShortHelp:  "write each network's weights as executed from the pages, flat, as NAME.npy",
		Exec: func(ctx context.Context, _ []string) error {
			return f.withRun(ctx, a, func(r *pipeline.Run, nets []*network.Network) error {
				set, err := r.Set()
				if err != nil {
					return err
				}
				dir := *out
				if dir == "" {
					dir = filepath.Join(f.run, "export")
				}
				if err := os.MkdirAll(dir, 0o755); err != nil {
					return err
				}
				for _, n := range nets {
					if err := ctx.Err(); err != nil {
						return err
					}
					path := filepath.Join(dir, n.Name+".npy")
					w := n.ToLayerOrder(set.Weights(set.Index(n.Name)))
					if err := npy.Write(path, w); err != nil {
						return err
					}
					fmt.Fprintf(a.out, "%s: %d weights\n", path, len(w))
				}
				return nil
			})
		},
	}
}
