package execution

import (
	"math"
	"slices"
	"time"
)

// The first two sources of a benchmark: the packed networks, and the bound that switches are measured
// by, a copy of a network's float32 weights from host memory to where executions take them from.
const (
	PagesSource = "pages"
	CopySource  = "float32 in RAM, copied"
)

// Result is what a benchmark measured, all of it in one process, the sources by turns.
type Result struct {
	Seed     uint64       `json:"seed"`
	Networks []string     `json:"networks"` // of each execution
	Memory   Memory       `json:"memory"`   // of the engine
	Sources  []SourceTime `json:"sources"`
	Runs     []RunTime    `json:"runs,omitempty"`
	Load     *Load        `json:"load,omitempty"`
}

// SourceTime is how long switches and executions take with one source of weights.
type SourceTime struct {
	Name string `json:"name"`
	Held int    `json:"heldBytes"` // in memory for all networks, beside the working memory of one
	// Warm are switches as they come between executions: files are in the system's cache. Cold ones find
	// nothing of it in the processor's caches, and files in no cache.
	Warm Times `json:"warm"`
	Cold Times `json:"cold"`
	// Execute are runs of all test samples, of PagesSource and CopySource only: others run the same.
	Execute Times `json:"execute"`
}

// Source is the one of that name, nil if there is none.
func (r *Result) Source(name string) *SourceTime {
	for i := range r.Sources {
		if r.Sources[i].Name == name {
			return &r.Sources[i]
		}
	}
	return nil
}

// Times are durations in the order in which they were measured.
type Times struct {
	Each   []time.Duration `json:"eachNs"`
	Median time.Duration   `json:"medianNs"`
	P95    time.Duration   `json:"p95Ns"`
	P99    time.Duration   `json:"p99Ns"`
	Total  time.Duration   `json:"totalNs"`
	Copies float64         `json:"copies,omitempty"` // the median, in medians of CopySource
}

func (t *Times) add(d time.Duration) { t.Each = append(t.Each, d) }

func (t *Times) sum() {
	for _, d := range t.Each {
		t.Total += d
	}
	t.Median, t.P95, t.P99 = median(t.Each), percentile(t.Each, 0.95), percentile(t.Each, 0.99)
}

func median(d []time.Duration) time.Duration {
	return (percentile(d, 0.5) + percentile(d, 0.5+0.5/float64(max(1, len(d))))) / 2
}

// percentile is the smallest duration that a share of all do not exceed; 0 of none.
func percentile(d []time.Duration, share float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	d = slices.Sorted(slices.Values(d))
	return d[min(max(0, int(math.Ceil(share*float64(len(d))-1e-9))-1), len(d)-1)]
}

// RunTime is how long one batch of a network takes, medians of the same number of runs by turns.
type RunTime struct {
	Network string        `json:"network"`
	Batch   int           `json:"batch"`
	Own     time.Duration `json:"ownNs"`      // its weights are ready
	Switch  time.Duration `json:"switchedNs"` // a switch and the run
}
