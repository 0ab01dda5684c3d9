package grid

import (
	"fmt"
	"path/filepath"

	"weightsep/datasets"
	"weightsep/wslib/bootstrap"
	"weightsep/wslib/figures"
)

// floor is where charts end, in points: methods that lose more are named at the edge.
const floor = -12

// draw saves the charts in a directory that the finished cells are enough for, and returns
// the names of the files.
func (r *results) draw(dir string, rows []row) (files []string, err error) {
	save := func(name string, f *figures.Figure, failed error) {
		if err != nil {
			return
		}
		if err = failed; err == nil {
			err = f.Save(filepath.Join(dir, name))
		}
		if err != nil {
			err = fmt.Errorf("grid: %s: %w", name, err)
			return
		}
		files = append(files, name)
	}
	var real, all, worst []figures.ParetoPoint
	standIns := false
	for _, r := range rows {
		if r.Method == Further {
			continue
		}
		point := func(i bootstrap.Interval, standIn bool) figures.ParetoPoint {
			return figures.ParetoPoint{Series: r.series(), Label: r.Cell.String(), Ratio: r.ratio(),
				Change: i.Change, Low: i.Low, High: i.High, StandIn: standIn}
		}
		all = append(all, point(r.all, true))
		standIns = standIns || r.records[0].standIns()
		if r.worst >= 0 {
			real, worst = append(real, point(r.real, false)),
				append(worst, point(r.networks[r.worst], false))
		}
	}
	pareto := func(name, title string, points []figures.ParetoPoint, worst bool) {
		if len(points) > 0 {
			o := figures.ParetoOptions{Title: "Packing and accuracy, " + title, Worst: worst, Floor: floor}
			f, err := figures.Pareto(points, o)
			save(name, f, err)
		}
	}
	pareto("pareto.svg", "mean over networks on real data", real, false)
	pareto("pareto-worst.svg", "worst network on real data", worst, true)
	if standIns { // else the chart would be that of the real ones
		pareto("pareto-all.svg", "mean over all networks, stand-ins among them", all, false)
	}
	if lines := r.courses(rows); len(lines) > 0 {
		f, err := figures.Convergence(lines, figures.ConvergenceOptions{Target: -0.22, Floor: floor,
			Title: "Mean validation accuracy of all networks, against that of the separate ones"})
		save("convergence.svg", f, err)
	}
	return files, err
}

func (r Record) standIns() bool {
	for _, n := range r.Networks {
		if n.Data != datasets.Real {
			return true
		}
	}
	return false
}

// courses are the mean validation accuracies over wall time of those methods that have one,
// against the best mean of the reference at any step, after the time of the networks that they
// are distilled from. Validation data are those that the schedule has: while training at most
// ValidateOn samples of each network, but for alternating all.
func (r *results) courses(rows []row) (lines []figures.ConvergenceLine) {
	for _, row := range rows {
		first := row.records[0]
		goal := 0.0
		for _, p := range r.reference(first.Seed).History {
			goal = max(goal, p.Mean)
		}
		line := figures.ConvergenceLine{Name: row.Cell.String(), StandIn: first.standIns()}
		for _, p := range first.History {
			if p.Seconds > 0 {
				line.At = append(line.At, first.TeacherSeconds+p.Seconds)
				line.Change = append(line.Change, 100*(p.Mean-goal))
			}
		}
		if len(line.At) > 0 && goal > 0 {
			lines = append(lines, line)
		}
	}
	return lines
}
