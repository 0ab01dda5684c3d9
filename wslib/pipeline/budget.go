package pipeline

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"weightsep/wslib/budget"
	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
	"weightsep/wslib/page"
)

// Budget is the bytes that the configuration's networks take when packed so many times.
func (c Config) Budget(own []Own, ratio float64) (int, error) {
	nets, err := c.Select(own)
	if err != nil {
		return 0, err
	}
	var weights []int
	for _, n := range nets {
		weights = append(weights, n.Weights())
	}
	return budget.Ratio(weights, ratio)
}

// ApplyBudget replaces numbers of pages, precisions, keys and format of scales by what a budget gives
// for the configuration's networks and their Load. Where a network has more pages than there are
// shared ones, several of its pages lie on one.
//
// Pages that are not trained are not shared: there the budget only chooses the precision.
func (c *Config) ApplyBudget(own []Own, b budget.Budget) (budget.Plan, error) {
	nets, err := c.Select(own)
	if err != nil {
		return budget.Plan{}, err
	}
	p := &c.Pages
	separate := 0
	for _, n := range nets {
		separate += 4 * n.Weights()
	}
	if b.Total > separate && b.Total != math.MaxInt32 {
		return budget.Plan{}, fmt.Errorf("%d bytes are more than the %d that the networks take in "+
			"float32: there is nothing to pack", b.Total, separate)
	}
	if c.Untrained() {
		return c.applyUntrained(nets, own, b)
	}
	var weights []int
	b.Loads = nil
	for _, n := range nets {
		weights = append(weights, n.Weights())
		b.Loads = append(b.Loads, p.Load.Of(n.Name))
	}
	if c.Optimization.Method == optimization.AlternatingMethod {
		b.Keys = budget.NoKeys // nor scales
	}
	if p.KeyPrecision != 0 {
		b.Keys = p.KeyPrecision
	}
	plan, err := choose(nets, weights, p.Size, b)
	if err != nil {
		return plan, err
	}
	// On few pages only with doubling.
	p.Doubling = p.Placement == BalancedPlacement
	for _, n := range nets {
		p.Doubling = p.Doubling || page.Count(n.Weights(), p.Size) > plan.Shared
	}
	p.take(plan, nets)
	p.Order = network.BiasesFirst
	p.Precision, p.ExclusivePrecision, p.ScaleFormat, p.KeyPrecision = plan.Precision,
		plan.ExclusivePrecision, plan.ScaleFormat, plan.KeyPrecision
	return plan, nil
}

// choose is [budget.Choose] with the given numbers of weights, beside what all networks' states take.
func choose(nets []*network.Network, weights []int, size int, b budget.Budget) (budget.Plan, error) {
	state := 0
	for _, n := range nets {
		state += 4 * n.StateSize()
	}
	b.Total -= state
	plan, err := budget.Choose(weights, size, b)
	plan.Bytes += state
	if err != nil && state > 0 {
		err = fmt.Errorf("beside %d bytes of state: %w", state, err)
	}
	return plan, err
}

// take replaces numbers of pages by those of a plan for the given networks. Exclusive pages are as many as the
// plan has bytes for, however few carry most of the density.
func (p *Pages) take(plan budget.Plan, nets []*network.Network) {
	p.Shared, p.TPR, p.Margin = plan.Shared, 1, 1e-6
	p.Exclusive = optimization.Each{"": float64(slices.Min(plan.Exclusive))}
	for i, n := range nets {
		if k := float64(plan.Exclusive[i]); k != p.Exclusive[""] {
			p.Exclusive[n.Name] = k
		}
	}
}

// Untrained says that pages are rounded as they are.
func (c Config) Untrained() bool {
	return c.Optimization.Method == optimization.JointMethod && c.Optimization.Steps == 0
}

// applyUntrained gives every page of a network a place of its own, in the finest precision that
// the budget has room for. Pages of mixed magnitudes stay exclusive, in float32, see mixedPages.
func (c *Config) applyUntrained(nets []*network.Network, given []Own, b budget.Budget) (budget.Plan, error) {
	p := &c.Pages
	pages, least, own := 0, 0, make([]int, len(nets))
	p.Exclusive = optimization.Each{"": 0}
	for i, n := range nets {
		var weights []float32
		for _, o := range given {
			if o.Network.Name == n.Name && o.Values != nil {
				weights = n.WithOrder(network.BiasesFirst).FromLayerOrder(o.Values.Weights)
			}
		}
		own[i] = len(mixedPages(n.WithOrder(network.BiasesFirst), weights, p.Size))
		pages += page.Count(n.Weights(), p.Size) - own[i]
		p.Exclusive[n.Name] = float64(own[i])
		least += own[i]*(page.Float32.Bytes(p.Size)+8) + 4*n.StateSize() // table, scale
	}
	exclusive := least
	pages = max(1, pages) // a set has a shared page, even if no network uses it
	for _, precision := range []page.Precision{page.Float32, page.Int8, page.Int4, page.Int2} {
		if b.Precision != 0 && b.Precision != precision {
			continue
		}
		perPage := precision.Bytes(p.Size) + 4 // table
		scales := page.ScaleFloat32
		if precision.Quantized() {
			scales = cmp.Or(b.ScaleFormat, page.ScaleFloat16)
			perPage += scales.Bytes()
		}
		if least = exclusive + pages*perPage; least > b.Total {
			continue
		}
		p.Shared, p.Precision, p.ExclusivePrecision, p.ScaleFormat, p.KeyPrecision = pages, precision,
			page.Float32, scales, 0
		p.Placement, p.Doubling, p.Order = GreedyPlacement, false, network.BiasesFirst
		return budget.Plan{Format: p.PageFormat(), Exclusive: own, Bytes: least,
			Level1: least - exclusive}, nil
	}
	return budget.Plan{}, fmt.Errorf("pages that are not trained take %d bytes at least, the budget is "+
		"%d: train them, or want a smaller ratio", least, b.Total)
}

// mixedPages are the pages, rising, that one scale does not fit: those with layers of one axis or
// none, few values of any magnitude on which all others depend, and those where layers meet whose
// values differ much in magnitude. Without weights they are the first ones only.
func mixedPages(n *network.Network, weights []float32, size int) []int {
	mixed := make([]bool, page.Count(n.Weights(), size))
	// mean squares of parts of layers
	least, largest := make([]float64, len(mixed)), make([]float64, len(mixed))
	for _, l := range n.Layers() {
		for at := l.Offset; at < l.Offset+l.Size(); {
			b := at / size
			end := min((b+1)*size, l.Offset+l.Size())
			mixed[b] = mixed[b] || len(l.Shape) < 2
			if weights != nil {
				sum := 0.0
				for _, w := range weights[at:end] {
					sum += float64(w) * float64(w)
				}
				if mean := sum / float64(end-at); mean > 0 {
					largest[b] = max(largest[b], mean)
					if least[b] == 0 || mean < least[b] {
						least[b] = mean
					}
				}
			}
			at = end
		}
	}
	var pages []int
	for b := range mixed {
		const factor = 4 // of root mean squares
		if mixed[b] || largest[b] > factor*factor*least[b] {
			pages = append(pages, b)
		}
	}
	return pages
}

// DefaultMinTrain is the number of training samples below which a real dataset is too
// small a part of the original to train on: a few recordings put there to try a loader.
const DefaultMinTrain = 500
