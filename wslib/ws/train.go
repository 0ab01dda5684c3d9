package main

import (
	"context"
	"fmt"

	"github.com/peterbourgon/ff/v3/ffcli"

	"weightsep/datasets"
	"weightsep/wslib/baseline"
	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
	"weightsep/wslib/pipeline"
	"weightsep/xla"
)

func (a *app) trainCommand() *ffcli.Command {
	f := newRunFlags("train").withNet("`names` of networks to train baselines of (with -baseline)")
	o := newConfigFlags(f)
	base := f.set.Bool("baseline", false, "train baselines instead of a run's pages")
	out := f.set.String("out", "baselines", "`directory` for baselines")
	return &ffcli.Command{
		Name: "train", FlagSet: f.set,
		ShortUsage: "ws train [-run DIR] [-method joint|alternating] | ws train -baseline -net NAMES " +
			"[-out DIR]",
		ShortHelp: "optimize a run's pages, or train baselines",
		Exec: func(ctx context.Context, _ []string) error {
			if *base {
				if err := onlyThese(f.set, "ws train -baseline", "baseline", "net", "out", "seed", "min",
					"data", "backend", "quiet", "steps", "batch", "rate", "dropout"); err != nil {
					return err
				}
				c, err := pipeline.Profile("quick")
				if err != nil {
					return err
				}
				r := &c.Optimization
				r.Steps, r.Batch, r.Dropout = 4000, optimization.Each{"": 100}, optimization.Each{"": 0.1}
				if err := o.apply(&c); err != nil {
					return err
				}
				return a.trainBaselines(ctx, f, c, *out)
			}
			for _, name := range []string{"net", "out", "seed", "min"} {
				if isSet(f.set, name) {
					return usagef("-%s is for baselines: a run has its networks, data and seed", name)
				}
			}
			return f.withRun(ctx, a, func(r *pipeline.Run, _ []*network.Network) error {
				c := r.Config()
				if err := o.apply(&c); err != nil {
					return err
				}
				if err := configure(ctx, r, c); err != nil {
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
			})
		},
	}
}

func (a *app) trainBaselines(ctx context.Context, f *runFlags, c pipeline.Config, out string) error {
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
		data, err := datasets.Open(ctx, n.Name, datasets.Options{
			Dir: f.data, MinTrain: c.Data.MinTrain, Progress: f.dataProgress(a, n.Name)})
		if err != nil {
			return err
		}
		r := c.Optimization.Reference(c.Optimization.Steps)
		r.ValidateEvery = 100
		o := optimization.Options{Seed: c.Seed, Progress: func(p optimization.Progress) {
			note := ""
			if p.Point != nil {
				note = fmt.Sprintf("validation %.2f %%", 100*p.Point.Mean)
			}
			progress.report("training "+n.Name, p.Step, p.Steps, note)
		}}
		v, record, err := pipeline.TrainBaseline(ctx, backend, info.String(), n, data, 0, r, o)
		if err != nil {
			return err
		}
		if err := baseline.Save(out, v.Weights, record); err != nil {
			return err
		}
		fmt.Fprintf(a.out, "%s on %s data (%s): validation %.4f at step %d, test %.4f\n",
			n.Name, data.Provenance.Kind, data.Provenance, record.Validation, record.BestStep, record.Test)
	}
	return nil
}
