package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"weightsep/wslib/budget"
	"weightsep/wslib/page"
	"weightsep/wslib/pipeline"
)

// budgetOptions are the flags that say what may be stored instead of how.
type budgetOptions struct {
	flags  *runFlags
	ratio  *float64
	bytes  byteCount
	level1 byteCount
}

// byteCount is a flag's number of bytes, as in 80000, 80KB or 0.08MB.
type byteCount int

func (b *byteCount) String() string { return "" } // no default to show

func (b *byteCount) Set(text string) error {
	number, unit := text, 1.0
	for suffix, n := range map[string]float64{"KB": 1e3, "MB": 1e6} {
		if cut, ok := strings.CutSuffix(text, suffix); ok {
			number, unit = cut, n
		}
	}
	v, err := strconv.ParseFloat(number, 64)
	if v *= unit; err != nil || !(v >= 1 && v <= math.MaxInt32) || v != math.Trunc(v) {
		return errors.New("want a number of bytes, as in 80000 or 80KB")
	}
	*b = byteCount(v)
	return nil
}

func budgetFlags(f *runFlags) *budgetOptions {
	b := &budgetOptions{flags: f, ratio: f.set.Float64("ratio", 0,
		"budget: packing `ratio` in bytes, everything counted; instead of pages and precision")}
	f.set.Var(&b.bytes, "bytes", "budget: `bytes` in all, as in 80KB; instead of -ratio")
	f.set.Var(&b.level1, "level1", "budget: `bytes` of it in device memory, the rest for exclusive pages; "+
		"else chosen")
	return b
}

// apply replaces pages and precision of a configuration by those of the budget, if one
// is given, and says which.
func (b *budgetOptions) apply(c *pipeline.Config, own []pipeline.Own, o configFlags, log io.Writer) error {
	total, err := b.total(*c, own)
	if err != nil {
		return err
	}
	limit := budget.Budget{Total: total, Level1: int(b.level1)}
	if total == 0 && c.Untrained() {
		limit.Total, limit.Precision = math.MaxInt32, page.Int8
		total = limit.Total
	}
	if total == 0 {
		if b.level1 != 0 {
			return usagef("-level1 needs -ratio or -bytes")
		}
		return nil
	}
	for _, name := range []string{"shared", "exclusive", "margin", "tpr", "exclusive-precision"} {
		if o.Given(name) {
			return usagef("a budget chooses pages by itself: leave out -%s", name)
		}
	}
	if o.Given("precision") {
		limit.Precision = c.Pages.Precision
	}
	if o.Given("scales") {
		limit.ScaleFormat = c.Pages.ScaleFormat
	}
	if o.Given("keys") {
		limit.Keys = budget.NoKeys // unless the configuration has them
	}
	plan, err := c.ApplyBudget(own, limit)
	if err == nil {
		err = c.Validate()
	}
	if err != nil {
		return usageError{err.Error()}
	}
	announce(log, min(total, plan.Bytes), plan)
	return nil
}

// total is the budget in bytes for networks, 0 if none is given.
func (b *budgetOptions) total(c pipeline.Config, own []pipeline.Own) (int, error) {
	if !isSet(b.flags.set, "ratio") {
		return int(b.bytes), nil
	}
	if b.bytes != 0 {
		return 0, usagef("-ratio and -bytes are two ways to say the same: give one")
	}
	nets, err := c.Select(own)
	if err != nil {
		return 0, usageError{err.Error()}
	}
	var weights []int
	for _, n := range nets {
		weights = append(weights, n.Weights())
	}
	total, err := budget.Ratio(weights, *b.ratio)
	if err != nil {
		return 0, usageError{err.Error()}
	}
	return total, nil
}

// join is the configuration of a run that goes on from the one in dir, whose networks
// are held.
func (b *budgetOptions) join(dir string, own []pipeline.Own, o configFlags,
	log io.Writer) (pipeline.Config, error) {
	if err := refuse(b.flags, pagesAndData...); err != nil {
		return pipeline.Config{}, err
	}
	names := b.flags.nets()
	if len(names) == 0 {
		return pipeline.Config{}, usagef("-from needs -net: the networks that stay and those that join")
	}
	total, err := b.total(pipeline.Config{Networks: names, Own: pipeline.OwnHashes(own)}, own)
	if err != nil {
		return pipeline.Config{}, err
	}
	c, plan, err := pipeline.Join(dir, b.flags.data, own, names, total, o.join)
	if err != nil {
		return c, err
	}
	if plan.Bytes == 0 {
		fmt.Fprintf(log, "no network joins: %d shared pages are left\n", c.Pages.Shared)
		return c, nil
	}
	fmt.Fprintf(log, "all networks together: ")
	announce(log, max(total, plan.Bytes), plan)
	return c, nil
}

func announce(log io.Writer, total int, plan budget.Plan) {
	fmt.Fprintf(log, "budget of %d bytes: %d shared pages of %v, at most %s exclusive ones a network of "+
		"%v, scales as %s%s: %d bytes, %d of them in device memory\n",
		total, plan.Shared, plan.Precision, plan.ExclusiveRange(), plan.ExclusivePrecision, plan.ScaleFormat,
		plan.KeysText(), plan.Bytes, plan.Level1)
}
