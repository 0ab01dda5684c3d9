package pipeline

import (
	"context"
	"fmt"
	"math"
	"path/filepath"

	"weightsep/wslib/budget"
	"weightsep/wslib/optimization"
	"weightsep/wslib/rundir"
)

// Allot takes pages from a budget, as [Config.ApplyBudget] does, after it has given the networks what
// follows from what they show before they are packed: mixup and dropout from their gaps, then room from their
// lags. Values that the configuration has for single networks stay. With a share of 0 in
// Config.Pilot nothing is given; without a budget no room.
//
// A gap is by how much a network's teacher does better on training samples than on validation samples: data
// are short. A lag is by how much more a network loses on validation samples than its teacher after a pilot,
// joint training at the same budget with equal room for the share Config.Pilot of the steps: room is short.
// With fewer than 50 steps nothing has been learnt, and room stays as it is.
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

// follow gives room in proportion to a power of lags; its geometric mean is 1.
func (c *Config) follow(lags map[string]float64) {
	mean := 0.0 // of the logarithms
	for _, name := range c.Networks {
		mean += math.Log(max(lags[name], leastLag)) / float64(len(lags))
	}
	for name, lag := range lags {
		give(&c.Pages.Load, name, math.Pow(max(lag, leastLag)/math.Exp(mean), roomFollows))
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
	mostMixup    = 0.5  // from a gap of 0.1
	mixupFollows = 5    // times the gap
	mostDropout  = 0.1  // likewise the gap itself
	roomFollows  = 0.75 // power of the lag
	leastLag     = 0.01 // less is as good as none
	leastSteps   = 50   // of a pilot that shows lags
)
