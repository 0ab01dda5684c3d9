package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"weightsep/datasets"
	"weightsep/wslib/figures"
	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
	"weightsep/wslib/separation"
)

// RealFirst are the networks in the order of a summary; those whose data are not known yet come first.
func (r *Run) RealFirst() ([]*network.Network, error) {
	data, err := r.allProvenance()
	return byData(r.Networks(), func(n *network.Network) string { return data[n.Name].Kind }), err
}

// densities are the contribution densities of the networks' pages, and which of them are exclusive.
func (r *Run) densities() (rows []figures.DensityOf, err error) {
	networks, err := r.RealFirst()
	if err != nil {
		return nil, err
	}
	for _, n := range networks {
		m, err := r.Separate(n)
		if err != nil {
			return nil, err
		}
		rows = append(rows, figures.DensityOf{Name: n.Name,
			Density: separation.Density(m.Fisher, r.config.Pages.Size), Exclusive: m.Exclusive})
	}
	return rows, nil
}

// FisherChart shows each network's Fisher information over its pages.
func (r *Run) FisherChart() (*figures.Figure, error) {
	rows, err := r.densities()
	if err != nil {
		return nil, err
	}
	return figures.Fisher(rows)
}

// DensityChart shows each network's contribution density and the cut between
// exclusive and sharable pages. It needs the Fisher information.
func (r *Run) DensityChart() (*figures.Figure, error) {
	rows, err := r.densities()
	if err != nil {
		return nil, err
	}
	return figures.Density(rows, min(1, max(0, r.config.Pages.TPR-r.config.Pages.Margin)))
}

// PageMapChart shows which layer of which network lies on which shared page, of the optimized
// pages where there are some.
func (r *Run) PageMapChart() (*figures.Figure, error) {
	f, _, err := r.placed()
	if err != nil {
		return nil, err
	}
	return figures.PageMap(f)
}

// CostChart shows what it costs, before training, that networks share pages.
func (r *Run) CostChart() (*figures.Figure, error) {
	plan, err := r.Plan()
	if err != nil {
		return nil, err
	}
	return figures.Costs(r.config.Networks, plan.Between())
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
	networks, err := r.RealFirst()
	if err != nil {
		return nil, err
	}
	data, err := r.allProvenance()
	if err != nil {
		return nil, err
	}
	title := h.Method + " optimization"
	for _, name := range network.Names(networks) {
		i := slices.Index(h.Networks, name)
		if slices.ContainsFunc(h.Points, func(p optimization.Point) bool { return p.Validation[i] < 0 }) {
			continue // an error, not an accuracy
		}
		if data[name].Kind == datasets.StandIn {
			title = h.Method + " optimization; stand-ins count in the mean"
			name += " (stand-in)"
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
	return figures.History(title, names, steps, validation)
}

// BeforeAfterChart is [Summary.BeforeAfterChart] of the run.
func (r *Run) BeforeAfterChart() (*figures.Figure, error) {
	s, err := r.Summary()
	if err != nil {
		return nil, err
	}
	return s.BeforeAfterChart()
}

// BeforeAfterChart shows test accuracy before and after weight separation.
func (s *Summary) BeforeAfterChart() (*figures.Figure, error) {
	var rows []figures.AccuracyRow
	for _, n := range s.RealFirst() {
		if n.Before.Untested || !n.inPercent() {
			continue
		}
		rows = append(rows, figures.AccuracyRow{Name: n.Name, Data: n.Data, Before: n.Before.Test,
			After: n.After.Test, Change: n.Change})
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

// A Chart is a figure of a run.
type Chart struct {
	Name  string // of its files
	Shows string
	Draw  func(*Run) (*figures.Figure, error) // ErrNotDone: a stage that it needs is missing
}

// Charts are all figures of a run, in the order of its stages. Each figure has its numbers with it.
func Charts() []Chart {
	return []Chart{
		{"fisher", "Fisher information over the pages of each network", (*Run).FisherChart},
		{"density", "contribution density, and the cut between exclusive and shared pages",
			(*Run).DensityChart},
		{"pagemap", "which layer of which network lies on which page", (*Run).PageMapChart},
		{"costs", "what overlapping costs, network by network", (*Run).CostChart},
		{"history", "validation accuracy over the steps of the optimization", (*Run).HistoryChart},
		{"accuracy", "test accuracy before and after", (*Run).BeforeAfterChart},
		{"memory", "bytes stored, before and after", (*Run).MemoryChart},
		{"times", "time of a switch, with weights from pages, files and frameworks", (*Run).TimesChart},
		{"load", "latency of requests against their number", (*Run).LoadChart},
	}
}

// Figures saves every chart that the run has results for into dir, in each of [figures.Formats], and tells
// which, or why a chart is not there.
func (r *Run) Figures(ctx context.Context, dir string, tell func(c Chart, missing error)) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, c := range Charts() {
		if err := ctx.Err(); err != nil {
			return err
		}
		f, err := c.Draw(r)
		if errors.Is(err, ErrNotDone) {
			tell(c, err)
			continue
		}
		if err == nil {
			err = f.SaveAll(filepath.Join(dir, c.Name))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
		tell(c, nil)
	}
	return nil
}
