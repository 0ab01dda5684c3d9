package optimization

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
	"golang.org/x/sync/errgroup"

	"weightsep/wslib/internal/train"
	"weightsep/wslib/network"
)

// step is step k on the variables theta, m and v, and the networks' losses.
func (j *joint) step(k int, x []*tensors.Tensor) (next []*tensors.Tensor, losses []float32, err error) {
	theta := x[0]
	pages := theta
	if j.graphs.round != nil {
		args := append([]any{theta, j.roundedShare(k)}, anys(j.fixed)...)
		if pages, err = j.graphs.round.Call1(args...); err != nil {
			return nil, nil, err
		}
		defer network.Free(pages)
	}
	gradients := make([][]*tensors.Tensor, len(j.trained))
	defer func() { network.Free(slices.Concat(gradients...)...) }()
	err = each(j.Workers, len(j.trained), func(s int) (err error) {
		gradients[s], err = j.gradient(j.trained[s], k, pages, theta)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	rate := float32(train.Cosine(j.LearningRate, k, min(100, j.Steps/10), j.Steps))
	args := append([]any{theta, x[1], x[2], float32(k + 1), rate}, anys(j.sources)...)
	args = append(args, anys(j.fixed)...)
	losses = make([]float32, len(j.tasks))
	for s, i := range j.trained {
		if last := len(gradients[s]) - 1; j.states[i] != nil {
			network.Free(j.states[i])
			j.states[i], gradients[s] = gradients[s][last], gradients[s][:last]
		}
		losses[i] = tensors.ToScalar[float32](gradients[s][0])
		args = append(args, anys(gradients[s][1:])...)
	}
	next, err = j.graphs.update.Call(args...)
	return next, losses, err
}

func anys(ts []*tensors.Tensor) []any {
	args := make([]any, len(ts))
	for i, t := range ts {
		args[i] = t
	}
	return args
}

// roundedShare is how much of the code values the forward pass of step k sees.
func (j *joint) roundedShare(k int) float32 {
	if by := j.RoundBy * float64(j.Steps); float64(k) < by {
		return float32(float64(k) / by)
	}
	return 1
}

// gradient is network i's part of step k.
func (j *joint) gradient(i, k int, pages, vector *tensors.Tensor) ([]*tensors.Tensor, error) {
	name, l := j.tasks[i].Network.Name, j.layout
	x, y := j.samplers[i].Batch(k)
	inputs := []*tensors.Tensor{x, y}
	defer func() { network.Free(inputs...) }()
	rng, err := train.RNG(j.Seed, name, k)
	if err != nil {
		return nil, fmt.Errorf("network %s: %w", name, err)
	}
	inputs = append(inputs, rng)
	scales, keys := l.pages*l.width+l.at[i].scales, l.latent+l.at[i].keys*l.width
	args := []any{pages, vector, int32(scales), j.tables[i], int32(keys), j.keyRows[i], x, y, rng}
	if j.states[i] != nil {
		args = append(args, j.states[i])
	}
	if j.teachers != nil {
		taught := j.teachers[i].Batch(j.samplers[i].Index())
		args, inputs = append(args, anys(taught)...), append(inputs, taught...)
	}
	out, err := j.graphs.gradient[i].Call(args...)
	if err != nil {
		return nil, fmt.Errorf("network %s: %w", name, err)
	}
	return out, nil
}

// each does n things, a few at a time, and returns the first error by number.
func each(workers, n int, do func(i int) error) error {
	errs := make([]error, n)
	var group errgroup.Group
	group.SetLimit(workers)
	for i := range n {
		group.Go(func() error {
			errs[i] = do(i)
			return nil
		})
	}
	group.Wait()
	return cmp.Or(errs...)
}
