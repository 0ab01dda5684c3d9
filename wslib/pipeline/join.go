package pipeline

import (
	"cmp"
	"fmt"
	"maps"

	"weightsep/wslib/budget"
	"weightsep/wslib/network"
	"weightsep/wslib/page"
)

// JoinOptions of [Join].
type JoinOptions struct {
	Bytes int                // for all networks, everything counted; 0: what keeps the packing ratio
	Loads map[string]float64 // of networks that join, instead of those of the run there
}

// Join is the configuration of a run that goes on from the optimized run in directory
// dir with the named networks. Those that the run there has are held: they keep their
// weights, bit for bit. The others join them and are trained alone, on pages of their own,
// as many as the budget has room for beside those that are there. Shared pages that no
// network uses any more are left out.
//
// Precisions, format of scales and schedule are those of the run there; exclusive pages are
// shared out as without a limit on level 1. dataDir is the directory of the originals' files,
// "" for none. The plan is that of the networks that join; it is zero if none does.
func Join(dir, dataDir string, networks []string, o JoinOptions) (Config, budget.Plan, error) {
	from, err := Reopen(dir, dataDir, Options{})
	if err != nil {
		return Config{}, budget.Plan{}, err
	}
	defer from.Close()
	c := from.Config
	if c.Optimization.Method != Joint {
		return Config{}, budget.Plan{}, fmt.Errorf("%s: pages of %s optimization have no scales: networks cannot join", dir, c.Optimization.Method)
	}
	set, err := from.Set()
	if err != nil {
		return Config{}, budget.Plan{}, fmt.Errorf("%s: %w", dir, err)
	}
	c.From, c.Hold, c.Networks, c.Doubling = dir, true, networks, true
	c.Loads = maps.Clone(c.Loads)
	for name, l := range o.Loads {
		if c.Loads == nil {
			c.Loads = map[string]float64{}
		}
		c.Loads[name] = l
	}
	plan, err := c.join(set, o.Bytes)
	if err != nil {
		return Config{}, budget.Plan{}, fmt.Errorf("networks join those of %s: %w", dir, err)
	}
	return c, plan, nil
}

// join takes the pages that networks have beside those of an optimized set that stay.
func (c *Config) join(set *page.Set, bytes int) (budget.Plan, error) {
	nets, err := network.Select(network.Ten(), c.Networks...)
	if err != nil {
		return budget.Plan{}, err
	}
	var stay []string
	var joining []*network.Network
	var weights, all []int
	b := budget.Budget{Total: bytes, Keys: cmp.Or(c.keys(), budget.NoKeys)}
	for _, n := range nets {
		all = append(all, n.Weights())
		if set.Index(n.Name) >= 0 {
			stay = append(stay, n.Name)
			continue
		}
		joining, weights = append(joining, n), append(weights, n.Weights())
		b.Loads = append(b.Loads, cmp.Or(c.Loads[n.Name], 1))
	}
	if b.Total == 0 {
		if b.Total, err = budget.Ratio(all, set.Stored().RatioBytes); err != nil {
			return budget.Plan{}, err
		}
	}
	if set, err = set.Keep(stay...); err != nil {
		return budget.Plan{}, err
	}
	if c.Shared = set.Shared; len(joining) == 0 {
		return budget.Plan{}, nil
	}
	o := c.Optimization
	b.Precision = cmp.Or(o.Precision, page.Float32)
	b.ExclusivePrecision, b.ScaleFormat = cmp.Or(o.ExclusivePrecision, b.Precision), cmp.Or(o.ScaleFormat, page.ScaleFloat32)
	b.Held = budget.HeldBy(set)
	plan, err := budget.Choose(weights, c.PageSize, b)
	if err != nil {
		return plan, fmt.Errorf("those that stay take %d bytes: %w", set.Stored().Total, err)
	}
	c.takePages(plan, joining)
	return plan, nil
}
