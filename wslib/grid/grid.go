// Package grid compares methods of packing networks: it runs every method at every budget with every
// seed, keeps what is finished, and makes one table and the charts of it.
//
// All methods but [Alternating], which keeps its own schedule, start from the same separate networks
// and get the same further steps, schedule and dropout, but that packed networks may have a dropout
// of their own. Changes of accuracy are against the separate networks with just these further steps
// ([Further]). All but [Further] and [Alternating] may follow the outputs of the separate networks or
// of the reference, and mix samples. [Quantized], the rival of weight separation, has its recipe whole, and
// exclusive pages. Test data is read once, when a cell is done and nothing is chosen any more.
package grid

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"weightsep/datasets"
	"weightsep/wslib/budget"
	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
	"weightsep/wslib/page"
	"weightsep/wslib/pipeline"
)

// Spec is a grid.
type Spec struct {
	Config pipeline.Config // networks, data, pages, and the schedule of all methods
	Cells  []Cell
	Keys   page.Precision // as budget.Budget.Keys, but for a start of Config that has keys itself

	// Seeds of baselines and packing. Baselines of seed 1 are those that come with the project.
	Seeds []uint64
}

// Validate reports the first thing that cannot work.
func (s Spec) Validate() error {
	if len(s.Cells) == 0 || len(s.Seeds) == 0 {
		return fmt.Errorf("grid: %d methods, %d seeds: want some of each", len(s.Cells), len(s.Seeds))
	}
	if m := s.Config.Optimization.Method; m != optimization.JointMethod {
		return fmt.Errorf("grid: the schedule is of method %q, want %s", m, optimization.JointMethod)
	}
	if err := s.Config.Validate(); err != nil {
		return err
	}
	for i, seed := range s.Seeds {
		if seed == 0 || slices.Contains(s.Seeds[:i], seed) {
			return fmt.Errorf("grid: seed %d is 0 or there twice", seed)
		}
	}
	for i, c := range s.Cells {
		if slices.Contains(s.Cells[:i], c) {
			return fmt.Errorf("grid: %s is there twice", c)
		}
		if _, _, err := s.config(c, s.Seeds[0], unlooked); err != nil {
			return fmt.Errorf("grid: %s: %w", c, err)
		}
	}
	return nil
}

// key hashes what decides a cell's result but the data, which the record has.
func (s Spec) key(c Cell, seed uint64) (string, error) {
	config, _, err := s.config(c, seed, unlooked)
	if err != nil {
		return "", fmt.Errorf("grid: %s: %w", c, err)
	}
	raw, err := json.Marshal(map[string]any{"cell": c, "config": config})
	if err != nil {
		return "", fmt.Errorf("grid: %s: %w", c, err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(raw))[:16], nil
}

// Run runs every cell that is not finished in the directory, the reference first. A cell that
// fails does not keep the others from running; the errors are returned together. Nothing runs
// where the directory has cells of another configuration or of other data than there are now. Of the
// options it takes backend, log and progress, which is told of cell and seed before each stage.
func Run(ctx context.Context, dir string, s Spec, o pipeline.Options) error {
	g, finished, err := open(ctx, dir, s, o)
	if err != nil {
		return err
	}
	var failed []error
	for _, j := range s.Jobs() {
		if finished.find(j.Cell, j.Seed) != nil {
			continue
		}
		if err := g.run(ctx, j.Cell, j.Seed); err != nil {
			if ctx.Err() != nil {
				return err
			}
			failed = append(failed, fmt.Errorf("%s: %w", j, err))
		}
	}
	if failed != nil {
		return fmt.Errorf("grid: %d cells failed:\n%w", len(failed), errors.Join(failed...))
	}
	return nil
}

// open prepares the directory of a grid, and gives what is finished in it.
func open(ctx context.Context, dir string, s Spec, o pipeline.Options) (*grid, records, error) {
	if err := s.Validate(); err != nil {
		return nil, nil, err
	}
	if o.Progress == nil {
		o.Progress = func(string, int, int, string) {}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, nil, fmt.Errorf("grid: %w", err)
	}
	g := &grid{Spec: s, options: o, dir: dir}
	finished, err := g.finished(ctx)
	return g, finished, err
}

// grid is one call of [Run] or [RunJob]. What is unfinished lies in the directories of the seeds: baselines,
// teachers, and in a directory for each cell its run or networks.
type grid struct {
	Spec
	options pipeline.Options
	dir     string
}

// finished are the records of the directory, if all are of this configuration and data.
func (g *grid) finished(ctx context.Context) (records, error) {
	all, err := readRecords(g.dir)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	for _, r := range all {
		if key, err := g.key(r.Cell, r.Seed); err != nil {
			return nil, err
		} else if key != r.Key {
			return nil, fmt.Errorf("grid: %s, seed %d, in %s is of another configuration: choose another "+
				"directory", r.Cell, r.Seed, g.dir)
		}
	}
	now := map[string]string{}
	for _, name := range g.Config.Networks {
		d, err := datasets.Open(ctx, name, g.Config.Data.Options())
		if err != nil {
			return nil, err
		}
		now[name] = samples(d)
	}
	for _, r := range all {
		for _, n := range r.Networks {
			if n.Samples != now[n.Name] {
				return nil, fmt.Errorf("grid: %s, seed %d, in %s was made with other %s data: %s; now "+
					"there is %s", r.Cell, r.Seed, g.dir, n.Name, n.Samples, now[n.Name])
			}
		}
	}
	return all, nil
}

// samples tells data apart.
func samples(d *datasets.Dataset) string {
	p := d.Provenance
	return fmt.Sprintf("%s, %d training and %d test samples, %s", p.Source, p.Train, p.Test, p.Content)
}

// run trains, scores and records a cell, unless another process did. Baselines, the reference and
// teachers, which other cells of the seed use, are made by one process at a time.
func (g *grid) run(ctx context.Context, c Cell, seed uint64) (err error) {
	unshare, err := g.share(ctx, seed)
	if err != nil {
		return err
	}
	defer unshare()
	if all, err := readRecords(g.dir); err != nil || all.find(c, seed) != nil {
		return err
	}
	record := Record{Cell: c, Seed: seed}
	if record.Key, err = g.key(c, seed); err != nil {
		return err
	}
	dir := g.path(seed, c.String(), "run")
	var watch stopwatch
	o := g.options
	o.Baselines, o.Teachers = g.path(seed, "baselines"), g.path(seed, "teachers")
	if x := g.Config.Optimization; x.TeacherSteps == x.Steps {
		o.Teachers = g.path(seed, Further, "networks") // the same training
	}
	o.Progress = func(stage string, done, of int, note string) {
		watch.note(markEvery) // if that fails, the last one says why
		g.options.Progress(fmt.Sprintf("%s seed %d: %s", c, seed, stage), done, of, note)
	}
	config, plan, err := g.config(c, seed, func(c *pipeline.Config, b budget.Budget) (budget.Plan, error) {
		return pipeline.Allot(ctx, dir, c, b, o)
	})
	if err != nil {
		return err
	}
	r, err := pipeline.Open(dir, config, o)
	if err != nil {
		return err
	}
	defer r.Close()
	// What other cells of the seed share is not of this one's time.
	if err := r.Teachers(ctx); err != nil {
		return err
	}
	if c.Method != Further {
		unshare()
	}
	if err := watch.begin(r.Dir.File(secondsFile)); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, watch.note(0))
		}
	}()
	var values []network.Values // as executed, of each network
	switch c.Method {
	case Joint, RandomTable, Alternating:
		values, err = record.separated(ctx, r)
	default:
		values, err = record.compared(ctx, r, g.path(seed, c.String(), "networks"), o.Progress)
	}
	if err != nil {
		return err
	}
	record.Seconds = watch.seconds()
	if plan != nil {
		record.Pages = fmt.Sprintf("%s exclusive a network of %v, scales %s%s", plan.ExclusiveRange(),
			plan.ExclusivePrecision, plan.ScaleFormat, plan.KeysText())
		switch c.Method {
		case Joint, RandomTable:
			record.Pages = fmt.Sprintf("%d shared of %v, %s", plan.Shared, plan.Precision, record.Pages)
		}
	}
	v := newResults()
	for i, n := range r.Networks() {
		if err := record.score(ctx, r, n, values[i], v); err != nil {
			return err
		}
	}
	if err := add(ctx, g.dir, record, v); err != nil {
		return err
	}
	return os.RemoveAll(r.Dir.File(secondsFile))
}

func (g *grid) path(seed uint64, elem ...string) string {
	return filepath.Join(append([]string{g.dir, fmt.Sprint("seed-", seed)}, elem...)...)
}

// score reads the test data of a network, once, and adds the network to the record and the vectors.
func (record *Record) score(
	ctx context.Context, r *pipeline.Run, n *network.Network, values network.Values, v *results,
) error {
	data, err := r.Data(ctx, n.Name)
	if err != nil {
		return err
	}
	accuracy, right, err := r.Accuracy(ctx, n, values)
	if err != nil {
		return err
	}
	bytes := make([]uint8, len(right))
	for i, is := range right {
		if is {
			bytes[i] = 1
		}
	}
	v.right[record.vectorName(n.Name)] = bytes
	if related := data.Test.Related(); related != nil {
		v.groups[n.Name] = renumbered(related)
	}
	record.Separate += 4 * n.Weights()
	record.Networks = append(record.Networks, NetworkRecord{Name: n.Name, Data: data.Provenance.Kind,
		Samples: samples(data), Validation: accuracy.Validation, Test: accuracy.Test})
	return nil
}

// renumbered gives groups the numbers 0, 1, … in the order in which they appear; -1 stays.
func renumbered(groups []int32) []int32 {
	numbers := map[int32]int32{-1: -1}
	r := make([]int32, len(groups))
	for i, g := range groups {
		if _, ok := numbers[g]; !ok {
			numbers[g] = int32(len(numbers) - 1)
		}
		r[i] = numbers[g]
	}
	return r
}
