package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/peterbourgon/ff/v3/ffcli"

	"weightsep/wslib/figures"
	"weightsep/wslib/network"
	"weightsep/wslib/pack"
	"weightsep/wslib/pipeline"
	"weightsep/wslib/play"
)

func (a *app) figuresCommand() *ffcli.Command {
	f := a.flags("figures", "")
	out := f.set.String("out", "", "`directory` for the charts; default figures in the run directory")
	packed := f.set.String("pack", "", "draw page map and memory of this `file` (.safetensors) into -out")
	documented := f.set.String("results", "", "`directory` of the documented runs: only write its "+
		play.File)
	help := "draw the figures of a run\n" +
		"Writes each as SVG, PNG and PDF, with its numbers as CSV, and " + play.File + ", a page to play\n" +
		"with that needs no network. A figure whose stage is missing is named, and the others are drawn:\n"
	for _, c := range pipeline.Charts() {
		help += fmt.Sprintf("  %-9s %s\n", c.Name, c.Shows)
	}
	return f.verb("[-run DIR] [-out DIR] | -pack FILE -out DIR | -results DIR", strings.TrimSpace(help),
		func(ctx context.Context) error {
			switch {
			case *documented != "":
				if err := f.onlyThese("ws figures -results", "results"); err != nil {
					return err
				}
				p, err := play.Documented(os.DirFS(*documented))
				return f.savePlay(p, err, *documented)
			case *packed != "" && *out == "":
				return usagef("-pack needs -out")
			case *packed != "":
				return f.drawPack(*packed, *out)
			}
			return f.reading(func(ctx context.Context, r *pipeline.Run, _ []*network.Network) error {
				dir, err := inRun(r, *out, "figures")
				if err != nil {
					return err
				}
				err = r.Figures(ctx, dir, func(c pipeline.Chart, missing error) {
					if missing != nil {
						fmt.Fprintf(f.out, "no %s (%s): %v\n", c.Name, c.Shows, missing)
					} else {
						f.drawn(dir, c.Name)
					}
				})
				if err != nil {
					return err
				}
				p, err := r.Play()
				if errors.Is(err, pipeline.ErrNotDone) {
					fmt.Fprintf(f.out, "no %s: %v\n", play.File, err)
					return nil
				}
				return f.savePlay(p, err, dir)
			})(ctx)
		})
}

// savePlay writes the page to play with into a directory.
func (f *flags) savePlay(p play.Page, err error, dir string) error {
	name := filepath.Join(dir, play.File)
	if err == nil {
		err = p.Save(name)
	}
	if err == nil {
		fmt.Fprintln(f.out, name)
	}
	return err
}

// drawPack draws what a pack says without its run.
func (f *flags) drawPack(path, dir string) error {
	file, err := pack.Open(path)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, c := range []struct {
		name string
		draw func() (*figures.Figure, error)
	}{
		{"pagemap", func() (*figures.Figure, error) { return figures.PageMap(file) }},
		{"memory", func() (*figures.Figure, error) { return figures.Memory(file.Set.Stored()) }},
	} {
		figure, err := c.draw()
		if err == nil {
			err = figure.SaveAll(filepath.Join(dir, c.name))
		}
		if err != nil {
			return err
		}
		f.drawn(dir, c.name)
	}
	return nil
}

// drawn prints the files of a figure.
func (f *flags) drawn(dir, name string) {
	for _, format := range figures.Formats() {
		fmt.Fprintln(f.out, filepath.Join(dir, name+format))
	}
}
