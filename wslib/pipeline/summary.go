package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"weightsep/datasets"
	"weightsep/datasets/files"
	"weightsep/wslib/bootstrap"
	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
	"weightsep/wslib/page"
	"weightsep/xla"
)

// SummaryFile is the summary's name in the run directory.
const SummaryFile = "summary.json"

// Summary is what came out of a run.
type Summary struct {
	Format   int              `json:"format"`
	Profile  string           `json:"profile"`
	Method   string           `json:"method"`
	Seed     uint64           `json:"seed"`
	Backend  xla.Info         `json:"backend"`
	Networks []NetworkSummary `json:"networks"`

	SharedPages    int          `json:"sharedPages"`
	ExclusivePages int          `json:"exclusivePages"`
	PageSize       int          `json:"pageSize"`
	Stored         page.Stored  `json:"storedBytes"`
	Means          []MeanChange `json:"meanTestChanges"`      // of accuracy, in points
	Executions     int          `json:"executions,omitempty"` // of the benchmark
	Bench          []BenchTimes `json:"switching,omitempty"`
	Warning        string       `json:"warning,omitempty"` // training gained nothing

	Seconds map[string]float64 `json:"wallSeconds"` // of each stage
}

// NetworkSummary is one network's row.
type NetworkSummary struct {
	Name           string   `json:"name"`
	Data           string   `json:"data"`            // "real", "stand-in" or "own"
	Score          string   `json:"score,omitempty"` // what before and after are; "": accuracy
	Samples        string   `json:"samples"`
	Weights        int      `json:"weights"`
	Pages          int      `json:"pages"`
	ExclusivePages int      `json:"exclusivePages"`
	Before         Accuracy `json:"before"`
	After          Accuracy `json:"after"`

	Change *bootstrap.Interval `json:"change,omitempty"` // of test accuracy, in points
}

// inPercent tells scores from 0 to 1 from errors, which are below 0.
func (n NetworkSummary) inPercent() bool { return n.Before.Test >= 0 && n.After.Test >= 0 }

// BenchTimes are one source of weights in the benchmark: totals of all executions, in milliseconds.
type BenchTimes struct {
	Source    string  `json:"source"`
	SwitchMS  float64 `json:"switchMs"`
	ExecuteMS float64 `json:"executeMs,omitempty"`
	Copies    float64 `json:"copies"` // median switch, in copies of the float32 weights
}

// Summary puts together what is there so far; the evaluation must be.
func (r *Run) Summary() (*Summary, error) {
	evaluated, err := r.Evaluated()
	if err != nil {
		return nil, err
	}
	set, err := r.Set()
	if err != nil {
		return nil, err
	}
	s := &Summary{
		Format: 1, Profile: r.config.Profile, Method: r.config.Optimization.Method, Seed: r.config.Seed,
		SharedPages: set.Shared, PageSize: set.Size, Stored: set.Stored(), Means: evaluated.Means,
		Seconds: map[string]float64{},
	}
	if err := json.Unmarshal(r.Dir.Manifest.Backend, &s.Backend); err != nil {
		return nil, fmt.Errorf("summary: backend: %w", err)
	}
	data, err := r.allProvenance()
	if err != nil {
		return nil, err
	}
	h, err := r.History()
	if err != nil {
		return nil, err
	}
	if !optimization.Gained(h.Points) {
		s.Warning = optimization.NothingGained
	}
	for i, e := range evaluated.Networks {
		m, p := set.Networks[i], data[e.Network]
		row := NetworkSummary{
			Name: e.Network, Data: p.Kind, Weights: m.Weights, Pages: len(m.Table.Entries),
			Samples: fmt.Sprintf("%d of %d train, %d of %d test", p.Train, p.TrainOf, p.Test,
				p.TestOf),
			ExclusivePages: len(m.Table.Exclusive()), Before: e.Before, After: e.After,
			Change: e.Change,
		}
		if n := r.Networks()[i].For(); n.Name() != (network.Classification{}).Name() {
			row.Score = n.ScoreName()
		}
		s.Networks = append(s.Networks, row)
		s.ExclusivePages += row.ExclusivePages
	}
	for _, stage := range r.Dir.Manifest.Stages {
		if id, err := r.id(stage.Name); err == nil && id == stage.ID {
			s.Seconds[stage.Name] = stage.Seconds
		}
	}
	b, err := r.Benchmark()
	if errors.Is(err, ErrNotDone) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	s.Executions = len(b.Networks)
	for _, x := range b.Sources {
		s.Bench = append(s.Bench, BenchTimes{x.Name, ms(x.Warm.Total), ms(x.Execute.Total), x.Warm.Copies})
	}
	return s, nil
}

func (r *Run) writeSummary() error {
	s, err := r.Summary()
	if err != nil {
		return err
	}
	return r.Dir.WriteJSON(SummaryFile, s)
}

// ReadSummary reads the summary of a run directory.
func ReadSummary(path string) (*Summary, error) {
	s := new(Summary)
	if err := files.ReadJSON(path, s); err != nil {
		return nil, err
	}
	return s, nil
}

// RealFirst are the networks on real data, then those on their user's own, then those on stand-ins.
func (s *Summary) RealFirst() []NetworkSummary {
	return byData(s.Networks, func(n NetworkSummary) string { return n.Data })
}

// byData orders by kind of data, and leaves what is alike as it is.
func byData[T any](all []T, kind func(T) string) []T {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b T) int {
		return slices.Index(kinds, kind(a)) - slices.Index(kinds, kind(b))
	})
	return all
}

// Texts are the test scores for a table, accuracies in percent, and their change: of an accuracy in points,
// with its interval.
func (n NetworkSummary) Texts() (before, after, change string) {
	by := n.After.Test - n.Before.Test
	switch {
	case n.Before.Untested:
		return "not tested", "", ""
	case !n.inPercent():
		return fmt.Sprintf("%.4g", n.Before.Test), fmt.Sprintf("%.4g", n.After.Test),
			fmt.Sprintf("%+.2g (%s)", by, n.Score)
	case n.Change != nil:
		change = n.Change.String()
	default:
		change = fmt.Sprintf("%+.2f", 100*by)
	}
	return fmt.Sprintf("%.2f", 100*n.Before.Test), fmt.Sprintf("%.2f", 100*n.After.Test), change
}

// String is a sentence without a full stop.
func (m MeanChange) String() string {
	networks := "1 network"
	if m.Networks > 1 {
		networks = fmt.Sprintf("mean of %d networks", m.Networks)
	}
	switch m.Data {
	case datasets.Real:
		networks += " on real data"
	case datasets.OwnData:
		networks += " on data of their user's own"
	default:
		networks += " on stand-in data, which says nothing about the datasets"
	}
	return fmt.Sprintf("%s points: %s", m.Interval, networks)
}

// Write prints the summary as a table for a person.
func (s *Summary) Write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "network\tdata\tweights\tpages\texclusive\tbefore %\tafter %\tchange\t")
	for _, n := range s.RealFirst() {
		before, after, change := n.Texts()
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%s\t%s\t%s\t\n", n.Name, n.Data, n.Weights, n.Pages,
			n.ExclusivePages, before, after, change)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(s.Means) > 0 {
		fmt.Fprintln(w, "\nChange of test accuracy, with the 95 % interval of other test samples:")
	}
	for _, m := range s.Means {
		fmt.Fprintf(w, "  %s.\n", m)
	}
	b := s.Stored
	beside := "tables and scales"
	if b.Keys > 0 {
		beside = "tables, scales and keys"
	}
	fmt.Fprintf(w, "Stored: %d shared and %d exclusive pages of %d, %.1f KB with %s; separately "+
		"%.1f KB.\n",
		s.SharedPages, s.ExclusivePages, s.PageSize, kb(b.Total), beside, kb(b.Separate))
	fmt.Fprintf(w, "Packing: %.2fx in bytes, %.2fx in weights, %.2fx for level 1 alone.\n", b.RatioBytes,
		b.RatioWeights, b.RatioLevel1)
	if len(s.Bench) > 0 {
		fmt.Fprintf(w, "%d random executions, switching in all, with weights from\n", s.Executions)
	}
	for _, x := range s.Bench {
		fmt.Fprintf(w, "  %s: %.2f ms, %.1f times that from pages, %.2f copies of float32 weights at the "+
			"median", x.Source, x.SwitchMS, x.SwitchMS/s.Bench[0].SwitchMS, x.Copies)
		if x.ExecuteMS > 0 {
			fmt.Fprintf(w, "; execution %.0f ms", x.ExecuteMS)
		}
		fmt.Fprintln(w)
	}
	if s.Warning != "" {
		fmt.Fprintf(w, "Warning: %s.\n", s.Warning)
	}
	_, err := fmt.Fprintf(w, "Backend: %s. Method: %s. Seed: %d.\n", s.Backend, s.Method, s.Seed)
	return err
}

func kb(bytes int) float64 { return float64(bytes) / 1000 }

func ms(d interface{ Seconds() float64 }) float64 { return 1000 * d.Seconds() }
