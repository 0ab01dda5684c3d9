package grid

import (
	"context"
	"strings"

	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
	"weightsep/wslib/pipeline"
)

// separated is weight separation: a run of the pipeline up to its optimized pages.
func (record *Record) separated(ctx context.Context, r *pipeline.Run) (values []network.Values, err error) {
	if err := r.Optimize(ctx); err != nil {
		return nil, err
	}
	set, err := r.Set()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, m := range set.Networks {
		names = append(names, m.Name)
	}
	if set, err = set.Keep(names...); err != nil { // without shared pages that no network uses
		return nil, err
	}
	stored := set.Stored()
	record.Bytes, record.Level1 = stored.Total, stored.Level1()
	for i, m := range set.Networks {
		values = append(values, network.Values{Weights: set.Weights(i), State: m.State})
	}
	return values, nil
}

// compared is one of the other methods, on the run's baselines; a directory keeps what is finished.
func (record *Record) compared(ctx context.Context, r *pipeline.Run, dir string,
	progress func(stage string, done, of int, note string)) (values []network.Values, err error) {
	tasks, err := r.Tasks(ctx)
	if err != nil {
		return nil, err
	}
	backend, err := r.Backend(ctx)
	if err != nil {
		return nil, err
	}
	config := r.Config()
	separates := record.Cell.Method == Quantized // chooses exclusive pages, by Fisher information
	if separates {
		if err := r.Fisher(ctx); err != nil {
			return nil, err
		}
	}
	var starts []network.Values
	for i, n := range r.Networks() {
		v, err := r.Weights(n)
		if err != nil {
			return nil, err
		}
		starts = append(starts, v)
		if separates {
			pages, err := r.Separate(n)
			if err != nil {
				return nil, err
			}
			tasks[i].Exclusive = pages.Exclusive
		}
	}
	trained, err := optimization.Separate(ctx, backend, tasks, starts, config.Pages.PageFormat(),
		config.Optimization, optimization.Options{Seed: record.Seed, Checkpoint: dir},
		func(name string, p optimization.Progress) {
			progress("training", p.Step, p.Steps, strings.TrimSpace(name+" "+p.Note()))
		})
	if err != nil {
		return nil, err
	}
	for _, n := range trained {
		values = append(values, n.Values)
		record.Bytes += n.Bytes
	}
	record.Level1 = record.Bytes
	return values, nil
}
