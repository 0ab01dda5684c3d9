package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/peterbourgon/ff/v3/ffcli"

	"weightsep/wslib/budget"
	"weightsep/wslib/grid"
	"weightsep/wslib/internal/option"
	"weightsep/wslib/pipeline"
)

// defaultCells are what `ws grid` compares.
const defaultCells = "further,distilled,quantized-8,quantized-4,quantized-2,random-table:32," +
	"joint-32:5.8,joint:32,joint:50,joint:80,alternating-10"

func (a *app) gridCommand() *ffcli.Command {
	f := a.flags("grid", "`names` of networks; default all ten")
	dir := f.set.String("dir", filepath.Join("results", "runs", "grid"), "`directory` of the grid")
	cells := f.set.String("methods", defaultCells,
		"`methods`, each METHOD[:RATIO] with bits or rounds after a dash")
	seeds := f.set.String("seeds", "1", "`seeds` of baselines and packing")
	profile := f.set.String("profile", "packing",
		"`profile` of the schedule: "+strings.Join(pipeline.Profiles(), ", "))
	table := f.set.Bool("table", false, "run nothing, make the table and charts of what is finished in -dir; "+
		"with options of the grid, say which of its cells are missing")
	list := f.set.Bool("list", false, "run nothing, list the cells, numbered from 0")
	one := f.set.Int("cell", -1, "run the cell of this `number` alone, beside others in the same -dir")
	f.config = option.Define(f.set, pipeline.Config{}, "seed", "tpr", "margin", "shared", "exclusive",
		"method", "precision", "exclusive-precision", "scales",
		"first", "rounds", "passes", "turn", "lambda") // a grid's seeds, methods and budgets say these
	return f.verb("[-methods LIST] [-seeds LIST] [-data DIR] [-dir DIR] [-list, -cell N or -table]",
		"compare methods, budgets and seeds; one table and the charts\n"+
			"Runs every method at every budget with every seed, and writes table.csv, table.md and\n"+
			"charts into the directory. Interrupted, the same command goes on where it stopped. Several\n"+
			"processes share the work by -cell, from 0 to one less than the lines of -list, all other flags\n"+
			"the same; then -table, with them too, makes the table (results/sweeps/README.md).\n"+
			"Methods: further (separate networks with the same further steps: the reference), "+
			"distilled (the\n"+
			"same, following the outputs of the reference, with -mixup), quantized-8, -4, -2 (with\n"+
			"exclusive pages of 8 bits), random-table:RATIO, joint:RATIO (precision chosen) or joint-BITS:RATIO,\n"+
			"alternating[-ROUNDS] (of 100; first turns have as much fewer steps).",
		func(ctx context.Context) error {
			if *table && f.onlyThese("", "table", "dir", "quiet") == nil {
				return f.reportGrid(ctx, *dir)
			}
			if err := f.refuse("a grid's directory is given by -dir, not -%s", "run"); err != nil {
				return err
			}
			if err := f.onTen("a grid"); err != nil {
				return err
			}
			if *table && *list || f.isSet("cell") && (*table || *list) {
				return usagef("-list, -cell and -table do different things: give one")
			}
			s, err := gridSpec(*profile, *cells, *seeds)
			if err != nil {
				return wrong(err)
			}
			s.Config.Data.Dir = f.data
			if err := f.apply(&s.Config); err != nil {
				return err
			}
			if f.isSet("keys") {
				s.Keys = budget.NoKeys // unless the configuration has them
			}
			if err := s.Validate(); err != nil {
				return wrong(err)
			}
			if n := len(s.Jobs()); f.isSet("cell") && (*one < 0 || *one >= n) {
				return usagef("-cell %d, want 0 to %d", *one, n-1)
			}
			o := pipeline.Options{Backend: f.backend, Log: f.err, Progress: f.progress()}
			switch {
			case *list:
				return f.listGrid(*dir, s)
			case *table:
				return f.mergeGrid(ctx, *dir, s)
			case f.isSet("cell"):
				return grid.RunJob(ctx, *dir, s, *one, o)
			}
			failed := grid.Run(ctx, *dir, s, o)
			if err := ctx.Err(); err != nil {
				return err
			}
			return errors.Join(failed, f.reportGrid(ctx, *dir))
		})
}

// mergeGrid makes the table of the cells, and names those that are missing.
func (f *flags) mergeGrid(ctx context.Context, dir string, s grid.Spec) error {
	missing, err := grid.Merge(ctx, dir, s)
	if err == nil {
		err = f.reportGrid(ctx, dir)
	}
	jobs := s.Jobs()
	for _, i := range missing {
		err = errors.Join(err, fmt.Errorf("cell %d is missing: %s", i, jobs[i]))
	}
	return err
}

// listGrid prints a line for each cell: its number, method and seed, and whether it is finished.
func (f *flags) listGrid(dir string, s grid.Spec) error {
	finished, err := grid.Finished(dir, s)
	if err != nil {
		return err
	}
	for i, j := range s.Jobs() {
		state := ""
		if finished[i] {
			state = ", finished"
		}
		fmt.Fprintf(f.out, "%d %s%s\n", i, j, state)
	}
	return nil
}

// reportGrid prints the names of the files that it writes.
func (f *flags) reportGrid(ctx context.Context, dir string) error {
	files, err := grid.Report(ctx, dir)
	for _, name := range files {
		fmt.Fprintln(f.out, filepath.Join(dir, name))
	}
	return err
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
		if err != nil {
			return s, fmt.Errorf("seed %q, want a number above 0", text)
		}
		s.Seeds = append(s.Seeds, seed)
	}
	return s, nil
}
