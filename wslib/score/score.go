// Package score runs networks over samples and says how good their outputs are.
package score

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/datasets"
	"weightsep/wslib/network"
)

// Scorer is a network compiled for inference at a fixed batch size. Weights and state are
// arguments of each call, as [network.Values.On] gives them, so one Scorer serves any.
type Scorer struct {
	Network *network.Network
	Batch   int
	exec    network.Executable
}

// New prepares the network for batches of the given size. It compiles on first use.
func New(backend compute.Backend, n *network.Network, batch int) (*Scorer, error) {
	exec, err := n.NewExec(backend, func(in []*graph.Node) []*graph.Node {
		b, in := n.Bind(in)
		return []*graph.Node{n.Forward(b, in[0]).Output()}
	})
	if err != nil {
		return nil, fmt.Errorf("network %s: %w", n.Name, err)
	}
	return &Scorer{n, batch, exec}, nil
}

// Close frees the executable.
func (s *Scorer) Close() { s.exec.Finalize() }

// Run is the output [Batch, Output...] of one batch x [Batch, Input...].
func (s *Scorer) Run(values []*tensors.Tensor, x *tensors.Tensor) (*tensors.Tensor, error) {
	var args []any
	for _, v := range values {
		args = append(args, v)
	}
	out, err := s.exec.Call(append(args, x)...)
	if err != nil {
		return nil, fmt.Errorf("network %s: %w", s.Network.Name, err)
	}
	return out[0], nil
}

// Each runs every sample of a split, in batches, and calls visit with each sample's output.
// Visit must not keep the output.
func (s *Scorer) Each(ctx context.Context, values []*tensors.Tensor, split *datasets.Split,
	visit func(sample int, output []float32)) error {
	index := make([]int, s.Batch)
	flat := make([]float32, s.Batch*split.Size())
	shape := append([]int{s.Batch}, s.Network.Input()...)
	width := s.Network.Outputs()
	for at := 0; at < split.Len(); at += s.Batch {
		if err := ctx.Err(); err != nil {
			return err
		}
		for i := range index {
			index[i] = min(at+i, split.Len()-1) // the last batch repeats a sample rather than compile anew
		}
		split.Batch(flat, index)
		x := tensors.FromFlatDataAndDimensions(flat, shape...)
		out, err := s.Run(values, x)
		x.FinalizeAll()
		if err != nil {
			return err
		}
		err = tensors.ConstFlatData(out, func(v []float32) {
			for i := range min(s.Batch, split.Len()-at) {
				visit(at+i, v[i*width:(i+1)*width])
			}
		})
		out.FinalizeAll()
		if err != nil {
			return fmt.Errorf("network %s: %w", s.Network.Name, err)
		}
	}
	return nil
}

// Outputs are those of every sample of a split, [samples, Outputs].
func (s *Scorer) Outputs(ctx context.Context, values []*tensors.Tensor,
	split *datasets.Split) ([]float32, error) {
	width := s.Network.Outputs()
	all := make([]float32, split.Len()*width)
	err := s.Each(ctx, values, split, func(i int, v []float32) { copy(all[i*width:], v) })
	return all, err
}

// Predict is the class of the largest output of every sample of a split.
func (s *Scorer) Predict(ctx context.Context, values []*tensors.Tensor,
	split *datasets.Split) ([]int32, error) {
	predicted := make([]int32, split.Len())
	err := s.Each(ctx, values, split, func(i int, v []float32) { predicted[i] = network.Largest(v) })
	return predicted, err
}

// Score is what the network's objective makes of its outputs for a split.
func (s *Scorer) Score(ctx context.Context, values []*tensors.Tensor,
	split *datasets.Split) (float64, error) {
	score, _, err := s.Measure(ctx, values, split)
	return score, err
}

// Measure is the score and each sample's part of it: of a classification, 1 for a class that is right.
func (s *Scorer) Measure(ctx context.Context, values []*tensors.Tensor,
	split *datasets.Split) (score float64, measures []float64, err error) {
	if split.Len() == 0 {
		return 0, nil, fmt.Errorf("network %s: no samples to score", s.Network.Name)
	}
	measures = make([]float64, split.Len())
	err = s.Each(ctx, values, split, func(i int, v []float32) {
		measures[i] = measure(s.Network, split, i, v)
	})
	if i := slices.IndexFunc(measures, func(m float64) bool { return m-m != 0 }); err == nil && i >= 0 {
		err = fmt.Errorf("network %s: for sample %d its outputs, or their error, are not finite numbers",
			s.Network.Name, i)
	}
	if err != nil {
		return 0, nil, err
	}
	return s.Network.For().Score(measures, split.Labels, split.Clips), measures, nil
}

// Of is what a network's objective makes of outputs [samples, Outputs] for a split.
func Of(n *network.Network, outputs []float32, split *datasets.Split) float64 {
	width, measures := n.Outputs(), make([]float64, split.Len())
	for i := range measures {
		measures[i] = measure(n, split, i, outputs[i*width:(i+1)*width])
	}
	return n.For().Score(measures, split.Labels, split.Clips)
}

func measure(n *network.Network, split *datasets.Split, i int, output []float32) float64 {
	sample := network.Sample{Label: split.Labels[i], Target: split.Target(i)}
	if _, needsInput := n.For().(network.Reconstruction); needsInput {
		sample.Input = split.Sample(i)
	}
	return n.For().Measure(output, sample)
}

// ClipAccuracy is the share of a split's recordings that are classified correctly by a
// vote of their samples: by the class with the largest sum of probabilities. It returns
// the number of recordings too, 0 of both if the samples are whole.
func (s *Scorer) ClipAccuracy(ctx context.Context, values []*tensors.Tensor, split *datasets.Split) (
	accuracy float64, clips int, err error) {
	if _, classifies := s.Network.For().(network.Classification); !classifies || split.Clips == nil {
		return 0, 0, nil
	}
	votes := map[int32][]float64{}
	labels := map[int32]int32{}
	err = s.Each(ctx, values, split, func(i int, logits []float32) {
		clip := split.Clips[i]
		if votes[clip] == nil {
			votes[clip], labels[clip] = make([]float64, len(logits)), split.Labels[i]
		}
		addSoftmax(votes[clip], logits)
	})
	if err != nil {
		return 0, 0, err
	}
	correct := 0
	for clip, sum := range votes {
		if network.Largest(sum) == labels[clip] {
			correct++
		}
	}
	return float64(correct) / float64(len(votes)), len(votes), nil
}

// addSoftmax adds the probabilities of logits to sum.
func addSoftmax(sum []float64, logits []float32) {
	most, total := slices.Max(logits), 0.0
	for _, v := range logits {
		total += math.Exp(float64(v - most))
	}
	for i, v := range logits {
		sum[i] += math.Exp(float64(v-most)) / total
	}
}
