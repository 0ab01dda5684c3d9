package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"math"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/datasets"
	"weightsep/wslib/internal/train"
	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
	"weightsep/wslib/score"
)

const (
	shownFile = "shown.json"

	shownSamples = 2000 // of training samples, and of validation samples, at most
)

// shown is what networks show in a pilot, by name.
type shown struct {
	Gaps map[string]float64 `json:"gaps"`
	Lags map[string]float64 `json:"lags"`
}

// shown measures the optimized networks that are not held, once.
func (r *Run) shown(ctx context.Context) (all shown, err error) {
	if err := r.Optimize(ctx); err != nil {
		return all, err
	}
	set, err := r.Set()
	if err != nil {
		return all, err
	}
	err = r.stage(stageShown, func() ([]string, error) {
		b, err := r.Backend(ctx)
		if err != nil {
			return nil, err
		}
		tasks, err := r.Tasks(ctx)
		if err != nil {
			return nil, err
		}
		all := shown{map[string]float64{}, map[string]float64{}}
		for i, t := range tasks {
			if t.Held {
				continue
			}
			name := t.Network.Name
			if all.Gaps[name], all.Lags[name], err = gapAndLag(ctx, b, t, valuesIn(set, i)); err != nil {
				return nil, fmt.Errorf("network %s: %w", name, err)
			}
		}
		return []string{shownFile}, r.Dir.WriteJSON(shownFile, all)
	})
	if err != nil {
		return all, err
	}
	return all, r.Dir.ReadJSON(stageShown, shownFile, &all)
}

// gapAndLag are by how much more a packed network loses on validation samples than on training samples, and
// on both than its teacher, the smaller of the two, in proportion to what the mean of the teacher's outputs
// loses. Neither is above 1: who has learnt nothing, or diverged, is to take no more room than that.
func gapAndLag(ctx context.Context, b compute.Backend, t optimization.Task,
	packed network.Values) (gap, lag float64, err error) {
	n := t.Network
	s, err := score.New(b, n, 100)
	if err != nil {
		return 0, 0, err
	}
	defer s.Close()
	known, unknown := t.Data.Train.Spread(shownSamples), t.Data.Validation.Spread(shownSamples)
	var outputs [4][]float32
	for i, of := range []struct {
		values network.Values
		split  *datasets.Split
	}{{packed, known}, {t.Teacher, known}, {packed, unknown}, {t.Teacher, unknown}} {
		on := of.values.On()
		outputs[i], err = s.Outputs(ctx, on, of.split)
		network.Free(on...)
		if err != nil {
			return 0, 0, err
		}
	}
	onKnown, err1 := losses(b, n, known, outputs[0], outputs[1])
	on, err2 := losses(b, n, unknown, outputs[2], outputs[3], means(outputs[3], n.Outputs()))
	if err := cmp.Or(err1, err2); err != nil {
		return 0, 0, err
	}
	return shareOf(on[0]-onKnown[0], on[2]), shareOf(min(on[0]-on[1], onKnown[0]-onKnown[1]), on[2]), nil
}

// shareOf is more in proportion to all, within -1 and 1; 0 where there is nothing to lose, 1 of what is no
// number.
func shareOf(more, all float64) float64 {
	switch {
	case all == 0:
		return 0
	case math.IsNaN(more / all):
		return 1
	}
	return max(-1, min(1, more/all))
}

// means are outputs [samples, width], each replaced by the mean of its column.
func means(outputs []float32, width int) []float32 {
	sums, all := make([]float64, width), make([]float32, len(outputs))
	for i, v := range outputs {
		sums[i%width] += float64(v)
	}
	for i := range all {
		all[i] = float32(sums[i%width] * float64(width) / float64(len(all)))
	}
	return all
}

// losses are what outputs [samples, Outputs] of a network lose for a split, by its objective.
func losses(b compute.Backend, n *network.Network, split *datasets.Split,
	outputs ...[]float32) ([]float64, error) {
	exec, err := NewExec(b, func(in []*Node) *Node {
		return n.For().Loss(in[0], n.For().Target(in[1], in[2], in[0]))
	})
	if err != nil {
		return nil, err
	}
	defer exec.Finalize()
	index := make([]int, split.Len())
	for i := range index {
		index[i] = i
	}
	x, y := train.Tensors(split, n.Input(), index)
	defer network.Free(x, y)
	var all []float64
	for _, v := range outputs {
		output := tensors.FromFlatDataAndDimensions(v, append([]int{len(index)}, n.Output()...)...)
		loss, err := exec.Call1(output, x, y)
		network.Free(output)
		if err != nil {
			return nil, fmt.Errorf("network %s: %w", n.Name, err)
		}
		all = append(all, float64(tensors.ToScalar[float32](loss)))
		network.Free(loss)
	}
	return all, nil
}
