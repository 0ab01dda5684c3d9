package main

import (
	"context"
	"fmt"
	"slices"
	"text/tabwriter"

	"github.com/peterbourgon/ff/v3/ffcli"

	"weightsep/wslib/network"
	"weightsep/wslib/page"
	"weightsep/wslib/pipeline"
)

func (a *app) listCommand() *ffcli.Command {
	f := newRunFlags("list")
	return &ffcli.Command{
		Name: "list", FlagSet: f.set,
		ShortUsage: "ws list [-run DIR]",
		ShortHelp:  "the networks of a run and their pages; without a run, the ten",
		Exec: func(ctx context.Context, _ []string) error {
			exists, err := f.exists()
			if err != nil {
				return err
			}
			t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', tabwriter.AlignRight)
			if !exists {
				if isSet(f.set, "run") {
					return fmt.Errorf("no run in %s", f.run)
				}
				fmt.Fprintln(t, "network\tinput\tclasses\tweights\tpages\t")
				for _, n := range network.Ten() {
					fmt.Fprintf(t, "%s\t%v\t%d\t%d\t%d\t\n", n.Name, n.Input(), n.Outputs(), n.Weights(),
						page.Count(n.Weights(), page.DefaultSize))
				}
				return t.Flush()
			}
			r, err := f.reopen(ctx, a)
			if err != nil {
				return err
			}
			defer r.Close()
			o, err := r.Overlapped()
			if err != nil {
				return err
			}
			fmt.Fprintln(t, "network\tweights\tpages\texclusive\tsharable\tcost\t")
			var tables []page.Table
			for _, n := range o.Networks {
				fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%.4f\t\n", n.Name, n.Weights, n.Pages, len(n.Exclusive),
					n.Pages-len(n.Exclusive), n.Cost)
				tables = append(tables, page.Table{Shared: o.SharedPages, Entries: n.Table})
			}
			if err := t.Flush(); err != nil {
				return err
			}
			fmt.Fprintf(a.out, "%d shared pages of %d, occupancy %v\n", o.SharedPages, o.PageSize,
				page.Occupancy(tables, o.SharedPages))
			return nil
		},
	}
}

func (a *app) addCommand() *ffcli.Command {
	f := newRunFlags("add").withNet("`names` of networks to add, in order")
	return &ffcli.Command{
		Name: "add", FlagSet: f.set,
		ShortUsage: "ws add -net NAMES [-run DIR] [-data DIR]",
		ShortHelp:  "form, separate and overlap one or more networks",
		LongHelp: "Adds networks to a run, which is made if it is not there: their baselines, Fisher\n" +
			"information, exclusive pages and page tables. Prints what overlapping decided. The pages\n" +
			"are then to be trained: ws train.",
		Exec: func(ctx context.Context, _ []string) error {
			if len(f.nets()) == 0 {
				return usagef("ws add needs -net")
			}
			exists, err := f.exists()
			if err != nil {
				return err
			}
			var r *pipeline.Run
			if exists {
				r, err = f.reopen(ctx, a)
			} else {
				var c pipeline.Config
				if c, err = pipeline.Profile("quick"); err != nil {
					return err
				}
				var options pipeline.Options
				if options, err = f.withOwn(ctx, a); err != nil {
					return err
				}
				c.Networks, c.Data.Dir, c.Own = f.nets(), f.data, pipeline.OwnHashes(options.Own)
				r, err = pipeline.Open(f.run, c, options)
			}
			if err != nil {
				return err
			}
			defer r.Close()
			networks := r.Config().Networks
			for _, n := range f.nets() {
				if !slices.Contains(networks, n) {
					networks = append(networks, n)
				}
			}
			if err := change(ctx, r, networks, "network %s is in the run already", f.net); err != nil {
				return err
			}
			return a.printPlan(r, f.nets())
		},
	}
}

// change gives a run other networks and places them. It is an error if they are placed there as they
// are: an interrupted command may have left them unplaced.
func change(ctx context.Context, r *pipeline.Run, networks []string, format string, args ...any) error {
	c := r.Config()
	_, unplaced := r.Overlapped()
	if len(networks) == len(c.Networks) && unplaced == nil {
		return fmt.Errorf(format, args...)
	}
	if c.Networks = networks; len(networks) != len(r.Config().Networks) {
		if err := configure(ctx, r, c); err != nil {
			return err
		}
	}
	return r.Overlap(ctx)
}

// configure gives a run another configuration, if that is a valid one and the data are those of before.
func configure(ctx context.Context, r *pipeline.Run, c pipeline.Config) error {
	if err := c.Validate(); err != nil {
		return usageError{err.Error()}
	}
	if err := r.CheckData(ctx); err != nil {
		return err
	}
	return r.SetConfig(c)
}

// printPlan prints the bookkeeping of the named networks, as the original does.
func (a *app) printPlan(r *pipeline.Run, names []string) error {
	o, err := r.Overlapped()
	if err != nil {
		return err
	}
	for _, n := range o.Networks {
		if len(names) > 0 && !slices.Contains(names, n.Name) {
			continue
		}
		fmt.Fprintf(a.out, "%s\n exclusive pages %v\n weights %d, pages %d, exclusive %d, sharable %d\n "+
			"page table %v\n cost %.6f\n",
			n.Name, n.Exclusive, n.Weights, n.Pages, len(n.Exclusive), n.Pages-len(n.Exclusive),
			n.Table, n.Cost)
	}
	fmt.Fprintf(a.out, "total network cost %.6f\n", o.TotalCost)
	return nil
}

func (a *app) removeCommand() *ffcli.Command {
	f := newRunFlags("remove").withNet("`names` of networks to remove")
	return &ffcli.Command{
		Name: "remove", FlagSet: f.set,
		ShortUsage: "ws remove -net NAMES [-run DIR]",
		ShortHelp:  "take networks out of a run",
		Exec: func(ctx context.Context, _ []string) error {
			if len(f.nets()) == 0 {
				return usagef("ws remove needs -net")
			}
			r, err := f.reopen(ctx, a)
			if err != nil {
				return err
			}
			defer r.Close()
			if _, err := network.Select(r.Networks(), f.nets()...); err != nil {
				return usageError{err.Error()}
			}
			left := slices.DeleteFunc(r.Config().Networks,
				func(n string) bool { return slices.Contains(f.nets(), n) })
			if err := change(ctx, r, left, "network %s is not in the run", f.net); err != nil {
				return err
			}
			fmt.Fprintf(a.out, "networks left: %v\n", r.Config().Networks)
			return nil
		},
	}
}
