package pipeline

import (
	"context"
	"fmt"

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
	gapsFile = "gaps.json"
	lagsFile = "lags.json"

	lagSamples = 2000 // of a network's validation samples, at most
)

// gaps are the scores of the networks' teachers on training samples, less those on as many validation
// samples.
func (r *Run) gaps(ctx context.Context) (gaps map[string]float64, err error) {
	if err := r.Teachers(ctx); err != nil {
		return nil, err
	}
	return r.shown(ctx, stageGaps, gapsFile, func(b compute.Backend, i int, t optimization.Task) (float64, error) {
		s, err := score.New(b, t.Network, 100)
		if err != nil {
			return 0, err
		}
		defer s.Close()
		on := t.Teacher.On()
		defer network.Free(on...)
		validation := t.Data.Validation.Spread(r.config.Optimization.ValidateOn)
		train := t.Data.Train.Spread(validation.Len())
		known, err := s.Score(ctx, on, train)
		if err != nil {
			return 0, err
		}
		unknown, err := s.Score(ctx, on, validation)
		return known - unknown, err
	})
}

// lags are by how much more the networks lose on validation samples than their teachers do, in proportion to
// what is lost without knowledge. What a network has not learnt of its teacher on training samples says less:
// where data are short much of it is of no use.
func (r *Run) lags(ctx context.Context) (lags map[string]float64, err error) {
	if err := r.Optimize(ctx); err != nil {
		return nil, err
	}
	set, err := r.Set()
	if err != nil {
		return nil, err
	}
	return r.shown(ctx, stageLags, lagsFile, func(b compute.Backend, i int, t optimization.Task) (float64, error) {
		packed := network.Values{Weights: set.Weights(i), State: set.Networks[i].State}
		return lag(ctx, b, t.Network, packed, t.Teacher, t.Data.Validation.Spread(lagSamples))
	})
}

// shown is a number of each network, kept in a file of the run.
func (r *Run) shown(ctx context.Context, stage, file string,
	measure func(b compute.Backend, i int, t optimization.Task) (float64, error)) (map[string]float64, error) {
	err := r.stage(stage, func() ([]string, error) {
		b, err := r.Backend(ctx)
		if err != nil {
			return nil, err
		}
		tasks, err := r.Tasks(ctx)
		if err != nil {
			return nil, err
		}
		numbers := map[string]float64{}
		for i, t := range tasks {
			if numbers[t.Network.Name], err = measure(b, i, t); err != nil {
				return nil, fmt.Errorf("network %s: %w", t.Network.Name, err)
			}
		}
		return []string{file}, r.Dir.WriteJSON(file, numbers)
	})
	if err != nil {
		return nil, err
	}
	var numbers map[string]float64
	return numbers, r.Dir.ReadJSON(stage, file, &numbers)
}

// lag is by how much more a network loses than its teacher, in proportion to the loss of the mean output.
func lag(ctx context.Context, b compute.Backend, n *network.Network, packed, teacher network.Values,
	split *datasets.Split) (float64, error) {
	s, err := score.New(b, n, 100)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	var outputs [2][]float32
	for i, v := range []network.Values{packed, teacher} {
		on := v.On()
		outputs[i], err = s.Outputs(ctx, on, split)
		network.Free(on...)
		if err != nil {
			return 0, err
		}
	}
	return relativeLoss(b, n, outputs[0], outputs[1], split)
}

// relativeLoss is the loss of outputs for a split less that of a teacher's outputs, both [samples, Outputs],
// in proportion to the loss of the mean of the teacher's outputs.
func relativeLoss(b compute.Backend, n *network.Network, outputs, teacher []float32,
	split *datasets.Split) (float64, error) {
	exec, err := NewExec(b, func(in []*Node) *Node {
		o, x, y := n.For(), in[2], in[3]
		loss := func(output *Node) *Node { return o.Loss(output, o.Target(x, y, output)) }
		mean := BroadcastToShape(ReduceAndKeep(in[1], ReduceMean, 0), in[1].Shape())
		return Div(Sub(loss(in[0]), loss(in[1])), loss(mean))
	})
	if err != nil {
		return 0, err
	}
	defer exec.Finalize()
	all := make([]int, split.Len())
	for i := range all {
		all[i] = i
	}
	x, y := train.Tensors(split, n.Input(), all)
	dims := append([]int{len(all)}, n.Output()...)
	in := []*tensors.Tensor{tensors.FromFlatDataAndDimensions(outputs, dims...),
		tensors.FromFlatDataAndDimensions(teacher, dims...), x, y}
	defer network.Free(in...)
	out, err := exec.Call1(in[0], in[1], x, y)
	if err != nil {
		return 0, err
	}
	defer network.Free(out)
	return float64(tensors.ToScalar[float32](out)), nil
}
