package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/peterbourgon/ff/v3/ffcli"

	"weightsep/datasets"
	"weightsep/wslib/baseline"
	"weightsep/wslib/internal/option"
	"weightsep/wslib/optimization"
	"weightsep/wslib/pipeline"
)

func (a *app) runCommand() *ffcli.Command {
	f := a.flags("run", "`names` of networks, in order of formation; default all ten, or all of -nets")
	profile := f.set.String("profile", "quick", "`profile`: "+strings.Join(pipeline.Profiles(), ", "))
	f.config = option.Define(f.set, pipeline.Config{})
	f.budgetFlags()
	from := f.set.String("from", "", "optimized run `directory`, or pack, to go on from, with -net: others "+
		"in it join its networks and are trained, those not in -net leave; who stays keeps its weights, bit "+
		"for bit")
	return f.verb("[-profile quick|smoke|packing|paper] [-run DIR] [-data DIR] [flags]",
		"the whole pipeline: form, separate, overlap, optimize, evaluate, bench\n"+
			"Runs every stage that the run directory does not have yet, and prints the summary.\n"+
			"Interrupted, the same command goes on where it stopped. With a budget (-ratio or -bytes)\n"+
			"shared and exclusive pages and their precision are chosen for you; without one and without\n"+
			"pages, the ten networks are packed 32 times, but for the profile paper.\n"+
			"A flag that is not given leaves the value of the profile. Some take a value for every "+
			"network\n"+
			"and others for single ones, as in -batch 128,obs=16; without the first it stays the profile's.",
		func(ctx context.Context) error {
			c, err := pipeline.Profile(*profile)
			if err != nil {
				return wrong(err)
			}
			f.ofProfile(*profile)
			o, err := f.options(ctx)
			if err != nil {
				return err
			}
			if *from == "" {
				err = f.fresh(ctx, &c, o)
			} else {
				c, err = f.join(*from, o.Own)
			}
			if err != nil {
				return err
			}
			c.Data.Dir = f.data
			if err := c.Validate(); err != nil {
				return wrong(err)
			}
			if !f.exists() && o.Opened == nil { // it then looks at memory before there is a directory
				if o.Opened, err = f.open(ctx); err != nil {
					return err
				}
			}
			r, err := pipeline.Open(f.run, c, o)
			if err != nil {
				return err
			}
			defer r.Close()
			if err := r.All(ctx); err != nil {
				return err
			}
			s, err := r.Summary()
			if err != nil {
				return err
			}
			fmt.Fprintln(f.err)
			if err := s.Write(f.out); err != nil {
				return err
			}
			fmt.Fprintf(f.out, "Run directory: %s\n", f.run)
			return nil
		})
}

// fresh makes a profile the configuration of a run that goes on from no other.
func (f *flags) fresh(ctx context.Context, c *pipeline.Config, o pipeline.Options) error {
	own := o.Own
	c.Own = pipeline.OwnHashes(own)
	if len(own) > 0 {
		c.Networks = nil
		for _, o := range own {
			c.Networks = append(c.Networks, o.Network.Name)
		}
	}
	bare, err := c.ForOwn(own)
	if err == nil {
		err = f.apply(c)
	}
	if err != nil {
		return err
	}
	if bare != "" && c.Untrained() {
		fmt.Fprintf(f.err, "%s has no %s_train_data.npy: pages are rounded as they are, not trained, and "+
			"not shared\n", bare, bare)
	}
	c.Data.Dir = f.data
	return f.applyBudget(ctx, c, o)
}

// join is the configuration of a run that goes on from the one in dir and holds its networks.
func (f *flags) join(dir string, own []pipeline.Own) (c pipeline.Config, err error) {
	if err := f.refuse("-from takes pages and data of the run there: leave out -%s", "profile", "page",
		"shared", "exclusive", "margin", "tpr", "fisher", "seed", "min", "precision", "exclusive-precision",
		"scales", "keys", "placement", "method", "pilot"); err != nil {
		return c, err
	}
	names := f.nets()
	if names == nil {
		return c, usagef("-from needs -net: the networks that stay and those that join")
	}
	total, err := f.budget(pipeline.Config{Networks: names, Own: pipeline.OwnHashes(own)}, own)
	if err != nil {
		return c, err
	}
	c, plan, err := pipeline.Join(dir, f.data, own, names, total, f.apply)
	if err != nil {
		return c, err
	}
	if plan.Bytes == 0 {
		fmt.Fprintf(f.err, "no network joins: %d shared pages are left\n", c.Pages.Shared)
		return c, nil
	}
	fmt.Fprint(f.err, "all networks together: ")
	f.announce(max(total, plan.Bytes), plan)
	return c, nil
}

func (a *app) trainCommand() *ffcli.Command {
	f := a.flags("train", "`names` of networks; default all ten")
	f.config = option.Define(f.set, pipeline.Config{})
	out := f.set.String("out", "baselines", "`directory` for baselines")
	return f.verb("[-net NAMES] [-out DIR] [-data DIR]", "train baselines: separate networks, on labels alone",
		func(ctx context.Context) error { return f.trainBaselines(ctx, *out) })
}

// trainBaselines trains separate networks and saves them in a directory.
func (f *flags) trainBaselines(ctx context.Context, out string) error {
	if err := f.onlyThese("ws train", "net", "out", "seed", "min", "data", "backend", "quiet", "steps", "batch",
		"rate", "dropout"); err != nil {
		return err
	}
	c, err := pipeline.Profile("quick")
	if err != nil {
		return err
	}
	c.Optimization = pipeline.BaselineRecipe(4000)
	if err := f.apply(&c); err != nil {
		return err
	}
	r := &c.Optimization
	r.ValidateEvery = min(r.ValidateEvery, max(1, r.Steps))
	nets, err := f.ten()
	if err != nil {
		return err
	}
	opened, err := f.open(ctx)
	if err != nil {
		return err
	}
	report := f.progress()
	for _, n := range nets {
		data, err := f.dataset(ctx, n.Name, datasets.Options{MinTrain: c.Data.MinTrain})
		if err != nil {
			return err
		}
		o := optimization.Options{Seed: c.Seed, Progress: func(p optimization.Progress) {
			report("training "+n.Name, p.Step, p.Steps, p.Note())
		}}
		v, record, err := pipeline.TrainBaseline(ctx, opened.Backend, opened.Info.String(), n, data, 0,
			*r, o)
		if err != nil {
			return err
		}
		if err := baseline.Save(out, v.Weights, record); err != nil {
			return err
		}
		fmt.Fprintf(f.out, "%s on %s data (%s): validation %.4f at step %d, test %.4f\n",
			n.Name, data.Provenance.Kind, data.Provenance, record.Validation, record.BestStep, record.Test)
	}
	return nil
}
