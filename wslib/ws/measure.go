package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/peterbourgon/ff/v3/ffcli"

	"weightsep/wslib/network"
	"weightsep/wslib/pipeline"
	"weightsep/wslib/separation"
)

func (a *app) fisherCommand() *ffcli.Command {
	f := newRunFlags("fisher").withNet("`names` of networks; default all of the run")
	return &ffcli.Command{
		Name: "fisher", FlagSet: f.set,
		ShortUsage: "ws fisher [-run DIR] [-net NAMES]",
		ShortHelp:  "compute Fisher information and show the densest pages",
		Exec: func(ctx context.Context, _ []string) error {
			return f.withRun(ctx, a, func(r *pipeline.Run, nets []*network.Network) error {
				if err := r.Fisher(ctx); err != nil {
					return err
				}
				for _, n := range nets {
					info, err := r.FisherInformation(n)
					if err != nil {
						return err
					}
					density := separation.Density(info, r.Config().Pages.Size)
					fmt.Fprintf(a.out, "%s", n.Name)
					taken := 0.0
					for _, p := range separation.ByDensity(density)[:min(10, len(density))] {
						taken += density[p]
						fmt.Fprintf(a.out, "  page %d %.4f", p, density[p])
					}
					fmt.Fprintf(a.out, "  (together %.4f)\n", taken)
				}
				return nil
			})
		},
	}
}

func (a *app) costCommand() *ffcli.Command {
	f := newRunFlags("cost").withNet("`names` of networks; default all of the run")
	return &ffcli.Command{
		Name: "cost", FlagSet: f.set,
		ShortUsage: "ws cost [-run DIR] [-net NAMES]",
		ShortHelp:  "exclusive pages, page table and cost of each network, and the total cost",
		Exec: func(ctx context.Context, _ []string) error {
			return f.withRun(ctx, a, func(r *pipeline.Run, nets []*network.Network) error {
				return a.printPlan(r, network.Names(nets))
			})
		},
	}
}

func (a *app) evalCommand() *ffcli.Command {
	f := newRunFlags("eval").withNet("`names` of networks; default all of the run")
	weights := f.set.String("weights", "", "score this `file` (.npy, flat float32) as the network of "+
		"-net, instead of a run's pages")
	packed := f.set.String("pack", "", "score the networks of this `file` (.safetensors), instead of a "+
		"run's pages")
	return &ffcli.Command{
		Name: "eval", FlagSet: f.set,
		ShortUsage: "ws eval [-run DIR] [-net NAMES] [-data DIR] | ws eval -pack FILE [-net NAMES] [-data " +
			"DIR] [-nets DIR] | " +
			"ws eval -net NAME -weights FILE [-data DIR]",
		ShortHelp: "test accuracy from the optimized pages, of a pack, or of a weight file",
		Exec: func(ctx context.Context, _ []string) error {
			var given []string
			for _, name := range []string{"run", "pack", "weights"} {
				if isSet(f.set, name) {
					given = append(given, "-"+name)
				}
			}
			switch {
			case len(given) > 1:
				return usagef("ws eval scores a run, a pack or a weight file: leave out %s",
					strings.Join(given[:len(given)-1], " and "))
			case *packed != "":
				return a.evalPack(ctx, f, *packed)
			case *weights != "":
				return a.evalWeights(ctx, f, *weights)
			}
			return f.withRun(ctx, a, func(r *pipeline.Run, nets []*network.Network) error {
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
					if err := a.score(ctx, backend, n, v, data); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

func (a *app) benchCommand() *ffcli.Command {
	f := newRunFlags("bench")
	n := f.set.Int("n", 0, "random executions, measured now and not kept; default: those of the run")
	return &ffcli.Command{
		Name: "bench", FlagSet: f.set,
		ShortUsage: "ws bench [-run DIR] [-n 50]",
		ShortHelp:  "switching and execution time, from pages and from weight files",
		Exec: func(ctx context.Context, _ []string) error {
			return f.withRun(ctx, a, func(r *pipeline.Run, _ []*network.Network) error {
				if *n < 0 {
					return usagef("%d executions, want 1 or more", *n)
				}
				if *n == 0 {
					if err := r.Bench(ctx); err != nil {
						return err
					}
				}
				b, err := r.Benchmark()
				if *n > 0 {
					o := r.Config().Bench
					o.Executions = *n
					b, err = r.Measure(ctx, o)
				}
				if err != nil {
					return err
				}
				for i, e := range b.Separated.Executions {
					x := b.Files.Executions[i]
					fmt.Fprintf(a.out, "[%d/%d] %s: pages %.3f ms, file %.3f ms; execution %.3f and %.3f "+
						"ms; accuracy %f and %f\n", i+1, len(b.Separated.Executions),
						e.Network, 1e3*e.Switch.Seconds(), 1e3*x.Switch.Seconds(), 1e3*e.Execute.Seconds(),
						1e3*x.Execute.Seconds(), e.Accuracy, x.Accuracy)
				}
				fmt.Fprintf(a.out, "total weights load time: pages %.3f ms, files %.3f ms\ntotal DNN "+
					"execution time: pages %.3f ms, files %.3f ms\n",
					1e3*b.Separated.Switch.Seconds(), 1e3*b.Files.Switch.Seconds(),
					1e3*b.Separated.Execute.Seconds(), 1e3*b.Files.Execute.Seconds())
				return nil
			})
		},
	}
}
