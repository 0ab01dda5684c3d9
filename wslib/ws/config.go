package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"weightsep/wslib/budget"
	"weightsep/wslib/optimization"
	"weightsep/wslib/page"
	"weightsep/wslib/pipeline"
)

func (f *flags) budgetFlags() {
	f.set.Float64Var(&f.ratio, "ratio", 0,
		"budget: packing `ratio` in bytes, everything counted; instead of pages and precision")
	f.set.Func("bytes", "budget: `bytes` in all, as in 80KB; instead of -ratio", parseBytes(&f.bytes))
	f.set.Func("level1", "budget: `bytes` of it in device memory, the rest for exclusive pages; else chosen",
		parseBytes(&f.level1))
}

// parseBytes reads a number of bytes, as in 80000, 80KB or 0.08MB.
func parseBytes(to *int) func(text string) error {
	return func(text string) error {
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
		*to = int(v)
		return nil
	}
}

// apply sets the networks and values that were given, and what follows from them. It reports flags
// that contradict each other.
func (f *flags) apply(c *pipeline.Config) error {
	if nets := f.nets(); nets != nil {
		c.Networks = nets
	}
	if err := f.config.Apply(c); err != nil {
		return wrong(err)
	}
	if other := f.config.Other("only", c.Optimization.Method); other != "" {
		return usagef("%s optimization has no -%s", c.Optimization.Method, other)
	}
	p := &c.Pages
	balanced := p.Placement == pipeline.BalancedPlacement
	if balanced && f.isSet("placement") {
		p.Doubling = true
	}
	if !balanced && c.Optimization.Method == optimization.AlternatingMethod {
		p.Doubling = false // of a profile that places otherwise
	}
	if c.Hold || balanced {
		return nil
	}
	if f.isSet("load") || f.isSet("spread") {
		return usagef("-load and -spread need -placement %s", pipeline.BalancedPlacement)
	}
	p.Load, p.LoadSpread = optimization.Each{"": 1}, 0
	return nil
}

// applyBudget replaces pages and precision of a configuration by those of the budget, if one
// is given, and says which.
func (f *flags) applyBudget(c *pipeline.Config, own []pipeline.Own) error {
	total, err := f.budget(*c, own)
	if err != nil {
		return err
	}
	limit := budget.Budget{Level1: f.level1}
	if total == 0 && c.Untrained() {
		total, limit.Precision = math.MaxInt32, page.Int8
	}
	if total == 0 {
		return f.refuse("-%s needs -ratio or -bytes", "level1")
	}
	if err := f.refuse("a budget chooses pages by itself: leave out -%s", "shared", "exclusive", "margin",
		"tpr", "exclusive-precision"); err != nil {
		return err
	}
	limit.Total = total
	if f.isSet("precision") {
		limit.Precision = c.Pages.Precision
	}
	if f.isSet("scales") {
		limit.ScaleFormat = c.Pages.ScaleFormat
	}
	if f.isSet("keys") {
		limit.Keys = budget.NoKeys // unless the configuration has them
	}
	plan, err := c.ApplyBudget(own, limit)
	if err == nil {
		err = c.Validate()
	}
	if err == nil {
		f.announce(min(total, plan.Bytes), plan)
	}
	return wrong(err)
}

// budget is the budget in bytes for the networks of a configuration, 0 if none is given.
func (f *flags) budget(c pipeline.Config, own []pipeline.Own) (int, error) {
	if !f.isSet("ratio") {
		return f.bytes, nil
	}
	if f.bytes != 0 {
		return 0, usagef("-ratio and -bytes are two ways to say the same: give one")
	}
	nets, err := c.Select(own)
	if err != nil {
		return 0, wrong(err)
	}
	var weights []int
	for _, n := range nets {
		weights = append(weights, n.Weights())
	}
	total, err := budget.Ratio(weights, f.ratio)
	return total, wrong(err)
}

func (f *flags) announce(total int, plan budget.Plan) {
	fmt.Fprintf(f.err, "budget of %d bytes: %d shared pages of %v, at most %s exclusive ones a network of "+
		"%v, scales as %s%s: %d bytes, %d of them in device memory\n",
		total, plan.Shared, plan.Precision, plan.ExclusiveRange(), plan.ExclusivePrecision, plan.ScaleFormat,
		plan.KeysText(), plan.Bytes, plan.Level1)
}
