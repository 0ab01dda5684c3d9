// Package fisher computes the Fisher information of a network's weights: how
// much each of them matters to what the network outputs.
package fisher

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/datasets"
	"weightsep/wslib/internal/train"
	"weightsep/wslib/network"
	"weightsep/wslib/page"
)

// Options of [Compute].
type Options struct {
	Samples int // number of random training samples; 0 = 50, the paper's
	Seed    uint64
}

// Compute returns the Fisher information of each weight, scaled to [0,1]: of a classification
// the mean over samples of (d log p / d w)^2 * p, where p is the softmax probability of the
// sample's most probable class; of a regression or reconstruction that of a Gaussian of
// variance 1 around the output, from one random target a sample. Batch normalization is as at
// inference.
//
// Samples are drawn without replacement from training; labels are not used.
func Compute(ctx context.Context, backend compute.Backend, n *network.Network, values network.Values,
	training *datasets.Split, o Options) (f []float32, err error) {
	defer func() {
		if err != nil {
			f, err = nil, fmt.Errorf("fisher: %s: %w", n.Name, err)
		}
	}()
	if err := page.CheckWeights("values", values.Weights, n.Weights()); err != nil {
		return nil, err
	}
	if training.Len() == 0 {
		return nil, errors.New("no training samples")
	}
	if want := n.Samples(); training.Size() != want {
		return nil, fmt.Errorf("samples of %d values, want %d", training.Size(), want)
	}
	return train.Promptly(ctx, func() ([]float32, error) {
		return information(ctx, backend, n, values, training, o)
	})
}

func information(ctx context.Context, backend compute.Backend, n *network.Network, values network.Values,
	training *datasets.Split, o Options) ([]float32, error) {
	weights := values.Weights
	samples := min(cmp.Or(max(0, o.Samples), 50), training.Len())
	exec, err := n.NewExec(backend, func(in []*Node) []*Node { return addSample(n, in) })
	if err != nil {
		return nil, err
	}
	defer exec.Finalize()
	on := values.On()
	sum := tensors.FromFlatDataAndDimensions(make([]float32, len(weights)), len(weights))
	defer func() { network.Free(append(on, sum)...) }()
	for _, i := range train.Rand(o.Seed, "fisher", n.Name).Perm(training.Len())[:samples] {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		x := tensors.FromFlatDataAndDimensions(training.Sample(i), append([]int{1}, n.Input()...)...)
		rng, err := train.RNG(o.Seed, "fisher "+n.Name, i)
		if err != nil {
			return nil, err
		}
		args := []any{sum}
		for _, t := range append(slices.Clone(on), x, rng) {
			args = append(args, t)
		}
		next, err := exec.Call(args...)
		network.Free(x, rng)
		if err != nil {
			return nil, fmt.Errorf("sample %d: %w", i, err)
		}
		sum.FinalizeAll()
		sum = next[0]
	}
	f, err := tensors.CopyFlatData[float32](sum)
	if err != nil {
		return nil, err
	}
	for i := range f {
		f[i] /= float32(samples)
	}
	if err := page.CheckWeights("Fisher information", f, len(weights)); err != nil {
		return nil, err
	}
	Scale(f)
	return f, nil
}

// Scale maps values to [0,1] by their least and greatest. Where all are equal,
// none matters more than another: all become 0.
func Scale(f []float32) {
	least, greatest := slices.Min(f), slices.Max(f)
	for i := range f {
		if greatest > least {
			f[i] = (f[i] - least) / (greatest - least)
		} else {
			f[i] = 0
		}
	}
}

// addSample adds one sample's part to a sum. Inputs: sum, weights, state if the network has any,
// sample, state of the random generator. Samples go through one by one: each has a gradient of
// its own, as large as the weights, so that more at a time would save little and take as much
// memory each.
func addSample(n *network.Network, in []*Node) []*Node {
	b, rest := n.Bind(in[1:])
	var weight *Node
	_, g := n.Forward(b, rest[0]).LossGradient(func(output *Node) (logP *Node) {
		logP, weight = n.For().LogLikelihood(output, rest[1])
		return logP
	})
	return []*Node{Add(in[0], Mul(Mul(g, g), weight))}
}
