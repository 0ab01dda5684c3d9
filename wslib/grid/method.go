package grid

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"weightsep/wslib/budget"
	"weightsep/wslib/comparison"
	"weightsep/wslib/optimization"
	"weightsep/wslib/pipeline"
)

// pace is how fast optimization goes in this process.
type pace struct {
	start       time.Time
	first, last int
	seconds     float64 // from first to last
}

func (p *pace) at(step int) {
	if p.start.IsZero() {
		p.start, p.first = time.Now(), step
	}
	p.last, p.seconds = step, time.Since(p.start).Seconds()
}

// of is the wall time of a number of steps.
func (p *pace) of(steps int) float64 {
	if p.last <= p.first {
		return 0
	}
	return p.seconds / float64(p.last-p.first) * float64(steps)
}

// separated is weight separation: a run of the pipeline up to its optimized pages.
func (g *Grid) separated(ctx context.Context, r *pipeline.Run, speed *pace, watch *stopwatch) (*outcome, error) {
	if err := r.Optimize(ctx); err != nil {
		return nil, err
	}
	set, err := r.Set()
	if err != nil {
		return nil, err
	}
	stored := set.Stored()
	o := &outcome{networks: r.Networks(), bytes: stored.Total, level1: stored.Level1()}
	for i := range set.Networks {
		o.weights = append(o.weights, set.Weights(i))
	}
	h, err := r.History()
	if err != nil {
		return nil, err
	}
	at := speed.of
	if whole := watch.seconds(); watch.before > 0 && len(h.Points) > 0 { // this process saw a part, perhaps a short one
		last := h.Points[len(h.Points)-1].Step
		at = func(step int) float64 { return whole * float64(step) / float64(max(1, last)) }
	}
	for _, p := range h.Points {
		o.history = append(o.history, Point{Step: p.Step, Seconds: at(p.Step), Mean: p.Mean})
	}
	return o, nil
}

// compared is one of the other methods, on the run's baselines.
func (g *Grid) compared(ctx context.Context, r *pipeline.Run, c Cell, seed uint64, watch *stopwatch) (*outcome, error) {
	tasks, err := r.Tasks(ctx)
	if err != nil {
		return nil, err
	}
	m, err := g.method(c)
	if err != nil {
		return nil, err
	}
	backend, err := r.Backend(ctx)
	if err != nil {
		return nil, err
	}
	var weights [][]float32
	for _, n := range r.Networks() {
		w, err := r.Weights(n)
		if err != nil {
			return nil, err
		}
		weights = append(weights, w)
	}
	result, err := comparison.Run(ctx, backend, m, tasks, weights, comparison.Options{
		Recipe: r.Config().Optimization, Seed: seed,
		Dir: g.networksDir(c, seed),
		Progress: func(p comparison.Progress) {
			watch.tick()
			note := p.Network
			if p.Point != nil {
				note = fmt.Sprintf("%s validation %.2f %%", p.Network, 100*p.Point.Validation)
			}
			g.options.Progress(fmt.Sprintf("%s seed %d: training", c, seed), p.Step, p.Steps, note)
		},
	})
	if err != nil {
		return nil, err
	}
	out := &outcome{bytes: result.Stored.Total, level1: result.Stored.Total, history: course(result.Networks)}
	for _, n := range result.Networks {
		out.networks, out.weights = append(out.networks, n.Network), append(out.weights, n.Weights)
	}
	return out, nil
}

// course is the mean validation accuracy of networks that were trained apart, after equal
// numbers of steps.
func course(networks []comparison.Network) []Point {
	means := map[int]float64{}
	count := map[int]int{}
	for _, n := range networks {
		for _, p := range n.History {
			means[p.Step] += p.Validation / float64(len(networks))
			count[p.Step]++
		}
	}
	var points []Point
	for _, step := range slices.Sorted(maps.Keys(means)) {
		if count[step] == len(networks) {
			points = append(points, Point{Step: step, Mean: means[step]})
		}
	}
	return points
}

// method of a comparison, sized for its budget.
func (g *Grid) method(c Cell) (comparison.Method, error) {
	nets, err := g.networks()
	if err != nil {
		return nil, err
	}
	bits := c.Bits
	if bits == 0 {
		bits = 8
	}
	total := 0
	if c.Ratio > 0 {
		if total, err = budget.Ratio(weightsOf(nets), c.Ratio); err != nil {
			return nil, err
		}
	}
	switch c.Method {
	case Further, Distilled:
		return comparison.Further{}, nil
	case Quantized:
		return comparison.Quantized{Bits: bits}, nil
	case Pruned:
		keep, err := comparison.KeepFor(nets, bits, total)
		return comparison.Pruned{Bits: bits, Keep: keep}, err
	case Width:
		factor, err := comparison.FactorFor(nets, bits, 0, total)
		o, scratch := pipeline.BaselineOptions(g.Spec.Config), optimization.Defaults()
		scratch.Steps, scratch.LearningRate, scratch.ValidateEvery = o.Steps, o.LearningRate, o.ValidateEvery
		scratch.Batch, scratch.Dropout = optimization.Each{"": float64(o.Batch)}, optimization.Each{"": o.Dropout}
		return comparison.WidthScaled{Factor: factor, Bits: bits, Scratch: scratch}, err
	case Product:
		return comparison.ProductQuantized{Length: c.Length}, nil
	}
	return nil, fmt.Errorf("grid: no method %q", c.Method)
}
