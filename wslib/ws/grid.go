package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/peterbourgon/ff/v3/ffcli"

	"weightsep/wslib/budget"
	"weightsep/wslib/grid"
	"weightsep/wslib/pipeline"
)

// defaultCells are what `ws grid` compares.
var defaultCells = strings.Join([]string{
	"further", "distilled", "quantized-8", "quantized-4", "quantized-2", "quantized-1",
	"pruned:32", "width:32", "product-4", "product-8", "random-table:32",
	"joint-32:5.8", "joint:32", "joint:50", "joint:80", "alternating-10",
}, ",")

// gridFlags are what `ws grid` and `ws sweep` share.
type gridFlags struct {
	*runFlags
	dir, seeds, profile *string
	table               *bool
	config              configFlags
}

func newGridFlags(verb string) *gridFlags {
	f := newRunFlags(verb).withNet("`names` of networks; default all ten")
	return &gridFlags{
		runFlags: f,
		dir:      f.set.String("dir", filepath.Join("results", "runs", verb), "`directory` of the grid"),
		seeds:    f.set.String("seeds", "1", "`seeds` of baselines and packing"),
		profile:  f.set.String("profile", "packing", "`profile` of the schedule: "+strings.Join(pipeline.Profiles(), ", ")),
		table:    f.set.Bool("table", false, "run nothing, make the table of what is finished"),

		config: newConfigFlags(f, "seed", "tpr", "margin", "shared", "exclusive", "method", "precision", "exclusive-precision", "scales",
			"first", "rounds", "passes", "turn", "lambda"), // a grid's seeds, methods and budgets say these
	}
}

func (a *app) gridCommand() *ffcli.Command {
	f := newGridFlags("grid")
	cells := f.set.String("methods", defaultCells, "`methods`, each METHOD[:RATIO[:LEVEL1]] with bits or rounds after a dash")
	return &ffcli.Command{
		Name: "grid", FlagSet: f.set,
		ShortUsage: "ws grid [-methods LIST] [-seeds LIST] [-data DIR] [-dir DIR] [flags]",
		ShortHelp:  "compare methods, budgets and seeds; one table and the charts",
		LongHelp: "Runs every method at every budget with every seed, and writes table.csv, table.md and\n" +
			"charts into the directory. Interrupted, the same command goes on where it stopped.\n" +
			"Methods: further (separate networks with the same further steps: the reference), distilled (the\n" +
			"same, following the outputs of the reference, with -mixup), quantized-8,\n" +
			"-4, -2, -1, pruned:RATIO, width:RATIO, product-4, -8 (weights of a codeword), random-table:RATIO,\n" +
			"joint:RATIO[:LEVEL1] (precision chosen) or joint-BITS:RATIO, alternating[-ROUNDS[:FIRST]] (of 100,\n" +
			"and steps of first turns, of 2000; without FIRST as much less as there are fewer rounds).",
		Exec: func(ctx context.Context, _ []string) error { return f.exec(ctx, a, *cells) },
	}
}

func (a *app) sweepCommand() *ffcli.Command {
	f := newGridFlags("sweep")
	ratios := f.set.String("ratios", "5.8,10,20,32,50,80", "packing `ratios` in bytes")
	return &ffcli.Command{
		Name: "sweep", FlagSet: f.set,
		ShortUsage: "ws sweep [-ratios LIST] [-seeds LIST] [-data DIR] [-dir DIR] [flags]",
		ShortHelp:  "packing against accuracy: joint training at several budgets",
		LongHelp: "A grid (ws grid) of joint training at several packing ratios and the reference. With -dir of a\n" +
			"grid that is there, its finished budgets are taken over.",
		Exec: func(ctx context.Context, _ []string) error {
			cells := []string{grid.Further}
			for _, r := range splitNames(*ratios) {
				cells = append(cells, grid.Joint+":"+r)
			}
			return f.exec(ctx, a, strings.Join(cells, ","))
		},
	}
}

func (f *gridFlags) exec(ctx context.Context, a *app, cells string) error {
	if isSet(f.set, "run") {
		return usagef("a grid's directory is given by -dir, not -run")
	}
	s, err := gridSpec(*f.profile, cells, *f.seeds)
	if err != nil {
		return usageError{err.Error()}
	}
	if nets := f.nets(); len(nets) > 0 {
		s.Config.Networks = nets
	}
	s.Config.Data.Dir = f.data
	if err := f.config.apply(&s.Config); err != nil {
		return err
	}
	if f.config.Given("keys") {
		s.Keys = budget.NoKeys // unless the configuration has them
	}
	if err := s.Validate(); err != nil {
		return usageError{err.Error()}
	}
	if *f.table {
		if _, err := os.Stat(*f.dir); err != nil {
			return fmt.Errorf("no grid to make the table of: %w", err)
		}
	}
	g, err := grid.Open(*f.dir, s, grid.Options{Backend: f.backend, Log: a.err, Progress: f.options(a).Progress})
	if err != nil {
		return err
	}
	var failed error
	if !*f.table {
		failed = g.Run(ctx)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	files, err := g.Report(ctx)
	if err != nil {
		return errors.Join(failed, err)
	}
	for _, name := range files {
		fmt.Fprintln(a.out, filepath.Join(*f.dir, name))
	}
	return failed
}

func gridSpec(profile, cells, seeds string) (s grid.Spec, err error) {
	if s.Config, err = pipeline.Profile(profile); err != nil {
		return s, err
	}
	for _, text := range splitNames(cells) {
		c, err := grid.ParseCell(text)
		if err != nil {
			return s, err
		}
		s.Cells = append(s.Cells, c)
	}
	for _, text := range splitNames(seeds) {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil || seed == 0 {
			return s, fmt.Errorf("seed %q, want a number above 0", text)
		}
		s.Seeds = append(s.Seeds, seed)
	}
	return s, nil
}
