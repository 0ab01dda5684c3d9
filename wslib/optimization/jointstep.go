package optimization

import (
	"fmt"
	"sync"

	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/wslib/internal/train"
	"weightsep/wslib/network"
)

// step is step k on the variables theta, m and v, and the networks' losses.
func (j *joint) step(k int, x []*tensors.Tensor) (next []*tensors.Tensor, losses []float32, err error) {
	theta := x[0]
	pages := theta
	if j.graphs.round != nil {
		if pages, err = j.graphs.round.Call1(append([]any{theta, j.roundedShare(k)},
			j.places.fixed...)...); err != nil {
			return nil, nil, err
		}
		defer network.Free(pages)
	}
	gradients := make([][]*tensors.Tensor, len(j.trained))
	states := make([]*tensors.Tensor, len(j.trained)) // after the step
	losses = make([]float32, len(j.tasks))
	err = j.each(len(j.trained), func(s int) (err error) {
		i := j.trained[s]
		gradients[s], err = j.gradient(i, k, s, pages, theta)
		if last := len(gradients[s]) - 1; err == nil && j.states[i] != nil {
			states[s], gradients[s] = gradients[s][last], gradients[s][:last]
		}
		return err
	})
	defer func() {
		for _, g := range gradients {
			network.Free(g...)
		}
	}()
	if err != nil {
		network.Free(states...)
		return nil, nil, err
	}
	for s, state := range states {
		if state != nil {
			network.Free(j.states[j.trained[s]])
			j.states[j.trained[s]] = state
		}
	}
	rate := float32(train.Cosine(j.LearningRate, k, min(100, j.Steps/10), j.Steps))
	args := append([]any{theta, x[1], x[2], float32(k + 1), rate}, j.places.sources...)
	args = append(args, j.places.fixed...)
	for s, g := range gradients {
		losses[j.trained[s]] = tensors.ToScalar[float32](g[0])
		for _, on := range g[1:] {
			args = append(args, on)
		}
	}
	next, err = j.graphs.update.Call(args...)
	return next, losses, err
}

// roundedShare is how much of the code values the forward pass of step k sees.
func (j *joint) roundedShare(k int) float32 {
	if by := j.RoundBy * float64(j.Steps); float64(k) < by {
		return float32(float64(k) / by)
	}
	return 1
}

// gradient is network i's part of step k, s-th of those that are trained.
func (j *joint) gradient(i, k, s int, pages, vector *tensors.Tensor) ([]*tensors.Tensor, error) {
	name, p := j.tasks[i].Network.Name, j.places
	x, y := j.samplers[i].Batch(k)
	inputs := []*tensors.Tensor{x, y}
	defer func() { network.Free(inputs...) }()
	rng, err := train.RNG(j.Seed, name, k)
	if err != nil {
		return nil, fmt.Errorf("network %s: %w", name, err)
	}
	inputs = append(inputs, rng)
	keys := j.frame.latent + max(0, j.layout.keys[i])*j.frame.width
	args := []any{pages, vector, int32(max(0, j.layout.scales[i])), p.tables[s], int32(keys), j.keyRows[i],
		x, y, rng}
	if j.states[i] != nil {
		args = append(args, j.states[i])
	}
	if j.teachers != nil {
		for _, t := range j.teachers[i].Batch(j.samplers[i].Index()) {
			args, inputs = append(args, t), append(inputs, t)
		}
	}
	out, err := j.graphs.gradient[i].Call(args...)
	if err != nil {
		return nil, fmt.Errorf("network %s: %w", name, err)
	}
	return out, nil
}

// each does n things, a few at a time, and returns the first error by number.
func (j *joint) each(n int, do func(i int) error) error {
	work := make(chan int, n)
	for i := range n {
		work <- i
	}
	close(work)
	errs := make([]error, n)
	var wg sync.WaitGroup
	for range min(j.Workers, n) {
		wg.Go(func() {
			for i := range work {
				errs[i] = do(i)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
