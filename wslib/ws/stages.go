package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/peterbourgon/ff/v3/ffcli"

	"weightsep/datasets"
	"weightsep/wslib/baseline"
	"weightsep/wslib/network"
	"weightsep/wslib/pipeline"
	"weightsep/wslib/separation"
	"weightsep/xla"
)

func (a *app) trainCommand() *ffcli.Command {
	f := newRunFlags("train").withNet("`names` of networks to train baselines of (with -baseline)")
	o := optimizationFlags(f)
	base := f.set.Bool("baseline", false, "train baselines instead of a run's pages")
	out := f.set.String("out", "baselines", "`directory` for baselines")
	seed := f.set.Uint64("seed", 1, "`seed` of a baseline")
	return &ffcli.Command{
		Name: "train", FlagSet: f.set,
		ShortUsage: "ws train [-run DIR] [-method joint|alternating] | ws train -baseline -net NAMES [-out DIR]",
		ShortHelp:  "optimize a run's pages, or train baselines",
		Exec: func(ctx context.Context, _ []string) error {
			if *base {
				for _, name := range []string{"run", "method", "start", "rounds", "first"} {
					if isSet(f.set, name) {
						return usagef("ws train -baseline does not know -%s", name)
					}
				}
				options := baseline.Options{
					Steps: cmp.Or(*o.steps, 4000), Batch: cmp.Or(*o.batch, 100), LearningRate: cmp.Or(*o.learningRate, 2e-3),
					Dropout: 0.1, ValidateEvery: 100, Seed: *seed,
				}
				if isSet(f.set, "dropout") {
					options.Dropout = *o.dropout
				}
				return a.trainBaselines(ctx, f, options, *out)
			}
			r, err := f.reopen(a)
			if err != nil {
				return err
			}
			defer r.Close()
			c := r.Config
			o.apply(&c)
			if err := r.SetConfig(c); err != nil {
				return err
			}
			if err := r.Optimize(ctx); err != nil {
				return err
			}
			h, err := r.History()
			if err != nil {
				return err
			}
			for _, p := range h.Points {
				fmt.Fprintf(a.out, "step %d, mean validation accuracy: %.6f\n", p.Step, p.Mean)
			}
			return nil
		},
	}
}

func (a *app) trainBaselines(ctx context.Context, f *runFlags, options baseline.Options, out string) error {
	nets, err := network.Select(network.Ten(), f.nets()...)
	if err != nil {
		return usageError{err.Error()}
	}
	backend, info, err := xla.Open(ctx, xla.Options{Name: f.backend, Log: a.err})
	if err != nil {
		return err
	}
	progress := newProgress(a.err)
	for _, n := range nets {
		data, err := datasets.Open(ctx, n.Name, datasets.Options{Dir: f.data})
		if err != nil {
			return err
		}
		options.Progress = func(p baseline.Point) {
			progress.report("training "+n.Name, p.Step, options.Steps, fmt.Sprintf("validation %.2f %%", 100*p.Validation))
		}
		w, record, err := pipeline.TrainBaseline(ctx, backend, info.String(), n, data, 0, options)
		if err != nil {
			return err
		}
		if err := baseline.Save(out, w, record); err != nil {
			return err
		}
		fmt.Fprintf(a.out, "%s on %s data (%s): validation %.4f at step %d, test %.4f\n",
			n.Name, data.Provenance.Kind, data.Provenance, record.Validation, record.BestStep, record.Test)
	}
	return nil
}

func (a *app) fisherCommand() *ffcli.Command {
	f := newRunFlags("fisher").withNet("`names` of networks; default all of the run")
	return &ffcli.Command{
		Name: "fisher", FlagSet: f.set,
		ShortUsage: "ws fisher [-run DIR] [-net NAMES]",
		ShortHelp:  "compute Fisher information and show the densest pages",
		Exec: func(ctx context.Context, _ []string) error {
			r, err := f.reopen(a)
			if err != nil {
				return err
			}
			defer r.Close()
			nets, err := network.Select(r.Networks(), f.nets()...)
			if err != nil {
				return usageError{err.Error()}
			}
			if err := r.Fisher(ctx); err != nil {
				return err
			}
			for _, n := range nets {
				info, err := r.FisherInformation(n)
				if err != nil {
					return err
				}
				density := separation.Density(info, r.Config.PageSize)
				fmt.Fprintf(a.out, "%s", n.Name)
				taken := 0.0
				for _, p := range separation.ByDensity(density)[:min(10, len(density))] {
					taken += density[p]
					fmt.Fprintf(a.out, "  page %d %.4f", p, density[p])
				}
				fmt.Fprintf(a.out, "  (together %.4f)\n", taken)
			}
			return nil
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
			r, err := f.reopen(a)
			if err != nil {
				return err
			}
			defer r.Close()
			if _, err := network.Select(r.Networks(), f.nets()...); err != nil {
				return usageError{err.Error()}
			}
			return a.printPlan(r, f.nets())
		},
	}
}

func (a *app) evalCommand() *ffcli.Command {
	f := newRunFlags("eval").withNet("`names` of networks; default all of the run")
	return &ffcli.Command{
		Name: "eval", FlagSet: f.set,
		ShortUsage: "ws eval [-run DIR] [-net NAMES] [-data DIR]",
		ShortHelp:  "test accuracy from the optimized pages",
		Exec: func(ctx context.Context, _ []string) error {
			r, err := f.reopen(a)
			if err != nil {
				return err
			}
			defer r.Close()
			nets, err := network.Select(r.Networks(), f.nets()...)
			if err != nil {
				return usageError{err.Error()}
			}
			set, err := r.Set()
			if err != nil {
				return err
			}
			for _, n := range nets {
				data, err := r.Data(ctx, n.Name)
				if err != nil {
					return err
				}
				fmt.Fprintf(a.err, "%s: %s\n", n.Name, data.Provenance)
				accuracy, err := r.Accuracy(ctx, n, set.Weights(set.Index(n.Name)), data.Test)
				if err != nil {
					return err
				}
				fmt.Fprintf(a.out, "%s inference accuracy: %f\n", n.Name, accuracy)
			}
			return nil
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
			r, err := f.reopen(a)
			if err != nil {
				return err
			}
			defer r.Close()
			if *n == 0 {
				if err := r.Bench(ctx); err != nil {
					return err
				}
			}
			b, err := r.Benchmark()
			if *n > 0 {
				o := r.Config.Bench
				o.Executions = *n
				b, err = r.Measure(ctx, o)
			}
			if err != nil {
				return err
			}
			for i, e := range b.Separated.Executions {
				x := b.Files.Executions[i]
				fmt.Fprintf(a.out, "[%d/%d] %s: pages %.3f ms, file %.3f ms; execution %.3f and %.3f ms; accuracy %f and %f\n", i+1, len(b.Separated.Executions),
					e.Network, 1e3*e.Switch.Seconds(), 1e3*x.Switch.Seconds(), 1e3*e.Execute.Seconds(), 1e3*x.Execute.Seconds(), e.Accuracy, x.Accuracy)
			}
			fmt.Fprintf(a.out, "total weights load time: pages %.3f ms, files %.3f ms\ntotal DNN execution time: pages %.3f ms, files %.3f ms\n",
				1e3*b.Separated.Switch.Seconds(), 1e3*b.Files.Switch.Seconds(), 1e3*b.Separated.Execute.Seconds(), 1e3*b.Files.Execute.Seconds())
			return nil
		},
	}
}
