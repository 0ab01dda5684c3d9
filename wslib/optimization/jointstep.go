package optimization

import (
	"fmt"
	"sync"

	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/wslib/internal/train"
)

// step runs step k on the variables and returns the networks' losses.
func (j *joint) step(k int, x *variables) (losses []float32, err error) {
	networks, epoch := j.sample(k)
	p := j.places
	if p == nil {
		p = newPlaces(j.frame, j.layout, networks)
		defer p.free()
	}
	work := x.device
	if x.host != nil {
		work = x.take(j.frame, j.layout, p.view)
		defer func() { free(work...) }()
		if err := j.onDevice(work); err != nil {
			return nil, err
		}
	}
	next, losses, err := j.stepOn(networks, epoch, k, p, work)
	if err != nil {
		return nil, err
	}
	if x.host != nil {
		defer free(next...)
		return losses, x.put(j.frame, j.layout, p.view, next)
	}
	free(x.device...)
	x.device = next
	return losses, nil
}

// stepOn is step k on a vector that has what its networks use, its m and v.
func (j *joint) stepOn(networks []int, epoch, k int, p *places, work []*tensors.Tensor) (next []*tensors.Tensor, losses []float32, err error) {
	vector := work[0]
	pages := vector
	if j.graphs.round != nil {
		if pages, err = j.graphs.round.Call1(append([]any{vector, j.roundedShare(k)}, p.fixed...)...); err != nil {
			return nil, nil, err
		}
		defer free(pages)
	}
	gradients := make([][]*tensors.Tensor, len(networks))
	losses = make([]float32, len(j.tasks))
	err = j.each(len(networks), func(s int) (err error) {
		gradients[s], err = j.gradient(networks[s], k, epoch, p, s, pages, vector)
		return err
	})
	defer func() {
		for _, g := range gradients {
			free(g...)
		}
	}()
	if err != nil {
		return nil, nil, err
	}
	rate := float32(train.Cosine(j.LearningRate, k, min(100, j.Steps/10), j.Steps))
	// Scales, keys and exclusive pages are updated once in a turn of all networks.
	args := append([]any{vector, work[1], work[2], float32(k + 1), float32(epoch + 1), rate}, p.sources...)
	args = append(args, p.fixed...)
	for s, g := range gradients {
		losses[networks[s]] = tensors.ToScalar[float32](g[0])
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

// sampled tells that a step takes part of the networks.
func (j *joint) sampled() bool { return j.Sample > 0 && j.Sample < len(j.trained) }

// sample are the networks that take part in step k, in order, and the number of
// their batch. Without sampling all take part; with it, every network does once
// in as many steps as it takes, in an order that is drawn anew.
func (j *joint) sample(k int) (networks []int, epoch int) {
	n := len(j.trained)
	size := n
	if j.sampled() {
		size = j.Sample
	}
	turns := (n + size - 1) / size
	epoch = k / turns
	if turns == 1 {
		return j.trained, epoch
	}
	perm := train.Rand(j.Seed+uint64(epoch)*0x9e3779b97f4a7c15, "networks").Perm(n)
	at := k % turns * size
	for _, p := range perm[at:min(at+size, n)] {
		networks = append(networks, j.trained[p])
	}
	return networks, epoch
}

// gradient is network i's part of step k, s-th of the step's networks.
func (j *joint) gradient(i, k, epoch int, p *places, s int, pages, vector *tensors.Tensor) ([]*tensors.Tensor, error) {
	name := j.tasks[i].Network.Name
	x, y := j.samplers[i].Batch(epoch)
	inputs := []*tensors.Tensor{x, y}
	defer func() { free(inputs...) }()
	rng, err := train.RNG(j.Seed, name, k)
	if err != nil {
		return nil, fmt.Errorf("network %s: %w", name, err)
	}
	inputs = append(inputs, rng)
	keys := j.frame.latent + max(0, p.view.keys[s])*j.frame.width
	args := []any{pages, vector, int32(max(0, p.view.scales[s])), p.tables[s], int32(keys), j.keyRows[i], x, y, rng}
	if j.teachers != nil {
		t := j.teachers[i].Batch(j.samplers[i].Index())
		args, inputs = append(args, t), append(inputs, t)
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
