package pipeline

import (
	"cmp"
	"fmt"
	"slices"

	"weightsep/wslib/budget"
	"weightsep/wslib/network"
	"weightsep/wslib/page"
)

// Join is the configuration of a run that goes on from the optimized run in directory
// dir with the named networks. Those that the run there has are held: they keep their
// weights, bit for bit. The others join them and are trained alone, on pages of their own,
// as many as the budget has room for beside those that are there. Without b.Total it is
// what keeps the packing ratio of the run there. Shared pages that no network uses any more are left out.
//
// dataDir is the directory of the originals' files, "" for none. Precisions and format of
// scales are those of the run there; of b, Total and Loads are used. The plan is zero if
// no network joins.
func Join(dir, dataDir string, networks []string, b budget.Budget) (Config, budget.Plan, error) {
	from, err := Reopen(dir, dataDir, Options{})
	if err != nil {
		return Config{}, budget.Plan{}, err
	}
	defer from.Close()
	set, err := from.Set()
	if err != nil {
		return Config{}, budget.Plan{}, fmt.Errorf("%s: %w", dir, err)
	}
	c := from.Config
	c.From, c.Hold, c.Networks, c.Doubling = dir, true, networks, true
	if c.Optimization.Method != Joint {
		return Config{}, budget.Plan{}, fmt.Errorf("%s: pages of %s optimization have no scales: networks cannot join", dir, c.Optimization.Method)
	}
	nets, err := network.Select(network.Ten(), networks...)
	if err != nil {
		return Config{}, budget.Plan{}, err
	}
	var stay []string
	var join, all []int
	loads := map[string]int{}
	for _, n := range nets {
		all = append(all, n.Weights())
		if set.Index(n.Name) >= 0 {
			stay = append(stay, n.Name)
			continue
		}
		loads[n.Name] = len(join)
		join = append(join, n.Weights())
		b.Loads = append(b.Loads, cmp.Or(c.Loads[n.Name], 1))
	}
	ratio := set.Stored().RatioBytes
	if set, err = set.Keep(stay...); err != nil {
		return Config{}, budget.Plan{}, err
	}
	c.Shared, c.MaxExclusives = set.Shared, nil
	if len(join) == 0 {
		return c, budget.Plan{}, nil
	}
	if b.Total == 0 {
		if b.Total, err = budget.Ratio(all, ratio); err != nil {
			return Config{}, budget.Plan{}, err
		}
	}
	o := c.Optimization
	b.Precision = cmp.Or(o.Precision, page.Float32)
	b.ExclusivePrecision, b.ScaleFormat = cmp.Or(o.ExclusivePrecision, b.Precision), cmp.Or(o.ScaleFormat, page.ScaleFloat32)
	b.Held = budget.HeldBy(set)
	plan, err := budget.Choose(join, c.PageSize, b)
	if err != nil {
		return Config{}, budget.Plan{}, fmt.Errorf("networks join those of %s, which take %d bytes: %w", dir, set.Stored().Total, err)
	}
	c.Shared, c.MaxExclusive = plan.Shared, slices.Min(plan.Exclusive)
	for name, i := range loads {
		if k := plan.Exclusive[i]; k != c.MaxExclusive {
			if c.MaxExclusives == nil {
				c.MaxExclusives = map[string]int{}
			}
			c.MaxExclusives[name] = k
		}
	}
	if c.TPR = 1; c.MaxExclusive == 0 {
		c.TPR = 0 // none
	}
	return c, plan, nil
}
