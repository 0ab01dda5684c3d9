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
		return errors.New("-ratio and -bytes are two ways to say the same: give one")
	}
	for _, name := range []string{"shared", "exclusive", "margin", "tpr", "exclusive-precision"} {
		if isSet(b.flags.set, name) {
			return fmt.Errorf("a budget chooses pages by itself: leave out -%s", name)
		}
	}
	total := *b.bytes
	if total == 0 {
		nets, err := network.Select(network.Ten(), c.Networks...)
		if err != nil {
			return err
		}
		var weights []int
		for _, n := range nets {
			weights = append(weights, n.Weights())
		}
		if total, err = budget.Ratio(weights, *b.ratio); err != nil {
			return err
		}
	}
	limit := budget.Budget{Total: total, Level1: *b.level1}
	if isSet(b.flags.set, "precision") {
		limit.Precision = c.Optimization.Precision
	}
	if isSet(b.flags.set, "scales") {
		limit.ScaleFormat = c.Optimization.ScaleFormat
	}
	plan, err := c.ApplyBudget(limit)
	if err != nil {
		return err
	}
	fmt.Fprintf(log, "budget of %d bytes: %d shared pages of %v, at most %s exclusive ones a network of %v, scales as %s: %d bytes, %d of them in device memory\n",
		total, plan.Shared, plan.Precision, plan.ExclusiveRange(), plan.ExclusivePrecision, plan.ScaleFormat, plan.Bytes, plan.Level1)
	return nil
}
