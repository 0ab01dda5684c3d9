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
const defaultCells = "further,distilled,quantized-8,quantized-4,quantized-2," +
	"random-table:32,joint-32:5.8,joint:32,joint:50,joint:80,alternating-10"

func (a *app) gridCommand() *ffcli.Command {
	f := a.flags("grid", "`names` of networks; default all ten")
	dir := f.set.String("dir", filepath.Join("results", "runs", "grid"), "`directory` of the grid")
	cells := f.set.String("methods", defaultCells,
		"`methods`, each METHOD[:RATIO[:LEVEL1]] with bits or rounds after a dash")
	seeds := f.set.String("seeds", "1", "`seeds` of baselines and packing")
	profile := f.set.String("profile", "packing",
		"`profile` of the schedule: "+strings.Join(pipeline.Profiles(), ", "))
	table := f.set.Bool("table", false, "run nothing, make the table and charts of what is finished in -dir")
	f.config = option.Define(f.set, pipeline.Config{}, "seed", "tpr", "margin", "shared", "exclusive",
		"method", "precision", "exclusive-precision", "scales",
		"first", "rounds", "passes", "turn", "lambda") // a grid's seeds, methods and budgets say these
	return f.verb("[-methods LIST] [-seeds LIST] [-data DIR] [-dir DIR] | -table [-dir DIR]",
		"compare methods, budgets and seeds; one table and the charts\n"+
			"Runs every method at every budget with every seed, and writes table.csv, table.md and\n"+
			"charts into the directory. Interrupted, the same command goes on where it stopped.\n"+
			"Methods: further (separate networks with the same further steps: the reference), "+
			"distilled (the\n"+
			"same, following the outputs of the reference, with -mixup), quantized-8, -4, -2,\n"+
			"random-table:RATIO, joint:RATIO[:LEVEL1] (precision chosen) or\n"+
			"joint-BITS:RATIO, alternating[-ROUNDS[:FIRST]] (of 100, and steps of first turns, of 2000;\n"+
			"without FIRST as much less as there are fewer rounds).",
		func(ctx context.Context) error {
			if *table {
				if err := f.onlyThese("ws grid -table", "table", "dir", "quiet"); err != nil {
					return err
				}
				return f.reportGrid(ctx, *dir)
			}
			if err := f.refuse("a grid's directory is given by -dir, not -%s", "run"); err != nil {
				return err
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
			o := pipeline.Options{Backend: f.backend, Log: f.err, Progress: f.progress()}
			failed := grid.Run(ctx, *dir, s, o)
			if err := ctx.Err(); err != nil {
				return err
			}
			return errors.Join(failed, f.reportGrid(ctx, *dir))
		})
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
