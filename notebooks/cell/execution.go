package cell

import (
	"context"
	"fmt"
	"slices"
	"time"

	"weightsep/wslib/claims"
	"weightsep/wslib/execution"
	"weightsep/wslib/pipeline"
)

// us are microseconds.
func us(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d)/1e3) }

// ShowTimes shows how long switches and executions take with each source of weights, and measures what is
// expected of them, but in smoke.
func ShowTimes(run *pipeline.Run) {
	b := Must(run.Benchmark())
	ms := func(d time.Duration, format string) string { return fmt.Sprintf(format, d.Seconds()*1e3) }
	rows := [][]string{{"weights from", "memory held, KB", "switch, median µs", "95 %", "copies", "cold, µs",
		"all switches, ms", "all executions, ms"}}
	for _, s := range b.Sources {
		runs := "" // the others run the same
		if s.Execute.Total > 0 {
			runs = ms(s.Execute.Total, "%.0f")
		}
		rows = append(rows, []string{s.Name, fmt.Sprintf("%.0f", float64(s.Held)/1e3), us(s.Warm.Median),
			us(s.Warm.P95), fmt.Sprintf("%.2f", s.Warm.Copies), us(s.Cold.Median), ms(s.Warm.Total, "%.2f"), runs})
	}
	Table(rows)
	Claim(len(b.Networks) == run.Config().Bench.Executions,
		"%d executions with each source, every score as in the offline evaluation", len(b.Networks))
	if Profile() == "smoke" {
		return
	}
	pages, last := b.Sources[0], b.Sources[len(b.Sources)-1]
	Measured(claims.SwitchCopies, pages.Warm.Copies)
	Measured(claims.SwitchRestores, float64(last.Warm.Median)/float64(pages.Warm.Median))
	Measured(claims.Executes,
		float64(pages.Execute.Median)/float64(b.Source(execution.CopySource).Execute.Median))
}

// ShowRuns shows how long a run takes whose weights are ready, and a switch and a run, by numbers of samples.
func ShowRuns(run *pipeline.Run) {
	rows := [][]string{{"network"}}
	for _, m := range Must(run.Benchmark()).Runs {
		if last := len(rows) - 1; last == 0 || rows[last][0] != m.Network {
			rows = append(rows, []string{m.Network})
		}
		last := len(rows) - 1
		rows[last] = append(rows[last], fmt.Sprintf("%.0f", float64(m.Own)/1e3),
			fmt.Sprintf("%.0f", float64(m.Switch)/1e3))
		if last == 1 {
			rows[0] = append(rows[0], fmt.Sprintf("run %d, µs", m.Batch), "switch and run")
		}
	}
	if len(rows) == 1 {
		fmt.Println("not measured in this profile")
		return
	}
	Table(rows)
}

// ShowSwitches shows how long it takes to switch between networks, one after another and around.
func ShowSwitches(run *pipeline.Run, names ...string) {
	engine := Must(run.Engine(context.Background(), execution.Options{}))
	defer engine.Close()
	times := make([][]time.Duration, len(names))
	for round := range 201 {
		for i, name := range names {
			start := time.Now()
			Check(engine.Switch(name))
			if took := time.Since(start); round > 0 { // the first compiles
				times[i] = append(times[i], took)
			}
		}
	}
	rows := [][]string{{"switch to", "median µs", "fastest µs"}}
	for i, name := range names {
		slices.Sort(times[i])
		rows = append(rows, []string{name, us(times[i][len(times[i])/2]), us(times[i][0])})
	}
	Table(rows)
}
