package grid

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"

	"github.com/google/renameio/v2"

	"weightsep/datasets"
	"weightsep/wslib/bootstrap"
	"weightsep/wslib/figures"
)

// Report makes table.csv, table.md and the charts of what is finished, and returns
// the names of the files. That nothing is finished is an error.
func (g *Grid) Report(ctx context.Context) ([]string, error) {
	rows, err := g.Table(ctx)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("grid: no cell is finished in %s", g.Dir)
	}
	var files []string
	for _, f := range []struct {
		name  string
		write func(*bytes.Buffer) error
	}{
		{"table.csv", func(b *bytes.Buffer) error { return WriteCSV(b, rows) }},
		{"table.md", func(b *bytes.Buffer) error { return WriteMarkdown(b, rows) }},
	} {
		var b bytes.Buffer
		if err := f.write(&b); err != nil {
			return files, fmt.Errorf("grid: %s: %w", f.name, err)
		}
		if err := renameio.WriteFile(filepath.Join(g.Dir, f.name), b.Bytes(), 0o644); err != nil {
			return files, fmt.Errorf("grid: %w", err)
		}
		files = append(files, f.name)
	}
	charts, err := g.charts(rows)
	if err != nil {
		return files, err
	}
	for _, c := range charts {
		f, err := c.draw()
		if err != nil {
			return files, fmt.Errorf("grid: %s: %w", c.name, err)
		}
		if err := f.Save(filepath.Join(g.Dir, c.name)); err != nil {
			return files, err
		}
		files = append(files, c.name)
	}
	return files, nil
}

// chart is one that the finished cells are enough for.
type chart struct {
	name string
	draw func() (*figures.Figure, error)
}

// floor is where charts end: methods that lose more than this are named at the edge.
const floor = -12

func (g *Grid) charts(rows []Row) ([]chart, error) {
	var real, all, worst []figures.ParetoPoint
	standIns := false
	for _, r := range rows {
		if r.Cell.Method == Further {
			continue
		}
		point := func(i bootstrap.Interval, standIn bool) figures.ParetoPoint {
			return figures.ParetoPoint{Series: r.Cell.series(), Label: r.Cell.String(), Ratio: r.Ratio, Change: i.Change, Low: i.Low, High: i.High, StandIn: standIn}
		}
		all = append(all, point(r.All, true))
		for _, n := range r.Records[0].Networks {
			standIns = standIns || n.Data != datasets.Real
		}
		if r.Worst >= 0 {
			real, worst = append(real, point(r.Real, false)), append(worst, point(r.Networks[r.Worst], false))
		}
	}
	if !standIns {
		all = nil // the chart would be that of the real ones
	}
	var charts []chart
	for _, c := range []struct {
		name, title string
		points      []figures.ParetoPoint
		worst       bool
	}{
		{"pareto.svg", "Packing and accuracy, mean over networks on real data", real, false},
		{"pareto-worst.svg", "Packing and accuracy, worst network on real data", worst, true},
		{"pareto-all.svg", "Packing and accuracy, mean over all networks, stand-ins among them", all, false},
	} {
		if len(c.points) > 0 {
			charts = append(charts, chart{c.name, func() (*figures.Figure, error) {
				return figures.Pareto(c.points, figures.ParetoOptions{Title: c.title, Worst: c.worst, Floor: floor})
			}})
		}
	}
	lines, err := g.courses(rows)
	if err != nil {
		return nil, err
	}
	if len(lines) > 0 {
		charts = append(charts, chart{"convergence.svg", func() (*figures.Figure, error) {
			return figures.Convergence(lines, figures.ConvergenceOptions{
				Title: "Mean validation accuracy of all networks, against that of the separate ones", Target: -0.22, Floor: floor})
		}})
	}
	return charts, nil
}

// series that a cell belongs to in a chart.
func (c Cell) series() string {
	if c.Bits > 0 && c.Method == Joint {
		return fmt.Sprintf("%s, %d bits", c.Method, c.Bits)
	}
	return c.Method
}

// courses are the mean validation accuracies over wall time of those methods that have
// one, against the best mean of the reference at any step; on ValidateOn samples of each network, but
// for alternating, which has all of them by its own schedule. Where joint training is distilled from networks that were trained
// further, the time of that comes first.
func (g *Grid) courses(rows []Row) ([]figures.ConvergenceLine, error) {
	var lines []figures.ConvergenceLine
	for _, r := range rows {
		reference, ok, err := g.record(Cell{Method: Further}, r.Seeds[0])
		if err != nil {
			return nil, err
		}
		if !ok || len(reference.History) == 0 {
			continue
		}
		goal := 0.0
		for _, p := range reference.History {
			goal = max(goal, p.Mean)
		}
		line := figures.ConvergenceLine{Name: r.Cell.String()}
		for _, n := range reference.Networks {
			line.StandIn = line.StandIn || n.Data != datasets.Real
		}
		before := 0.0
		if o := g.Spec.Config.Optimization; (r.Cell.Method == Joint || r.Cell.Method == RandomTable) && o.Distillation > 0 && o.TeacherSteps > 0 {
			before = reference.Seconds * float64(o.TeacherSteps) / float64(o.Steps)
		}
		for _, p := range r.Records[0].History {
			if p.Seconds > 0 {
				line.At, line.Change = append(line.At, before+p.Seconds), append(line.Change, 100*(p.Mean-goal))
			}
		}
		if len(line.At) > 0 {
			lines = append(lines, line)
		}
	}
	return lines, nil
}
