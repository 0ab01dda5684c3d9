package main

import (
	"errors"
	"fmt"
	"io"

	"weightsep/wslib/budget"
	"weightsep/wslib/network"
	"weightsep/wslib/pipeline"
)

// budgetOptions are the flags that say what may be stored instead of how.
type budgetOptions struct {
	flags  *runFlags
	ratio  *float64
	bytes  *int
	level1 *int
}

func budgetFlags(f *runFlags) *budgetOptions {
	return &budgetOptions{
		flags:  f,
		ratio:  f.set.Float64("ratio", 0, "budget: packing `ratio` in bytes, everything counted; instead of pages and precision"),
		bytes:  f.set.Int("bytes", 0, "budget: `bytes` in all; instead of -ratio"),
		level1: f.set.Int("level1", 0, "budget: `bytes` of it in device memory, the rest for exclusive pages; 0: chosen"),
	}
}

// apply replaces pages and precision of a configuration by those of the budget, if one
// is given, and says which.
func (b *budgetOptions) apply(c *pipeline.Config, log io.Writer) error {
	if *b.ratio == 0 && *b.bytes == 0 {
		if *b.level1 != 0 {
			return errors.New("-level1 needs -ratio or -bytes")
		}
		return nil
	}
	if *b.ratio != 0 && *b.bytes != 0 {
		return errBoth
	}
	for _, name := range []string{"shared", "exclusive", "margin", "tpr", "exclusive-precision"} {
		if isSet(b.flags.set, name) {
			return fmt.Errorf("a budget chooses pages by itself: leave out -%s", name)
		}
	}
	total, err := b.total(c.Networks)
	if err != nil {
		return err
	}
	limit := budget.Budget{Total: total, Level1: *b.level1}
	if isSet(b.flags.set, "precision") {
		limit.Precision = c.Optimization.Precision
	}
	if isSet(b.flags.set, "scales") {
		limit.ScaleFormat = c.Optimization.ScaleFormat
	}
	if isSet(b.flags.set, "start") {
		limit.Keys = budget.NoKeys // unless the start has them
	}
	plan, err := c.ApplyBudget(limit)
	if err != nil {
		return err
	}
	announce(log, total, plan)
	return nil
}

var errBoth = errors.New("-ratio and -bytes are two ways to say the same: give one")

// total is the budget in bytes for networks, 0 if none is given.
func (b *budgetOptions) total(names []string) (int, error) {
	if *b.ratio == 0 {
		return *b.bytes, nil
	}
	nets, err := network.Select(network.Ten(), names...)
	if err != nil {
		return 0, err
	}
	var weights []int
	for _, n := range nets {
		weights = append(weights, n.Weights())
	}
	return budget.Ratio(weights, *b.ratio)
}

// join is the configuration of a run that goes on from the one in dir, whose networks
// are held.
func (b *budgetOptions) join(dir string, loads map[string]float64, log io.Writer) (pipeline.Config, error) {
	if err := refuse(b.flags, pagesAndData...); err != nil {
		return pipeline.Config{}, err
	}
	names := b.flags.nets()
	if len(names) == 0 {
		return pipeline.Config{}, usagef("-from needs -net: the networks that stay and those that join")
	}
	if *b.ratio != 0 && *b.bytes != 0 {
		return pipeline.Config{}, usageError{errBoth.Error()}
	}
	total, err := b.total(names)
	if err != nil {
		return pipeline.Config{}, usageError{err.Error()}
	}
	c, plan, err := pipeline.Join(dir, b.flags.data, names, pipeline.JoinOptions{Bytes: total, Loads: loads})
	if err != nil {
		return c, err
	}
	if plan.Bytes == 0 {
		fmt.Fprintf(log, "no network joins: %d shared pages are left\n", c.Shared)
		return c, nil
	}
	fmt.Fprintf(log, "all networks together: ")
	announce(log, max(total, plan.Bytes), plan)
	return c, nil
}

func announce(log io.Writer, total int, plan budget.Plan) {
	fmt.Fprintf(log, "budget of %d bytes: %d shared pages of %v, at most %s exclusive ones a network of %v, scales as %s%s: %d bytes, %d of them in device memory\n",
		total, plan.Shared, plan.Precision, plan.ExclusiveRange(), plan.ExclusivePrecision, plan.ScaleFormat, plan.KeysText(), plan.Bytes, plan.Level1)
}
