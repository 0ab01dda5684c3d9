package grid

import (
	"weightsep/datasets"
	"weightsep/wslib/bootstrap"
	"weightsep/wslib/figures"
)

// chart is one that the finished cells are enough for.
type chart struct {
	name string
	draw func() (*figures.Figure, error)
}

// floor is where charts end: methods that lose more than this are named at the edge.
const floor = -12

// paretoCharts show packing against accuracy.
func paretoCharts(rows []row) (charts []chart) {
	var real, all, worst []figures.ParetoPoint
	standIns := false
	for _, r := range rows {
		if r.Method == Further {
			continue
		}
		point := func(i bootstrap.Interval, standIn bool) figures.ParetoPoint {
			return figures.ParetoPoint{Series: r.series(), Label: r.Cell.String(), Ratio: r.ratio(), Change: i.Change, Low: i.Low, High: i.High, StandIn: standIn}
		}
		all = append(all, point(r.all, true))
		standIns = standIns || r.records[0].standIns()
		if r.worst >= 0 {
			real, worst = append(real, point(r.real, false)), append(worst, point(r.networks[r.worst], false))
		}
	}
	if !standIns {
		all = nil // the chart would be that of the real ones
	}
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
	return charts
}

func (r Record) standIns() bool {
	for _, n := range r.Networks {
		if n.Data != datasets.Real {
			return true
		}
	}
	return false
}

func (r *results) convergenceChart(rows []row) []chart {
	lines := r.courses(rows)
	if len(lines) == 0 {
		return nil
	}
	return []chart{{"convergence.svg", func() (*figures.Figure, error) {
		return figures.Convergence(lines, figures.ConvergenceOptions{
			Title: "Mean validation accuracy of all networks, against that of the separate ones", Target: -0.22, Floor: floor})
	}}}
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
				line.At, line.Change = append(line.At, first.TeacherSeconds+p.Seconds), append(line.Change, 100*(p.Mean-goal))
			}
		}
		if len(line.At) > 0 && goal > 0 {
			lines = append(lines, line)
		}
	}
	return lines
}
