package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/peterbourgon/ff/v3/ffcli"

	"weightsep/wslib/pipeline"
)

func (a *app) runCommand() *ffcli.Command {
	f := newRunFlags("run").withNet("`names` of networks, in order of formation; default all ten, or all " +
		"of -nets")
	profile := f.set.String("profile", "quick", "`profile`: "+strings.Join(pipeline.Profiles(), ", "))
	o := newConfigFlags(f)
	b := budgetFlags(f)
	from := f.set.String("from", "", "optimized run `directory` to go on from: others in -net join its "+
		"networks, those not in -net leave")
	hold := f.set.Bool("hold", true, "with -from: networks of the run there keep their weights bit for "+
		"bit, only those that join are trained; false trains all on the pages that are there")
	return &ffcli.Command{
		Name: "run", FlagSet: f.set,
		ShortUsage: "ws run [-profile quick|smoke|packing|paper] [-run DIR] [-data DIR] [flags]",
		ShortHelp:  "the whole pipeline: form, separate, overlap, optimize, evaluate, bench",
		LongHelp: "Runs every stage that the run directory does not have yet, and prints the summary.\n" +
			"Interrupted, the same command goes on where it stopped. With a budget (-ratio or -bytes)\n" +
			"shared and exclusive pages and their precision are chosen for you.\n" +
			"A flag that is not given leaves the value of the profile. Some take a value for every " +
			"network\n" +
			"and others for single ones, as in -batch 128,obs=16; without the first it stays the profile's.",
		Exec: func(ctx context.Context, _ []string) error {
			c, err := pipeline.Profile(*profile)
			if err != nil {
				return usageError{err.Error()}
			}
			options, err := f.withOwn(ctx, a)
			if err != nil {
				return err
			}
			switch {
			case *from == "" && isSet(f.set, "hold"):
				return usagef("-hold is about the networks of a run to go on from: give -from")
			case *from != "" && *hold:
				c, err = b.join(*from, options.Own, o, a.err)
			case *from != "":
				c, err = configFrom(*from, f, o)
			default:
				c.Own = pipeline.OwnHashes(options.Own)
				if nets := f.nets(); len(nets) > 0 {
					c.Networks = nets
				} else if len(options.Own) > 0 {
					c.Networks = nil
					for _, own := range options.Own {
						c.Networks = append(c.Networks, own.Network.Name)
					}
				}
				var bare string
				if bare, err = c.ForOwn(options.Own); err == nil {
					err = o.apply(&c)
				}
				if err == nil && bare != "" && c.Untrained() {
					fmt.Fprintf(a.err, "%s has no %s_train_data.npy: pages are rounded as they are, not "+
						"trained, and not shared\n", bare, bare)
				}
				if err == nil {
					err = b.apply(&c, options.Own, o, a.err)
				}
			}
			if err != nil {
				return err
			}
			c.Data.Dir = f.data
			if err := c.Validate(); err != nil {
				return usageError{err.Error()}
			}
			r, err := pipeline.Open(f.run, c, options)
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
var pagesAndData = []string{"profile", "page", "shared", "exclusive", "margin", "tpr", "fisher",
	"seed", "min",
	"precision", "exclusive-precision", "scales", "keys", "level1", "placement", "method"}

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
func configFrom(dir string, f *runFlags, o configFlags) (pipeline.Config, error) {
	if err := refuse(f, append(pagesAndData, "ratio", "bytes")...); err != nil {
		return pipeline.Config{}, err
	}
	r, err := pipeline.Reopen(dir, f.data, pipeline.Options{})
	if err != nil {
		return pipeline.Config{}, err
	}
	defer r.Close()
	c := r.Config()
	c.From, c.Hold = dir, false
	if nets := f.nets(); len(nets) > 0 {
		c.Networks = nets
	}
	return c, o.apply(&c)
}
