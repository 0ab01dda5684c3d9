package pipeline

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"weightsep/datasets"
	"weightsep/wslib/bootstrap"
)

func checkSummary(t *testing.T, r *Run) {
	t.Helper()
	s, err := ReadSummary(r.Dir.File(SummaryFile))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Networks) != 2 || s.Networks[0].Data != "real" || s.Networks[1].Data != "stand-in" {
		t.Fatalf("networks %+v", s.Networks)
	}
	if n := s.Networks[0]; n.Weights != 65402 || n.Pages != 128 || !strings.Contains(n.Samples, "of 60000") {
		t.Errorf("mnist: %+v", n)
	}
	set, err := r.Set()
	if err != nil {
		t.Fatal(err)
	}
	own := 0
	for i, m := range set.Networks {
		own += len(m.Table.Exclusive())
		if got := s.Networks[i].ExclusivePages; got != len(m.Table.Exclusive()) {
			t.Errorf("%s: %d exclusive pages in the summary, %d in its table", m.Name, got,
				len(m.Table.Exclusive()))
		}
	}
	// 4 bytes for every weight in pages and for a scale, 1 for a table entry: 128+137 pages.
	if want := 4*((128+own)*512+128+137) + 128 + 137; s.Stored.Total != want {
		t.Errorf("%d bytes stored, want %d", s.Stored.Total, want)
	}
	if s.Executions != 4 || len(s.Bench) < 7 || s.Bench[0].SwitchMS <= 0 || s.Seconds[stageOptimize] <= 0 {
		t.Errorf("%d executions, bench %+v, seconds %v", s.Executions, s.Bench, s.Seconds)
	}
	if planned, err := r.Planned(); err != nil || planned != s.Stored {
		t.Errorf("planned %+v (%v), stored %+v", planned, err, s.Stored)
	}
	for i, n := range s.Networks {
		m := s.Means[i]
		if n.Change == nil || math.Abs(n.Change.Change-100*(n.After.Test-n.Before.Test)) > 1e-9 ||
			n.Change.Low > n.Change.Change || n.Change.High < n.Change.Change ||
			m.Data != n.Data || m.Networks != 1 || m.Interval != *n.Change {
			t.Errorf("%s: %+v, change %v, mean %+v", n.Name, n, n.Change, m)
		}
	}
}

// The table has real networks first, and no mean is of real data and stand-ins.
func TestSummaryHasRealDataFirst(t *testing.T) {
	of := func(name, data string, before, after float64) NetworkSummary {
		return NetworkSummary{Name: name, Data: data, Before: Accuracy{Test: before},
			After: Accuracy{Test: after}}
	}
	gain := bootstrap.Interval{Change: 1, Low: -0.5, High: 2.5}
	s := Summary{Networks: []NetworkSummary{of("svhn", datasets.StandIn, 0.9, 0.8),
		of("gtsrb", datasets.StandIn, 0.9, 0.8), of("mnist", datasets.Real, 0.97, 0.98),
		of("mine", datasets.OwnData, -2, -1.5)},
		Means: []MeanChange{{datasets.Real, 1, gain}, {datasets.StandIn, 2, bootstrap.Interval{}}}}
	s.Networks[2].Change, s.Networks[3].Score = &gain, "mean squared error"
	var text bytes.Buffer
	if err := s.Write(&text); err != nil {
		t.Fatal(err)
	}
	at := -1
	for _, want := range []string{"mnist", "+1.00 (-0.50 to +2.50)", "mine", "+0.5 (mean squared error)",
		"svhn", "-10.00", "gtsrb", "  +1.00 (-0.50 to +2.50) points: 1 network on real data.\n",
		"points: mean of 2 networks on stand-in data"} {
		i := strings.Index(text.String(), want)
		if i <= at {
			t.Errorf("%q is at %d, after %d, in\n%s", want, i, at, text.String())
		}
		at = i
	}
}
