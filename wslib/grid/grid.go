// Package grid compares methods of packing networks: it runs every method at every
// budget with every seed, keeps what is finished, and makes one table and the charts
// of it.
//
// All methods but [Alternating], which keeps its own schedule, start from the same separate networks
// and get the same further steps, schedule and dropout, but that packed networks may have a dropout
// of their own. Changes of accuracy are against the separate networks with just these further steps
// ([Further]). All but [Further] and [Alternating] may follow the outputs of the separate networks or
// of the reference, and mix samples; only joint training has loss weights and loads. Test data is
// read once, when a cell is done and nothing is chosen any more.
package grid

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"weightsep/datasets"
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
		if _, _, err := s.config(c, s.Seeds[0]); err != nil {
			return fmt.Errorf("grid: %s: %w", c, err)
		}
	}
	return nil
}

// key hashes what decides a cell's result but the data, which the record has.
func (s Spec) key(c Cell, seed uint64) (string, error) {
	config, _, err := s.config(c, seed)
	if err != nil {
		return "", fmt.Errorf("grid: %s: %w", c, err)
	}
	raw, err := json.Marshal(map[string]any{"cell": c, "config": config})
	if err != nil {
		return "", fmt.Errorf("grid: %s: %w", c, err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8]), nil
}

// Options of [Run].
type Options struct {
	Backend  string
	Log      io.Writer                                    // nil: nothing is logged
	Progress func(cell string, done, of int, note string) // nil: nothing is told
}

// Run runs every cell that is not finished in the directory, the reference first. A cell that
// fails does not keep the others from running; the errors are returned together. Nothing runs
// where the directory has cells of another configuration or of other data than there are now.
func Run(ctx context.Context, dir string, s Spec, o Options) error {
	if err := s.Validate(); err != nil {
		return err
	}
	if o.Progress == nil {
		o.Progress = func(string, int, int, string) {}
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("grid: %w", err)
	}
	g := &grid{Spec: s, Options: o, dir: dir}
	finished, err := g.finished(ctx)
	if err != nil {
		return err
	}
	cells := s.Cells
	if !slices.Contains(cells, Cell{Method: Further}) {
		cells = append([]Cell{{Method: Further}}, cells...)
	}
	var failed []error
	for _, seed := range s.Seeds {
		for _, c := range cells {
			if slices.ContainsFunc(finished, func(r Record) bool { return r.Cell == c && r.Seed == seed }) {
				continue
			}
			if err := g.run(ctx, c, seed); err != nil {
				if ctx.Err() != nil {
					return err
				}
				failed = append(failed, fmt.Errorf("%s, seed %d: %w", c, seed, err))
			}
		}
	}
	if failed != nil {
		return fmt.Errorf("grid: %d cells failed:\n%w", len(failed), errors.Join(failed...))
	}
	return nil
}

// grid is one call of [Run]. What is unfinished lies in the directories of the seeds: baselines,
// teachers, and in a directory for each cell its run or networks.
type grid struct {
	Spec
	Options
	dir string
}

// finished are the records of the directory, if all are of this configuration and data.
func (g *grid) finished(ctx context.Context) ([]Record, error) {
	records, err := readRecords(g.dir)
	if err != nil || len(records) == 0 {
		return nil, err
	}
	for _, r := range records {
		if key, err := g.key(r.Cell, r.Seed); err != nil {
			return nil, err
		} else if key != r.Key {
			return nil, fmt.Errorf("grid: %s, seed %d, in %s is of another configuration: choose another "+
				"directory",
				r.Cell, r.Seed, g.dir)
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
	for _, r := range records {
		for _, n := range r.Networks {
			if n.Samples != now[n.Name] {
				return nil, fmt.Errorf("grid: %s, seed %d, in %s was made with other %s data: %s; now "+
					"there is %s",
					r.Cell, r.Seed, g.dir, n.Name, n.Samples, now[n.Name])
			}
		}
	}
	return records, nil
}

// samples tells data apart.
func samples(d *datasets.Dataset) string {
	p := d.Provenance
	return fmt.Sprintf("%s, %d training and %d test samples, %s", p.Source, p.Train, p.Test, p.Content)
}

// outcome is what a method gives.
type outcome struct {
	values  []network.Values // as executed, of each network
	bytes   int
	level1  int
	history []Point
}

// run trains, scores and records a cell.
func (g *grid) run(ctx context.Context, c Cell, seed uint64) (err error) {
	config, plan, err := g.config(c, seed)
	if err != nil {
		return err
	}
	key, err := g.key(c, seed)
	if err != nil {
		return err
	}
	watch := &stopwatch{path: filepath.Join(g.path(seed, c.String(), "run"), "seconds.json")}
	teachers := g.path(seed, "teachers")
	if config.Optimization.TeacherSteps == config.Optimization.Steps {
		teachers = g.path(seed, Further, "networks") // the same training
	}
	r, err := pipeline.Open(g.path(seed, c.String(), "run"), config, pipeline.Options{
		Backend: g.Backend, Log: g.Log, Baselines: g.path(seed, "baselines"), Teachers: teachers,
		Progress: func(stage string, done, of int, note string) {
			watch.tick()
			g.Progress(fmt.Sprintf("%s seed %d: %s", c, seed, stage), done, of, note)
		},
	})
	if err != nil {
		return err
	}
	defer r.Close()
	// What other cells of the seed share is not of this one's time.
	if err := r.Teachers(ctx); err != nil {
		return err
	}
	if err := watch.begin(); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, watch.stop())
		}
	}()
	var o *outcome
	if c.paged() {
		o, err = g.separated(ctx, r, watch)
	} else {
		o, err = g.compared(ctx, r, c, seed, watch)
	}
	if err != nil {
		return err
	}
	record := Record{Cell: c, Seed: seed, Key: key, Bytes: o.bytes, Level1: o.level1, History: o.history,
		Seconds: watch.seconds()}
	if plan != nil {
		record.Pages = fmt.Sprintf("%d shared of %v, %s exclusive a network of %v, scales %s%s", plan.Shared,
			plan.Precision, plan.ExclusiveRange(), plan.ExclusivePrecision, plan.ScaleFormat,
			plan.KeysText())
	}
	if record.TeacherSeconds, err = g.teacherSeconds(config, seed); err != nil {
		return err
	}
	v := newVectors()
	for i, n := range r.Networks() {
		if err := record.score(ctx, r, n, o.values[i], v); err != nil {
			return err
		}
	}
	if err := add(g.dir, record, v); err != nil {
		return err
	}
	return watch.done()
}

func (g *grid) path(seed uint64, elem ...string) string {
	return filepath.Join(append([]string{g.dir, fmt.Sprint("seed-", seed)}, elem...)...)
}

// teacherSeconds is how long the networks were trained that a run with pages is distilled
// from: as long as the reference, of which they are, in proportion to their steps.
func (g *grid) teacherSeconds(c pipeline.Config, seed uint64) (float64, error) {
	o := c.Optimization
	records, err := readRecords(g.dir)
	further := (&results{records: records}).reference(seed)
	if further == nil || o.Distillation == 0 {
		return 0, err
	}
	return further.Seconds * float64(o.TeacherSteps) / float64(max(1, o.Steps)), err
}

// separated is weight separation: a run of the pipeline up to its optimized pages.
func (g *grid) separated(ctx context.Context, r *pipeline.Run, watch *stopwatch) (*outcome, error) {
	if err := r.Optimize(ctx); err != nil {
		return nil, err
	}
	set, err := r.Set()
	if err != nil {
		return nil, err
	}
	stored := set.Stored()
	o := &outcome{bytes: stored.Total, level1: stored.Level1()}
	for i := range set.Networks {
		o.values = append(o.values, network.Values{Weights: set.Weights(i), State: set.Networks[i].State})
	}
	h, err := r.History()
	if err != nil {
		return nil, err
	}
	seconds := watch.seconds()
	for _, p := range h.Points {
		at := seconds * float64(p.Step) / float64(max(1, h.Points[len(h.Points)-1].Step))
		o.history = append(o.history, Point{Step: p.Step, Seconds: at, Mean: p.Mean})
	}
	return o, nil
}

// compared is one of the other methods, on the run's baselines.
func (g *grid) compared(
	ctx context.Context, r *pipeline.Run, c Cell, seed uint64, w *stopwatch,
) (*outcome, error) {
	tasks, err := r.Tasks(ctx)
	if err != nil {
		return nil, err
	}
	backend, err := r.Backend(ctx)
	if err != nil {
		return nil, err
	}
	var starts []network.Values
	for _, n := range r.Networks() {
		v, err := r.Weights(n)
		if err != nil {
			return nil, err
		}
		starts = append(starts, v)
	}
	config := r.Config()
	options := optimization.Options{Seed: seed, Checkpoint: g.path(seed, c.String(), "networks")}
	trained, err := optimization.Separate(ctx, backend, tasks, starts, config.Pages.PageFormat(),
		config.Optimization, options,
		func(name string, p optimization.Progress) {
			w.tick()
			if p.Point != nil {
				name = fmt.Sprintf("%s validation %.2f %%", name, 100*p.Point.Mean)
			}
			g.Progress(fmt.Sprintf("%s seed %d: training", c, seed), p.Step, p.Steps, name)
		})
	if err != nil {
		return nil, err
	}
	o := &outcome{}
	// The mean validation accuracy, where all networks have one after the same number of steps.
	means, count := map[int]float64{}, map[int]int{}
	for _, n := range trained {
		o.values, o.bytes, o.level1 = append(o.values, n.Values), o.bytes+n.Bytes, o.level1+n.Bytes
		for _, p := range n.History {
			means[p.Step] += p.Mean / float64(len(trained))
			count[p.Step]++
		}
	}
	for _, step := range slices.Sorted(maps.Keys(means)) {
		if count[step] == len(trained) {
			o.history = append(o.history, Point{Step: step, Mean: means[step]})
		}
	}
	return o, nil
}
