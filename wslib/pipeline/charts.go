package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"weightsep/wslib/figures"
	"weightsep/wslib/optimization"
	"weightsep/wslib/page"
	"weightsep/wslib/separation"
)

// DensityChart shows each network's contribution density and the cut between
// exclusive and sharable pages. It needs the Fisher information.
func (r *Run) DensityChart() (*figures.Figure, error) {
	var rows []figures.DensityOf
	for _, n := range r.Networks() {
		m, err := r.Separate(n)
		if err != nil {
			return nil, err
		}
		rows = append(rows, figures.DensityOf{Name: n.Name,
			Density: separation.Density(m.Fisher, r.config.Pages.Size), Exclusive: m.Exclusive})
	}
	return figures.Density(rows)
}

// OccupancyChart shows which network uses which shared page.
func (r *Run) OccupancyChart() (*figures.Figure, error) {
	set, err := r.OverlappedSet()
	if err != nil {
		return nil, err
	}
	var tables []page.Table
	for _, m := range set.Networks {
		tables = append(tables, m.Table)
	}
	return figures.Occupancy(r.config.Networks, tables, set.Shared)
}

// errNoAccuracy leaves out a chart of runs whose networks' scores are errors.
var errNoAccuracy = fmt.Errorf("no network is scored in percent: %w", ErrNotDone)

// HistoryChart shows validation accuracy over the steps of the optimization.
func (r *Run) HistoryChart() (*figures.Figure, error) {
	h, err := r.History()
	if err != nil {
		return nil, err
	}
	var names []string
	var steps []int
	validation := make([][]float64, len(h.Points))
	for i, name := range h.Networks {
		if slices.ContainsFunc(h.Points, func(p optimization.Point) bool { return p.Validation[i] < 0 }) {
			continue // an error, not an accuracy
		}
		names = append(names, name)
		for k, p := range h.Points {
			validation[k] = append(validation[k], p.Validation[i])
		}
	}
	if len(names) == 0 {
		return nil, errNoAccuracy
	}
	if len(h.Points) == 0 {
		return nil, fmt.Errorf("nothing was trained: %w", ErrNotDone)
	}
	for _, p := range h.Points {
		steps = append(steps, p.Step)
	}
	return figures.History(h.Method+" optimization", names, steps, validation)
}

// BeforeAfterChart shows test accuracy before and after weight separation.
func (r *Run) BeforeAfterChart() (*figures.Figure, error) {
	s, err := r.Summary()
	if err != nil {
		return nil, err
	}
	var rows []figures.AccuracyRow
	for _, n := range s.Networks {
		if n.Before.Untested || !n.inPercent() {
			continue
		}
		rows = append(rows, figures.AccuracyRow{Name: n.Name, Data: n.Data, Before: n.Before.Test,
			After: n.After.Test})
	}
	if len(rows) == 0 {
		return nil, errNoAccuracy
	}
	return figures.BeforeAfter(rows)
}

// MemoryChart shows what the networks take, separately and from optimized pages.
func (r *Run) MemoryChart() (*figures.Figure, error) {
	set, err := r.Set()
	if err != nil {
		return nil, err
	}
	return figures.Memory(set.Stored())
}

// TimesChart shows switching and execution times of the benchmark.
func (r *Run) TimesChart() (*figures.Figure, error) {
	b, err := r.Benchmark()
	if err != nil {
		return nil, err
	}
	return figures.Times(b)
}

// LoadChart shows latency against load in the benchmark.
func (r *Run) LoadChart() (*figures.Figure, error) {
	b, err := r.Benchmark()
	if err != nil {
		return nil, err
	}
	if b.Load == nil {
		return nil, fmt.Errorf("load: %w: the benchmark has no requests", ErrNotDone)
	}
	return figures.Load(b.Load)
}

// PlayFile is the name of the page to play with, beside the charts.
const PlayFile = "play.html"

// Figures saves every chart that the run has results for as NAME.svg into dir, and the page
// to play with, and returns the names.
func (r *Run) Figures(ctx context.Context, dir string) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	var saved []string
	for _, c := range []struct {
		name string
		draw func() (*figures.Figure, error)
	}{
		{"density", r.DensityChart}, {"occupancy", r.OccupancyChart}, {"history", r.HistoryChart},
		{"accuracy", r.BeforeAfterChart}, {"memory", r.MemoryChart}, {"times", r.TimesChart},
		{"load", r.LoadChart},
	} {
		if err := ctx.Err(); err != nil {
			return saved, err
		}
		f, err := c.draw()
		if errors.Is(err, ErrNotDone) {
			continue
		}
		if err != nil {
			return saved, fmt.Errorf("%s: %w", c.name, err)
		}
		if err := f.Save(filepath.Join(dir, c.name+".svg")); err != nil {
			return saved, err
		}
		saved = append(saved, c.name+".svg")
	}
	p, err := r.Play()
	if errors.Is(err, ErrNotDone) {
		return saved, nil
	}
	if err == nil {
		err = p.Save(filepath.Join(dir, PlayFile))
	}
	if err != nil {
		return saved, fmt.Errorf("%s: %w", PlayFile, err)
	}
	return append(saved, PlayFile), nil
}
