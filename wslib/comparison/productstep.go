package comparison

import (
	"context"
	"fmt"
	"math"
	"os"

	"github.com/gomlx/gomlx/core/tensors"
	"golang.org/x/sync/errgroup"

	"weightsep/wslib/internal/train"
	"weightsep/wslib/optimization"
)

// each does something for every network, a few at a time.
func (c *product) each(ctx context.Context, do func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(c.Workers)
	for i := range c.tasks {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return do(ctx, i)
		})
	}
	return group.Wait()
}

// step runs the next step and returns the networks' losses.
func (c *product) step(ctx context.Context) ([]float64, error) {
	losses := make([]float64, len(c.tasks))
	parts := make([][]float64, len(c.tasks))
	stored := c.rounded(c.Theta)
	err := c.each(ctx, func(_ context.Context, i int) error {
		gradient, loss, err := c.gradient(stored, i)
		if err != nil {
			return fmt.Errorf("network %s: step %d: %w", c.tasks[i].Network.Name, c.Step, err)
		}
		losses[i] = loss
		parts[i] = make([]float64, c.size)
		c.scatter(parts[i], stored, gradient, i)
		return nil
	})
	if err != nil {
		return nil, err
	}
	total := make([]float32, c.size)
	for k := range total {
		s := 0.0
		for _, p := range parts {
			s += p[k]
		}
		total[k] = float32(s)
	}
	for i, l := range losses {
		if math.IsNaN(l) || math.IsInf(l, 0) {
			return nil, &optimization.DivergedError{Network: c.tasks[i].Network.Name, Step: c.Step, Loss: l}
		}
	}
	rate := float32(train.Cosine(c.LearningRate, c.Step, min(100, c.Steps/10), c.Steps))
	in := []*tensors.Tensor{vector(c.Theta), vector(total), vector(c.M), vector(c.V)}
	out, err := c.update.Call(in[0], in[1], in[2], in[3], float32(c.Step+1), rate)
	free(in...)
	if err != nil {
		return nil, fmt.Errorf("step %d: %w", c.Step, err)
	}
	defer free(out...)
	for k, to := range []*[]float32{&c.Theta, &c.M, &c.V} {
		if *to, err = tensors.CopyFlatData[float32](out[k]); err != nil {
			return nil, fmt.Errorf("step %d: %w", c.Step, err)
		}
	}
	c.Step++
	return losses, nil
}

// gradient is that of network i's loss with respect to its weights.
func (c *product) gradient(stored []float32, i int) (gradient []float32, loss float64, err error) {
	rng, err := train.RNG(c.Seed, c.tasks[i].Network.Name, c.Step)
	if err != nil {
		return nil, 0, err
	}
	x, y := c.samplers[i].Batch(c.Step)
	w := vector(c.gather(stored, i))
	inputs := []*tensors.Tensor{w, rng, x, y}
	if c.teachers != nil {
		inputs = append(inputs, c.teachers[i].Batch(c.samplers[i].Index()))
	}
	args := make([]any, len(inputs))
	for k, t := range inputs {
		args[k] = t
	}
	out, err := c.gradients[i].Call(args...)
	free(inputs...)
	if err != nil {
		return nil, 0, err
	}
	defer free(out...)
	gradient, err = tensors.CopyFlatData[float32](out[1])
	return gradient, float64(tensors.ToScalar[float32](out[0])), err
}

// score validates theta, remembers it if it is the best so far, and writes the
// checkpoint.
func (c *product) score(ctx context.Context, losses []float64) error {
	points, stored := make([]Point, len(c.tasks)), c.rounded(c.Theta)
	err := c.each(ctx, func(ctx context.Context, i int) error {
		split := c.tasks[i].Data.Validation
		if c.ValidateOn > 0 {
			split = split.Slice(c.ValidateOn)
		}
		w := vector(c.gather(stored, i))
		defer free(w)
		accuracy, err := c.classifiers[i].Accuracy(ctx, w, split)
		points[i] = Point{Step: c.Step, Validation: accuracy}
		if losses != nil {
			points[i].Loss = losses[i]
		}
		return err
	})
	if err != nil {
		return err
	}
	mean := 0.0
	for i, p := range points {
		mean += p.Validation / float64(len(points))
		c.History[i] = append(c.History[i], p)
	}
	if c.Best == nil || mean > c.BestMean {
		c.Best, c.BestMean, c.BestStep = c.Theta, mean, c.Step
	}
	if c.Dir != "" {
		if err := os.MkdirAll(c.Dir, 0o755); err != nil {
			return err
		}
		if err := writeJSON(c.checkpoint(), c.productState); err != nil {
			return err
		}
	}
	for i, p := range points {
		c.tell(Progress{Network: c.tasks[i].Network.Name, Step: c.Step, Steps: c.Steps, Point: &p})
	}
	return nil
}
