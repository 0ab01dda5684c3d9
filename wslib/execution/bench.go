package execution

import (
	"context"
	"fmt"
	"slices"
	"time"

	"weightsep/datasets"
	"weightsep/wslib/internal/train"
	"weightsep/wslib/network"
)

// BenchOptions of [Bench]. Zero values mean the defaults in brackets.
type BenchOptions struct {
	Executions int // random networks, one after another [50]
	Samples    int // test samples an execution classifies [0: all]
	Seed       uint64
	Progress   func(done, of int)
}

// Execution is one of a benchmark's executions.
type Execution struct {
	Network  string        `json:"network"`
	Switch   time.Duration `json:"switchNs"`  // until the weights are usable on the device
	Execute  time.Duration `json:"executeNs"` // classification of the samples
	Accuracy float64       `json:"accuracy"`
}

// Timings are the executions of one kind.
type Timings struct {
	Executions    []Execution   `json:"executions"`
	Switch        time.Duration `json:"switchNs"`  // all together
	Execute       time.Duration `json:"executeNs"` // all together
	MedianSwitch  time.Duration `json:"medianSwitchNs"`
	MedianExecute time.Duration `json:"medianExecuteNs"`
}

// Subject is one way to switch, and the accuracy that each network must show with
// it: that of an offline evaluation of the same weights.
type Subject struct {
	Switcher Switcher
	Accuracy []float64
}

// Bench executes random networks with each of the subjects in turn, so that
// drift of the machine hits all alike, through the same compiled executables.
// The timer of a switch runs from the switch (or the opening of the file) until
// the weights are usable. An execution whose accuracy is not exactly that of the
// offline evaluation is an error.
func Bench(ctx context.Context, classifiers []*network.Classifier, tests []*datasets.Split, subjects []Subject, o BenchOptions) ([]Timings, error) {
	if o.Executions == 0 {
		o.Executions = 50
	}
	if o.Progress == nil {
		o.Progress = func(int, int) {}
	}
	rng := train.Rand(o.Seed, "bench")
	results := make([]Timings, len(subjects))
	for k := range o.Executions {
		i := rng.IntN(len(classifiers))
		split := tests[i]
		if o.Samples > 0 {
			split = split.Slice(o.Samples)
		}
		for s, subject := range subjects {
			e, err := execute(ctx, classifiers[i], split, subject.Switcher, i)
			if err != nil {
				return nil, err
			}
			if e.Accuracy != subject.Accuracy[i] {
				return nil, fmt.Errorf("execution: %s scores %v, its offline evaluation %v", e.Network, e.Accuracy, subject.Accuracy[i])
			}
			results[s].Executions = append(results[s].Executions, e)
		}
		o.Progress(k+1, o.Executions)
	}
	for s := range results {
		results[s].sum()
	}
	return results, nil
}

func execute(ctx context.Context, c *network.Classifier, split *datasets.Split, s Switcher, i int) (Execution, error) {
	start := time.Now()
	w, err := s.Switch(i)
	if err != nil {
		return Execution{}, err
	}
	defer w.FinalizeAll()
	ready := time.Now()
	accuracy, err := c.Accuracy(ctx, w, split)
	return Execution{
		Network:  c.Network.Name,
		Switch:   ready.Sub(start),
		Execute:  time.Since(ready),
		Accuracy: accuracy,
	}, err
}

func (t *Timings) sum() {
	var switches, executes []time.Duration
	for _, e := range t.Executions {
		t.Switch += e.Switch
		t.Execute += e.Execute
		switches, executes = append(switches, e.Switch), append(executes, e.Execute)
	}
	t.MedianSwitch, t.MedianExecute = median(switches), median(executes)
}

func median(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return (d[(len(d)-1)/2] + d[len(d)/2]) / 2
}
