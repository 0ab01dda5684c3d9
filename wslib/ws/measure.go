package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"

	"github.com/peterbourgon/ff/v3/ffcli"

	"weightsep/wslib/network"
	"weightsep/wslib/pipeline"
	"weightsep/wslib/separation"
)

func (a *app) fisherCommand() *ffcli.Command {
	f := a.flags("fisher", "`names` of networks; default all of the run")
	return f.verb("[-run DIR] [-net NAMES]", "compute Fisher information and show the densest pages",
		f.onRun(func(ctx context.Context, r *pipeline.Run, nets []*network.Network) error {
			if err := r.Fisher(ctx); err != nil {
				return err
			}
			for _, n := range nets {
				info, err := r.FisherInformation(n)
				if err != nil {
					return err
				}
				density := separation.Density(info, r.Config().Pages.Size)
				fmt.Fprintf(f.out, "%s", n.Name)
				taken := 0.0
				for _, p := range separation.ByDensity(density)[:min(10, len(density))] {
					taken += density[p]
					fmt.Fprintf(f.out, "  page %d %.4f", p, density[p])
				}
				fmt.Fprintf(f.out, "  (together %.4f)\n", taken)
			}
			return nil
		}))
}

func (a *app) benchCommand() *ffcli.Command {
	f := a.flags("bench", "")
	n := f.set.Int("n", 0, "random executions, measured now and not kept; default: those of the run")
	return f.verb("[-run DIR] [-n 50]", "switching and execution time, from pages and from weight files",
		f.onRun(func(ctx context.Context, r *pipeline.Run, _ []*network.Network) error {
			b, err := bench(ctx, r, *n)
			if err != nil {
				return err
			}
			for i, e := range b.Separated.Executions {
				x := b.Files.Executions[i]
				fmt.Fprintf(f.out, "[%d/%d] %s: pages %.3f ms, file %.3f ms; execution %.3f and %.3f "+
					"ms; accuracy %f and %f\n", i+1, len(b.Separated.Executions),
					e.Network, 1e3*e.Switch.Seconds(), 1e3*x.Switch.Seconds(), 1e3*e.Execute.Seconds(),
					1e3*x.Execute.Seconds(), e.Accuracy, x.Accuracy)
			}
			fmt.Fprintf(f.out, "total weights load time: pages %.3f ms, files %.3f ms\ntotal DNN "+
				"execution time: pages %.3f ms, files %.3f ms\n",
				1e3*b.Separated.Switch.Seconds(), 1e3*b.Files.Switch.Seconds(),
				1e3*b.Separated.Execute.Seconds(), 1e3*b.Files.Execute.Seconds())
			return nil
		}))
}

// bench is the benchmark of a run, which is kept there, or one of n executions.
func bench(ctx context.Context, r *pipeline.Run, n int) (*pipeline.Benchmark, error) {
	switch {
	case n < 0:
		return nil, usagef("%d executions, want 1 or more", n)
	case n > 0:
		o := r.Config().Bench
		o.Executions = n
		return r.Measure(ctx, o)
	}
	if err := r.Bench(ctx); err != nil {
		return nil, err
	}
	return r.Benchmark()
}

func (a *app) figuresCommand() *ffcli.Command {
	f := a.flags("figures", "")
	out := f.set.String("out", "", "`directory` for the charts; default figures in the run directory")
	return f.verb("[-run DIR] [-out DIR]", "draw every chart that a run has results for, as SVG",
		f.onRun(func(ctx context.Context, r *pipeline.Run, _ []*network.Network) error {
			dir := cmp.Or(*out, r.Dir.File("figures"))
			saved, err := r.Figures(ctx, dir)
			for _, name := range saved {
				fmt.Fprintln(f.out, filepath.Join(dir, name))
			}
			return err
		}))
}
