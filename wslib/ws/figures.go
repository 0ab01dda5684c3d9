package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/peterbourgon/ff/v3/ffcli"

	"weightsep/wslib/network"
	"weightsep/wslib/pipeline"
	"weightsep/wslib/play"
)

func (a *app) figuresCommand() *ffcli.Command {
	f := a.flags("figures", "")
	out := f.set.String("out", "", "`directory` for the charts; default figures in the run directory")
	documented := f.set.String("results", "", "`directory` of the documented runs: only write its "+
		pipeline.PlayFile)
	return f.verb("[-run DIR] [-out DIR] | -results DIR",
		"draw every chart that a run has results for, as SVG, and a page to play with\n"+
			"The page, "+pipeline.PlayFile+", needs no network: margin, numbers of pages, the map of pages.",
		func(ctx context.Context) error {
			if *documented != "" {
				if err := f.onlyThese("ws figures -results", "results"); err != nil {
					return err
				}
				return f.writePlay(*documented)
			}
			return f.drawFigures(*out)(ctx)
		})
}

// writePlay writes the page of documented runs into their directory.
func (f *flags) writePlay(dir string) error {
	p, err := play.Documented(os.DirFS(dir))
	if err != nil {
		return err
	}
	name := filepath.Join(dir, pipeline.PlayFile)
	if err := p.Save(name); err != nil {
		return err
	}
	fmt.Fprintln(f.out, name)
	return nil
}

func (f *flags) drawFigures(out string) func(context.Context) error {
	return f.reading(func(ctx context.Context, r *pipeline.Run, _ []*network.Network) error {
		dir, err := inRun(r, out, "figures")
		if err != nil {
			return err
		}
		saved, err := r.Figures(ctx, dir)
		for _, name := range saved {
			fmt.Fprintln(f.out, filepath.Join(dir, name))
		}
		return err
	})
}
