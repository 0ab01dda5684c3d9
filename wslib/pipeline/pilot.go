package pipeline

import (
	"context"
	"fmt"
	"math"
	"path/filepath"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/datasets"
	"weightsep/wslib/budget"
	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
	"weightsep/wslib/rundir"
	"weightsep/wslib/score"
)

const (
	gapsFile = "gaps.json"
	lagsFile = "lags.json"
)

// Allot takes pages from a budget, as [Config.ApplyBudget] does, after it has given the networks what
// follows from what they show before they are packed: mixup and dropout from their gaps, then room from their
// lags. Values that the configuration has for single networks stay. With a share of 0 in
// Config.Pilot nothing is given; without a budget no room.
//
// A gap is by how much a network's teacher does better on training samples than on validation samples: data
// are short. A lag is what a network has not learnt of its teacher on training samples in a pilot, joint
// training at the same budget with equal room for the share Config.Pilot of the steps: room is short. With
// fewer than 50 steps nothing has been learnt, and room stays as it is.
// Test data are not looked at.
//
// The pilot's directory lies in dir, that of the run to come, which takes baselines, Fisher information and
// teachers from there. Interrupted, the same call goes on; a pilot that is done answers at once.
func Allot(ctx context.Context, dir string, c *Config, b budget.Budget, o Options) (budget.Plan, error) {
	if c.Pilot > 0 && !c.Untrained() && c.Optimization.Method == optimization.JointMethod {
		*c = c.clone()
		if err := c.pilot(ctx, filepath.Join(dir, rundir.PilotDir), b, o); err != nil {
			return budget.Plan{}, fmt.Errorf("pilot: %w", err)
		}
		for _, name := range c.Networks {
			if o.Log != nil {
				x := c.Optimization
				fmt.Fprintf(o.Log, "%s: room %v, mixup %v, dropout %v\n", name, c.Pages.Load.Of(name),
					x.Mixup.Of(name), x.Dropout.Of(name))
			}
		}
	}
	if b.Total == 0 {
		return budget.Plan{}, nil
	}
	return c.ApplyBudget(o.Own, b)
}

// pilot runs a pilot and fills in what follows from it; before one of room, another one of gaps alone.
func (c *Config) pilot(ctx context.Context, dir string, b budget.Budget, o Options) error {
	steps := int(c.Pilot * float64(c.Optimization.Steps))
	room := b.Total > 0 && steps >= leastSteps
	if room {
		if err := c.pilot(ctx, filepath.Join(dir, rundir.PilotDir), budget.Budget{}, o); err != nil {
			return err
		}
	}
	p := c.clone()
	p.Pilot = 0
	if room {
		p.Optimization.Steps = steps
		if _, err := p.ApplyBudget(o.Own, b); err != nil {
			return err
		}
		if tell := o.Progress; tell != nil {
			o.Progress = func(stage string, done, of int, note string) { tell("pilot "+stage, done, of, note) }
		}
	}
	r, err := Open(dir, p, o)
	if err != nil {
		return err
	}
	defer r.Close()
	if room {
		lags, err := r.lags(ctx)
		if err == nil {
			c.follow(lags)
		}
		return err
	}
	gaps, err := r.gaps(ctx)
	if err == nil {
		c.regularize(gaps)
	}
	return err
}

// regularize gives mixup and dropout to networks whose data are short.
func (c *Config) regularize(gaps map[string]float64) {
	for name, gap := range gaps {
		give(&c.Optimization.Mixup, name, min(mostMixup, mixupFollows*max(0, gap)))
		give(&c.Optimization.Dropout, name, min(mostDropout, max(0, gap)))
	}
}

// follow gives room in proportion to the square root of lags; its geometric mean is 1.
func (c *Config) follow(lags map[string]float64) {
	mean := 0.0 // of the logarithms
	for _, name := range c.Networks {
		mean += math.Log(max(lags[name], leastLag)) / float64(len(lags))
	}
	for name, lag := range lags {
		give(&c.Pages.Load, name, math.Sqrt(max(lag, leastLag)/math.Exp(mean)))
	}
}

// give sets a network's value of an option, to two decimals, unless it has one of its own.
func give(e *optimization.Each, name string, value float64) {
	value = math.Round(100*value) / 100
	if _, own := (*e)[name]; own || value == (*e)[""] {
		return
	}
	if *e == nil {
		*e = optimization.Each{}
	}
	(*e)[name] = value
}

// What follows from gaps and lags (results/findings.md).
const (
	mostMixup    = 0.5 // from a gap of 0.1
	mixupFollows = 5   // times the gap
	mostDropout  = 0.1 // likewise the gap itself
	leastLag     = 1e-3
	leastSteps   = 50 // of a pilot that shows lags
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
