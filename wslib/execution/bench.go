package execution

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/datasets"
	"weightsep/datasets/files"
	"weightsep/datasets/npy"
	"weightsep/wslib/internal/train"
	"weightsep/wslib/network"
	"weightsep/wslib/page"
	"weightsep/wslib/score"
)

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
	States   [][]float32 // of each network; nil: none
	Accuracy []float64
}

// Bench executes random networks, one after another, with each of the subjects in turn, so that
// drift of the machine hits all alike, through the same compiled executables.
// The timer of a switch runs from the switch (or the opening of the file) until
// the weights are usable. An execution whose accuracy is not exactly that of the
// offline evaluation is an error.
func Bench(ctx context.Context, scorers []*score.Scorer, tests []*datasets.Split, subjects []Subject,
	executions int, seed uint64, progress func(done, of int)) ([]Timings, error) {
	// resident: a network's state is no part of a switch
	states := make([][][]*tensors.Tensor, len(subjects))
	for s, subject := range subjects {
		states[s] = make([][]*tensors.Tensor, len(scorers))
		for i, state := range subject.States {
			if len(state) > 0 {
				states[s][i] = []*tensors.Tensor{tensors.FromFlatDataAndDimensions(state, len(state))}
				defer network.Free(states[s][i]...)
			}
		}
	}
	rng := train.Rand(seed, "bench")
	results := make([]Timings, len(subjects))
	for k := range executions {
		i := rng.IntN(len(scorers))
		for s, subject := range subjects {
			e, err := execute(ctx, scorers[i], states[s][i], tests[i], subject.Switcher, i)
			if err != nil {
				return nil, err
			}
			if e.Accuracy != subject.Accuracy[i] {
				return nil, fmt.Errorf("execution: %s scores %v, its offline evaluation %v", e.Network,
					e.Accuracy, subject.Accuracy[i])
			}
			results[s].Executions = append(results[s].Executions, e)
		}
		progress(k+1, executions)
	}
	for s := range results {
		results[s].sum()
	}
	return results, nil
}

func execute(ctx context.Context, c *score.Scorer, state []*tensors.Tensor, split *datasets.Split,
	s Switcher, i int) (Execution, error) {
	start := time.Now()
	w, err := s.Switch(i)
	if err != nil {
		return Execution{}, err
	}
	defer w.FinalizeAll()
	ready := time.Now()
	accuracy, err := c.Score(ctx, append([]*tensors.Tensor{w}, state...), split)
	return Execution{c.Network.Name, ready.Sub(start), time.Since(ready), accuracy}, err
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

// Files is the execution without weight separation: each switch reads a
// network's whole weights from a checkpoint file (.npy, flat float32) and copies
// them to the device. The operating system caches the file, the process does not.
type Files struct {
	Backend compute.Backend
	Paths   []string // one per network
	Weights []int    // length of each network's weight vector
}

// Switch opens network i's file, reads it and copies the weights to the device.
func (f *Files) Switch(i int) (*tensors.Tensor, error) {
	raw, err := files.ReadPath(f.Paths[i], files.MaxSize)
	if err != nil {
		return nil, fmt.Errorf("execution: %w", err)
	}
	stored, err := npy.Array(f.Paths[i], raw, "<f4")
	if err != nil {
		return nil, fmt.Errorf("execution: %w", err)
	}
	a := page.Array(stored)
	if len(a.Shape) != 1 || a.Shape[0] != f.Weights[i] {
		return nil, fmt.Errorf("execution: %s: %d weights, want %d", f.Paths[i], len(a.Data)/4, f.Weights[i])
	}
	a.Type = "F32"
	t, err := onDevice(f.Backend, a)
	if err != nil {
		return nil, fmt.Errorf("execution: %s: %w", f.Paths[i], err)
	}
	return t, nil
}
