package pipeline

import (
	"context"
	"fmt"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/datasets"
	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
	"weightsep/wslib/score"
)

const (
	gapsFile = "gaps.json"
	lagsFile = "lags.json"
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

// lags are the shares of what the teachers know of training samples that the networks have not learnt: the
// loss of following the teacher, in proportion to that of a network whose output is always the mean of the
// teacher's. On validation samples a teacher that is sure where it is wrong would count as one that is ahead.
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
		train := t.Data.Train.Spread(t.Data.Validation.Spread(r.config.Optimization.ValidateOn).Len())
		return lag(ctx, b, t.Network, packed, t.Teacher, train, r.config.Optimization.Temperature)
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

// lag is the loss of a network that follows its teacher, in proportion to that of the mean output.
func lag(ctx context.Context, b compute.Backend, n *network.Network, packed, teacher network.Values,
	split *datasets.Split, temperature float64) (float64, error) {
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
	return relativeLoss(b, n.For(), outputs[0], outputs[1], n.Output(), temperature)
}

// relativeLoss is the loss of outputs that follow a teacher's, both [samples, shape...], in proportion to
// that of the mean of the teacher's outputs. What the teacher loses against itself counts in neither.
func relativeLoss(b compute.Backend, o network.Objective, outputs, teacher []float32, shape []int,
	temperature float64) (float64, error) {
	exec, err := NewExec(b, func(in []*Node) *Node {
		taught := in[1]
		of := func(output *Node) *Node {
			return Sub(o.Distill(output, taught, temperature), o.Distill(taught, taught, temperature))
		}
		mean := BroadcastToShape(ReduceAndKeep(taught, ReduceMean, 0), taught.Shape())
		return Div(of(in[0]), of(mean))
	})
	if err != nil {
		return 0, err
	}
	defer exec.Finalize()
	width := 1
	for _, d := range shape {
		width *= d
	}
	dims := append([]int{len(outputs) / width}, shape...)
	in := []*tensors.Tensor{tensors.FromFlatDataAndDimensions(outputs, dims...),
		tensors.FromFlatDataAndDimensions(teacher, dims...)}
	defer network.Free(in...)
	out, err := exec.Call1(in[0], in[1])
	if err != nil {
		return 0, err
	}
	defer network.Free(out)
	return float64(tensors.ToScalar[float32](out)), nil
}
