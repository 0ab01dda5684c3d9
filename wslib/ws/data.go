package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"

	"weightsep/datasets"
	"weightsep/wslib/baseline"
	"weightsep/wslib/network"
)

func (a *app) dataCommand() *ffcli.Command {
	f := newRunFlags("data").withNet("`names` of datasets; default all ten")
	minTrain := f.minTrainFlag()
	cold := f.set.Bool("cold", false, "prepare anew, in a temporary cache, and open once more: what "+
		"both take")
	return &ffcli.Command{
		Name: "data", FlagSet: f.set,
		ShortUsage: "ws data [-data DIR] [-net NAMES] [-cold]",
		ShortHelp:  "what data there is: real or stand-in, splits, time to open, accuracy of the baselines",
		Exec: func(ctx context.Context, _ []string) error {
			nets, err := network.Select(network.Ten(), f.nets()...)
			if err != nil {
				return usageError{err.Error()}
			}
			if f.data != "" {
				if err := datasets.CheckDir(f.data); err != nil {
					return err
				}
			}
			o := datasets.Options{Dir: f.data, MinTrain: *minTrain}
			if *cold {
				if o.CacheDir, err = os.MkdirTemp("", "weightsep-cold-"); err != nil {
					return err
				}
				defer os.RemoveAll(o.CacheDir)
			}
			return a.printData(ctx, f, nets, o)
		},
	}
}

// printData prints a line for each dataset, and below what is to be said of it.
func (a *app) printData(ctx context.Context, f *runFlags, nets []*network.Network,
	o datasets.Options) error {
	table := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "dataset\tdata\ttraining\tvalidation\ttest\tgroups\topened in\tagain in\tbaseline "+
		"real\tbaseline stand-in")
	var notes []string
	for _, n := range nets {
		o.Progress = f.dataProgress(a, n.Name)
		start := time.Now()
		d, err := datasets.Open(ctx, n.Name, o)
		if err != nil {
			return err
		}
		first := time.Since(start)
		start = time.Now()
		if _, err := datasets.Open(ctx, n.Name, o); err != nil {
			return err
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t%s\t%.2f s\t%.3f s\t%s\t%s\n", n.Name, d.Provenance.Kind,
			d.Train.Len(), d.Validation.Len(), d.Test.Len(), groups(d), first.Seconds(),
			time.Since(start).Seconds(),
			shippedAccuracy(n, datasets.Real), shippedAccuracy(n, datasets.StandIn))
		notes = append(notes, n.Name+": "+d.Provenance.String())
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, note := range notes {
		fmt.Fprintln(a.out, note)
	}
	return nil
}

// groups counts the groups of related samples in the three splits.
func groups(d *datasets.Dataset) string {
	count := func(s *datasets.Split) int {
		seen := map[int32]bool{}
		for _, g := range s.Groups {
			seen[g] = true
		}
		return len(seen)
	}
	if d.Train.Groups == nil {
		return "none"
	}
	return fmt.Sprintf("%d, %d, %d", count(d.Train), count(d.Validation), count(d.Test))
}

// shippedAccuracy is the test accuracy of the baseline that comes with the project.
func shippedAccuracy(n *network.Network, kind string) string {
	_, info, err := baseline.Shipped(n, kind)
	if errors.Is(err, baseline.ErrNone) {
		return "none"
	}
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%.2f %%", 100*info.Test)
}
