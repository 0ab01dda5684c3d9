package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"

	"weightsep/datasets/files"
	"weightsep/wslib/execution"
	"weightsep/wslib/network"
	"weightsep/wslib/pack"
	"weightsep/wslib/page"
	"weightsep/wslib/pipeline"
)

func (a *app) listCommand() *ffcli.Command {
	f := a.flags("list", "")
	return f.verb("[-run DIR]", "the networks of a run and their pages; without a run, the ten",
		func(ctx context.Context) error {
			if f.exists() || f.isSet("run") {
				return f.reading(f.list)(ctx)
			}
			t := tabwriter.NewWriter(f.out, 0, 0, 2, ' ', tabwriter.AlignRight)
			fmt.Fprintln(t, "network\tinput\tclasses\tweights\tpages\t")
			for _, n := range network.Ten() {
				fmt.Fprintf(t, "%s\t%v\t%d\t%d\t%d\t\n", n.Name, n.Input(), n.Outputs(), n.Weights(),
					page.Count(n.Weights(), page.DefaultSize))
			}
			return t.Flush()
		})
}

// list prints the networks of a run and the use of its shared pages.
func (f *flags) list(_ context.Context, r *pipeline.Run, _ []*network.Network) error {
	o, err := r.Overlapped()
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(f.out, 0, 0, 2, ' ', tabwriter.AlignRight)
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
	fmt.Fprintf(f.out, "%d shared pages of %d, occupancy %v\n", o.SharedPages, o.PageSize,
		page.Occupancy(tables, o.SharedPages))
	return nil
}

func (a *app) costCommand() *ffcli.Command {
	f := a.flags("cost", "`names` of networks; default all of the run")
	return f.verb("[-run DIR] [-net NAMES]",
		"exclusive pages, page table and cost of each network, and the total cost",
		f.reading(func(_ context.Context, r *pipeline.Run, nets []*network.Network) error {
			o, err := r.Overlapped()
			if err != nil {
				return err
			}
			for _, n := range o.Networks {
				if slices.Contains(network.Names(nets), n.Name) {
					fmt.Fprintf(f.out, "%s\n exclusive pages %v\n weights %d, pages %d, exclusive %d, "+
						"sharable %d\n page table %v\n cost %.6f\n", n.Name, n.Exclusive, n.Weights, n.Pages,
						len(n.Exclusive), n.Pages-len(n.Exclusive), n.Table, n.Cost)
				}
			}
			fmt.Fprintf(f.out, "total network cost %.6f\n", o.TotalCost)
			return nil
		}))
}

func (a *app) benchCommand() *ffcli.Command {
	f := a.flags("bench", "")
	n := f.set.Int("n", 0, "random executions, measured now and not kept; default: what the run has "+
		"measured")
	to := f.set.String("json", "", "`file` for all that was measured")
	return f.verb("[-run DIR] [-n 50] [-json FILE]",
		"switching and execution, from pages and from other sources of weights; many requests",
		f.reading(func(ctx context.Context, r *pipeline.Run, _ []*network.Network) error {
			b, err := bench(ctx, r, *n)
			if err != nil {
				return err
			}
			if *to != "" {
				if err := files.WriteJSON(*to, b); err != nil {
					return err
				}
			}
			return printBench(f.out, b)
		}))
}

// bench is the benchmark that a run has, or one of n executions, or as many as it would have.
func bench(ctx context.Context, r *pipeline.Run, n int) (*execution.Result, error) {
	if n < 0 {
		return nil, usagef("%d executions, want 1 or more", n)
	}
	if n == 0 {
		if b, err := r.Benchmark(); !errors.Is(err, pipeline.ErrNotDone) {
			return b, err
		}
	}
	o := r.Config().Bench
	o.Executions = cmp.Or(n, o.Executions)
	return r.Measure(ctx, o)
}

// printBench prints what was measured for a person.
func printBench(w io.Writer, b *execution.Result) error {
	us := func(d time.Duration) float64 { return float64(d) / 1e3 }
	fmt.Fprintf(w, "%d random executions, microseconds; copies are of float32 weights in RAM\n\n",
		len(b.Networks))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "weights from\theld KB\tswitch, median\tp95\tp99\tall\tcopies\tcold\tcopies\t"+
		"execution, all\t")
	for _, s := range b.Sources {
		runs := "-" // the others run the same
		if s.Execute.Total > 0 {
			runs = fmt.Sprintf("%.0f", us(s.Execute.Total))
		}
		fmt.Fprintf(t, "%s\t%.1f\t%.1f\t%.1f\t%.1f\t%.0f\t%.2f\t%.1f\t%.2f\t%s\t\n", s.Name,
			float64(s.Held)/1e3, us(s.Warm.Median), us(s.Warm.P95), us(s.Warm.P99), us(s.Warm.Total),
			s.Warm.Copies, us(s.Cold.Median), s.Cold.Copies, runs)
	}
	if len(b.Runs) > 0 {
		fmt.Fprintln(t, "\nnetwork\tbatch\town weights\tswitch and run\t")
	}
	for _, m := range b.Runs {
		fmt.Fprintf(t, "%s\t%d\t%.1f\t%.1f\t\n", m.Network, m.Batch, us(m.Own), us(m.Switch))
	}
	if l := b.Load; l != nil && len(l.Rates) > 1 {
		fmt.Fprintf(t, "\n%d requests, Zipf %.1f, %.1f KB\tserved/s\tswitches\tfiles read\tp95 at "+
			"%.0f/s\tat %.0f/s\t\n",
			l.Requests, l.Zipf, float64(l.Budget)/1e3, l.Rates[0], l.Rates[len(l.Rates)/2-1])
		for _, s := range l.Sources {
			fmt.Fprintf(t, "%s\t%.0f\t%d\t%d\t%.1f\t%.1f\t\n", s.Name, s.Capacity, s.Switches, s.Loads,
				us(s.P95[0]),
				us(s.P95[len(l.Rates)/2-1]))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nmemory of the engine: %d bytes on the device, %d of working memory, %d in "+
		"the host's\n",
		b.Memory.Device, b.Memory.Working, b.Memory.Host)
	return err
}

// inRun is the directory of -out, or the one of that name in the run.
func inRun(r *pipeline.Run, out, name string) (string, error) {
	if out != "" {
		return out, nil
	}
	return r.Dir.Mkdir(name)
}

func (a *app) verifyCommand() *ffcli.Command {
	f := a.flags("verify", "")
	packed := f.set.String("pack", "", "check this `file` (.safetensors) instead of a run")
	return f.verb("[-run DIR] | -pack FILE", "check every byte of a run or a pack that decides a result\n"+
		"A damaged stage is made anew by the verb that made it, as ws run.",
		func(ctx context.Context) error {
			if *packed != "" {
				file, err := pack.Open(*packed)
				if err == nil {
					fmt.Fprintf(f.out, "%s: %d networks, whole\n", *packed, len(file.Networks))
				}
				return err
			}
			return f.reading(func(ctx context.Context, r *pipeline.Run, _ []*network.Network) error {
				err := r.Verify(ctx)
				if err == nil {
					fmt.Fprintf(f.out, "%s: %d stages, whole\n", r.Dir.Path, len(r.Dir.Manifest.Stages))
				}
				return err
			})(ctx)
		})
}
