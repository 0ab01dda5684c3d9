package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"

	"weightsep/datasets"
	"weightsep/wslib/baseline"
	"weightsep/wslib/network"
	"weightsep/wslib/pipeline"
)

func (a *app) dataCommand() *ffcli.Command {
	f := a.flags("data", "`names` of datasets; default all ten")
	minTrain := f.set.Int("min", pipeline.DefaultMinTrain,
		"use the stand-in of a dataset of which fewer real training `samples` are found")
	cold := f.set.Bool("cold", false, "prepare anew, in a temporary cache, and open once more: what "+
		"both take")
	return f.verb("[-data DIR] [-net NAMES] [-cold]",
		"what data there is: real or stand-in, splits, time to open, accuracy of the baselines",
		func(ctx context.Context) error {
			if err := f.onTen("ws data"); err != nil {
				return err
			}
			nets, err := f.ten()
			if err != nil {
				return err
			}
			if f.data != "" {
				if err := datasets.CheckDir(f.data); err != nil {
					return err
				}
			}
			o := datasets.Options{MinTrain: *minTrain}
			if *cold {
				if o.CacheDir, err = os.MkdirTemp("", "weightsep-cold-"); err != nil {
					return err
				}
				defer os.RemoveAll(o.CacheDir)
			}
			return f.printData(ctx, nets, o)
		})
}

// printData prints a line for each dataset, and below what is to be said of it.
func (f *flags) printData(ctx context.Context, nets []*network.Network, o datasets.Options) error {
	table := tabwriter.NewWriter(f.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "dataset\tdata\ttraining\tvalidation\ttest\tgroups\topened in\tagain in\tbaseline "+
		"real\tbaseline stand-in")
	var notes strings.Builder
	for _, n := range nets {
		start := time.Now()
		d, err := f.dataset(ctx, n.Name, o)
		if err != nil {
			return err
		}
		first := time.Since(start)
		start = time.Now()
		if _, err := f.dataset(ctx, n.Name, o); err != nil {
			return err
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t%s\t%.2f s\t%.3f s\t%s\t%s\n", n.Name, d.Provenance.Kind,
			d.Train.Len(), d.Validation.Len(), d.Test.Len(), groups(d), first.Seconds(),
			time.Since(start).Seconds(),
			shippedAccuracy(n, datasets.Real), shippedAccuracy(n, datasets.StandIn))
		fmt.Fprintf(&notes, "%s: %s\n", n.Name, d.Provenance)
	}
	err := table.Flush()
	fmt.Fprint(f.out, notes.String())
	return err
}

// groups counts the groups of related samples in the three splits.
func groups(d *datasets.Dataset) string {
	if d.Train.Groups == nil {
		return "none"
	}
	count := func(s *datasets.Split) int {
		return len(slices.Compact(slices.Sorted(slices.Values(s.Groups))))
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
