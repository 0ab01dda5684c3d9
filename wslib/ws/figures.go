package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/peterbourgon/ff/v3/ffcli"

	"weightsep/wslib/network"
	"weightsep/wslib/pipeline"
)

func (a *app) figuresCommand() *ffcli.Command {
	f := newRunFlags("figures")
	out := f.set.String("out", "", "`directory` for the charts; default figures in the run directory")
	return &ffcli.Command{
		Name: "figures", FlagSet: f.set,
		ShortUsage: "ws figures [-run DIR] [-out DIR]",
		ShortHelp:  "draw every chart that a run has results for, as SVG",
		Exec: func(ctx context.Context, _ []string) error {
			return f.withRun(ctx, a, func(r *pipeline.Run, _ []*network.Network) error {
				if *out == "" {
					*out = filepath.Join(f.run, "figures")
				}
				saved, err := r.Figures(ctx, *out)
				for _, name := range saved {
					fmt.Fprintln(a.out, filepath.Join(*out, name))
				}
				return err
			})
		},
	}
}
