package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/peterbourgon/ff/v3/ffcli"

	"weightsep/wslib/pipeline"
)

func (a *app) runCommand() *ffcli.Command {
	f := newRunFlags("run").withNet("`names` of networks, in order of formation; default all ten")
	profile := f.set.String("profile", "quick", "`profile`: "+strings.Join(pipeline.Profiles(), ", "))
	seed := f.set.Uint64("seed", 1, "`seed` of everything random")
	minTrain := f.minTrainFlag()
	o := optimizationFlags(f)
	margin := f.set.Float64("margin", 0.1, "density that may stay without exclusive pages")
	tpr := f.set.Float64("tpr", 1, "target performance rate: density that exclusive pages must carry; 0: none but those that do not fit on the shared pages")
	exclusive := f.set.Int("exclusive", 0, "at most so many exclusive pages a network, unless more do not fit; default from the profile, -1 no bound")
	shared := f.set.Int("shared", 128, "number of shared pages")
	b := budgetFlags(f)
	from := f.set.String("from", "", "optimized run `directory` to go on from: others in -net join its networks, those not in -net leave")
	hold := f.set.Bool("hold", true, "with -from: networks of the run there keep their weights bit for bit, only those that join are trained; false trains all on the pages that are there")
	return &ffcli.Command{
		Name: "run", FlagSet: f.set,
		ShortUsage: "ws run [-profile quick|smoke|packing|paper] [-run DIR] [-data DIR] [flags]",
		ShortHelp:  "the whole pipeline: form, separate, overlap, optimize, evaluate, bench",
		LongHelp: "Runs every stage that the run directory does not have yet, and prints the summary.\n" +
			"Interrupted, the same command goes on where it stopped. With a budget (-ratio or -bytes)\n" +
			"shared and exclusive pages and their precision are chosen for you.",
		Exec: func(ctx context.Context, _ []string) error {
			c, err := pipeline.Profile(*profile)
			if err != nil {
				return usageError{err.Error()}
			}
			if *from == "" && isSet(f.set, "hold") {
				return usagef("-hold is about the networks of a run to go on from: give -from")
			}
			if *from != "" && *hold {
				loads, err := byName("load", *o.loads)
				if err != nil {
					return usageError{err.Error()}
				}
				if c, err = b.join(*from, loads, a.err); err != nil {
					return err
				}
			} else if *from != "" {
				if c, err = configFrom(*from, f); err != nil {
					return err
				}
			} else {
				for name, set := range map[string]func(){
					"seed":      func() { c.Seed = *seed },
					"margin":    func() { c.Margin = *margin },
					"tpr":       func() { c.TPR = *tpr },
					"shared":    func() { c.Shared = *shared },
					"min":       func() { c.Data.MinTrain = *minTrain },
					"exclusive": func() { c.MaxExclusive = *exclusive },
				} {
					if isSet(f.set, name) {
						set()
					}
				}
			}
			c.Data.Dir = f.data
			if nets := f.nets(); len(nets) > 0 {
				c.Networks = nets
			}
			if err := o.apply(&c); err != nil {
				return usageError{err.Error()}
			}
			if !c.Hold {
				if err := b.apply(&c, a.err); err != nil {
					return usageError{err.Error()}
				}
			}
			if err := c.Validate(); err != nil {
				return usageError{err.Error()}
			}
			r, err := pipeline.Open(f.run, c, f.options(a))
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
			fmt.Fprintln(a.err)
			if err := s.Write(a.out); err != nil {
				return err
			}
			fmt.Fprintf(a.out, "Run directory: %s\n", f.run)
			return nil
		},
	}
}

// pagesAndData are flags that make no sense where pages and data are those of a run.
var pagesAndData = []string{"profile", "shared", "exclusive", "margin", "tpr", "seed", "min", "precision", "exclusive-precision", "scales", "level1", "placement"}

func refuse(f *runFlags, names ...string) error {
	for _, name := range names {
		if isSet(f.set, name) {
			return usagef("-from takes pages and data of the run there: leave out -%s", name)
		}
	}
	return nil
}

// configFrom is the configuration of an optimized run, to go on from it: pages, data
// and schedule are the same, so flags that would change the pages make no sense.
func configFrom(dir string, f *runFlags) (pipeline.Config, error) {
	if err := refuse(f, append(pagesAndData, "ratio", "bytes")...); err != nil {
		return pipeline.Config{}, err
	}
	r, err := pipeline.Reopen(dir, f.data, pipeline.Options{})
	if err != nil {
		return pipeline.Config{}, err
	}
	defer r.Close()
	c := r.Config
	c.From, c.Hold = dir, false
	return c, nil
}
