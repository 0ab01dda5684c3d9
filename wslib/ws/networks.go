package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
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
					fmt.Fprintf(t, "%s\t%dx%dx%d\t%d\t%d\t%d\t\n", n.Name, n.Input[0], n.Input[1], n.Input[2], n.Classes(), n.Weights(), page.Count(n.Weights(), page.DefaultSize))
				}
				return t.Flush()
			}
			r, err := f.reopen(a)
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
				fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%.4f\t\n", n.Name, n.Weights, n.Pages, len(n.Exclusive), n.Pages-len(n.Exclusive), n.Cost)
				tables = append(tables, page.Table{Shared: o.SharedPages, Entries: n.Table})
			}
			if err := t.Flush(); err != nil {
				return err
			}
			fmt.Fprintf(a.out, "%d shared pages of %d, occupancy %v\n", o.SharedPages, o.PageSize, page.Occupancy(tables, o.SharedPages))
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
			if !exists {
				c, err := pipeline.Profile("quick")
				if err != nil {
					return err
				}
				c.Networks, c.Data.Dir = f.nets(), f.data
				if r, err = pipeline.Open(f.run, c, f.options(a)); err != nil {
					return err
				}
			} else if r, err = f.reopen(a); err != nil {
				return err
			} else {
				if err := addNetworks(ctx, r, f.nets()); err != nil {
					r.Close()
					return err
				}
			}
			defer r.Close()
			if err := r.Overlap(ctx); err != nil {
				return err
			}
			return a.printPlan(r, f.nets())
		},
	}
}

// addNetworks appends to the run's networks those that it does not have. Having
// all of them is an error, unless an interrupted command left them unplaced.
func addNetworks(ctx context.Context, r *pipeline.Run, names []string) error {
	c := r.Config()
	had := len(c.Networks)
	for _, n := range names {
		if !slices.Contains(c.Networks, n) {
			c.Networks = append(c.Networks, n)
		}
	}
	if len(c.Networks) == had {
		if _, err := r.Overlapped(); err == nil {
			return fmt.Errorf("network %s is in the run already", strings.Join(names, ", "))
		}
		return nil
	}
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
		fmt.Fprintf(a.out, "%s\n exclusive pages %v\n weights %d, pages %d, exclusive %d, sharable %d\n page table %v\n cost %.6f\n",
			n.Name, n.Exclusive, n.Weights, n.Pages, len(n.Exclusive), n.Pages-len(n.Exclusive), n.Table, n.Cost)
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
			r, err := f.reopen(a)
			if err != nil {
				return err
			}
			defer r.Close()
			if err := removeNetworks(ctx, r, f.nets()); err != nil {
				return err
			}
			if err := r.Overlap(ctx); err != nil {
				return err
			}
			fmt.Fprintf(a.out, "networks left: %v\n", r.Config().Networks)
			return nil
		},
	}
}

// removeNetworks takes networks out of the run's configuration. That it has none of them is
// an error, unless an interrupted command left the others unplaced.
func removeNetworks(ctx context.Context, r *pipeline.Run, names []string) error {
	if _, err := network.Select(network.Ten(), names...); err != nil {
		return usageError{err.Error()}
	}
	c := r.Config()
	had := len(c.Networks)
	c.Networks = slices.DeleteFunc(c.Networks, func(n string) bool { return slices.Contains(names, n) })
	if len(c.Networks) == had {
		if _, err := r.Overlapped(); err != nil {
			return nil
		}
	}
	if _, err := network.Select(r.Networks(), names...); err != nil {
		return usageError{err.Error()}
	}
	if err := r.CheckData(ctx); err != nil {
		return err
	}
	return r.SetConfig(c)
}
