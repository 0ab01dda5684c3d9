package pipeline

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"weightsep/datasets"
	"weightsep/wslib/budget"
	"weightsep/wslib/network"
	"weightsep/wslib/page"
)

// Join is the configuration of a run that goes on from the optimized run in directory
// dir with the named networks. Those that the run there has are held: they keep their
// weights, bit for bit. The others join them and are trained alone, on pages of their own,
// as many as the budget has room for beside those that are there. Shared pages that no
// network uses any more are left out.
//
// bytes is the budget for all networks, everything counted; 0 keeps the packing ratio of the run there.
// own are the caller's networks that join; change, if not nil, is applied to that run's configuration
// first. Precisions and format of scales stay; exclusive pages are shared out anew. dataDir is the
// directory of the originals' files, "" for none. The plan is that of the networks that join; it is zero
// if none does.
func Join(
	dir, dataDir string, own []Own, networks []string, bytes int, change func(*Config) error,
) (Config, budget.Plan, error) {
	e, err := readEarlier(dir, dataDir)
	if err != nil {
		return Config{}, budget.Plan{}, err
	}
	c := e.config
	c.From, c.Networks, c.Pages.Doubling, c.Pilot = dir, networks, true, 0
	if change != nil {
		if err := change(&c); err != nil {
			return Config{}, budget.Plan{}, err
		}
	}
	c.Own = maps.Clone(c.Own)
	for name, hash := range OwnHashes(own) {
		if c.Own == nil {
			c.Own = map[string]string{}
		}
		c.Own[name] = hash
	}
	given := slices.Clone(own)
	for _, o := range e.own { // those that stay, as the run there knows them
		if !slices.ContainsFunc(own, func(g Own) bool { return g.Network.Name == o.Network.Name }) {
			given = append(given, o)
		}
	}
	for _, name := range networks {
		has := func(o Own) bool { return o.Network.Name == name }
		if e.set.Index(name) >= 0 && !slices.ContainsFunc(given, has) &&
			!slices.Contains(datasets.Names(), name) {
			return Config{}, budget.Plan{}, errNotGiven(name)
		}
	}
	plan, err := c.join(given, e.set, bytes)
	if err != nil {
		return Config{}, budget.Plan{}, fmt.Errorf("networks join those of %s: %w", dir, err)
	}
	return c, plan, nil
}

// join takes the pages that networks have beside those of an optimized set that stay.
func (c *Config) join(own []Own, set *page.Set, bytes int) (budget.Plan, error) {
	nets, err := c.Select(own)
	if err != nil {
		return budget.Plan{}, err
	}
	var stay []string
	var joining []*network.Network
	var weights, all []int
	b := budget.Budget{Total: bytes, Keys: cmp.Or(c.Pages.KeyPrecision, budget.NoKeys)}
	for _, n := range nets {
		all = append(all, n.Weights())
		if set.Index(n.Name) >= 0 {
			stay = append(stay, n.Name)
			continue
		}
		joining, weights = append(joining, n), append(weights, n.Weights())
		b.Loads = append(b.Loads, c.Pages.Load.Of(n.Name))
	}
	if b.Total == 0 && !c.Untrained() {
		if b.Total, err = budget.Ratio(all, set.Stored().RatioBytes); err != nil {
			return budget.Plan{}, err
		}
	}
	if set, err = set.Keep(stay...); err != nil {
		return budget.Plan{}, err
	}
	if c.Pages.Shared = set.Shared; len(joining) == 0 {
		return budget.Plan{}, nil
	}
	if c.Untrained() {
		return c.joinUntrained(joining, own, set, bytes)
	}
	b.Precision, b.ExclusivePrecision = c.Pages.PageFormat().Precisions()
	b.ScaleFormat = c.Pages.ScaleFormat
	b.Held = budget.HeldBy(set)
	plan, err := choose(nets, weights, c.Pages.Size, b)
	if err != nil {
		return plan, fmt.Errorf("those that stay take %d bytes: %w", set.Stored().Total, err)
	}
	c.Pages.take(plan, joining)
	return plan, nil
}

// joinUntrained gives networks that join places of their own, as [Config.applyUntrained] does, after the
// pages of those that stay, in the format of these.
func (c *Config) joinUntrained(joining []*network.Network, own []Own, set *page.Set, bytes int) (
	budget.Plan, error) {
	format, held := set.Format, set.Stored().Total
	b := budget.Budget{Total: math.MaxInt32, Precision: format.Precision}
	if bytes > 0 {
		b.Total = bytes - held
	}
	plan, err := c.applyUntrained(joining, own, b)
	if err != nil {
		return plan, fmt.Errorf("those that stay take %d bytes: %w", held, err)
	}
	c.Pages.Shared, c.Pages.Doubling = c.Pages.Shared+set.Shared, true
	format.Shared = c.Pages.Shared
	if want := c.Pages.PageFormat(); want != format {
		return plan, fmt.Errorf("%s is not trained and joins none that are: want training samples and steps",
			joining[0].Name)
	}
	plan.Bytes += held
	return plan, nil
}
