package pipeline

import (
	"context"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"

	"weightsep/wslib/budget"
	"weightsep/wslib/optimization"
	"weightsep/wslib/rundir"
)

// Allot takes pages from a budget, as [Config.ApplyBudget] does, after it has given the networks what
// follows from a pilot, joint training at the same budget with equal room and no mixup for the share
// Config.Pilot of the steps: mixup and dropout from their gaps, room from their lags. Values that the
// configuration has for single networks stay. With a share of 0, or fewer than 50 steps, nothing is given;
// without a budget no room.
//
// A gap is by how much more a packed network loses on validation samples than on training samples: data are
// short. A lag is by how much more it loses than its teacher on validation and on training samples, the smaller
// of the two: room is short. Both are in proportion to the loss without knowledge. Test data are not looked at.
//
// The pilot's directory lies in dir, that of the run to come, which takes baselines, Fisher information and
// teachers from there. Interrupted, the same call goes on; a pilot that is done answers at once.
func Allot(ctx context.Context, dir string, c *Config, b budget.Budget, o Options) (budget.Plan, error) {
	if c.Pilot > 0 && !c.Untrained() && c.Optimization.Method == optimization.JointMethod {
		if err := rundir.Check(dir); err != nil { // before the pilot takes long, there
			return budget.Plan{}, err
		}
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

// pilot runs a pilot and fills in what follows from it.
func (c *Config) pilot(ctx context.Context, dir string, b budget.Budget, o Options) error {
	p := c.clone()
	p.Pilot, p.Optimization.Steps = 0, int(c.Pilot*float64(c.Optimization.Steps))
	if p.Optimization.Steps < leastSteps {
		return nil
	}
	if b.Total > 0 {
		if _, err := p.ApplyBudget(o.Own, b); err != nil {
			return err
		}
	}
	if tell := o.Progress; tell != nil {
		o.Progress = func(stage string, done, of int, note string) { tell("pilot "+stage, done, of, note) }
	}
	r, err := Open(dir, p, o)
	if err != nil {
		return err
	}
	defer r.Close()
	shown, err := r.shown(ctx)
	if err != nil {
		return err
	}
	c.regularize(shown.Gaps)
	if b.Total > 0 {
		c.follow(shown.Lags)
	}
	return nil
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
	for _, name := range slices.Sorted(maps.Keys(lags)) {
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
