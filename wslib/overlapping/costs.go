package overlapping

import (
	"context"
	"slices"
	"sync"

	"weightsep/wslib/page"
)

// costMemory bounds, in bytes, the costs that a greedy placement holds at a time,
// unless the least it can do with is more: one row and one column. (All costs of
// 20,000 pages on 20,000 would be 3.2 GB.)
const costMemory = 256 << 20

// ahead is how many of n rows or columns of n costs are computed at once. More would
// cost pages that are paired before they are looked at, fewer would wait for memory
// to give the same weights again and again.
func ahead(n int) int { return max(1, min(max(4, n/8), sharedBlock, costMemory/2/8/n)) }

// A block of costs is computed from what stays in a core's cache: pages of 512
// weights are 8 KiB here.
const sharedBlock, networkBlock = 64, 16

// coster computes costs of a network's pages on the shared pages of a plan.
type coster struct {
	ctx        context.Context // when it is done, costs are not computed any more
	p          *Plan
	n          Network
	sharedSum  []float64 // Fisher information on each shared page, and
	networkSum []float64 // of each page of the network: where it is 0, so is the cost
	own        [][]int   // pages of the network on each shared page, from the rounds so far
	sum        []float64 // sharedSum, and that of own
}

func newCoster(ctx context.Context, p *Plan, n Network) *coster {
	c := &coster{ctx: ctx, p: p, n: n, networkSum: page.Sums(n.Fisher, p.PageSize),
		own: make([][]int, p.Shared), sharedSum: make([]float64, p.Shared)}
	for i, f := range p.FisherSum {
		c.sharedSum[i/p.PageSize] += f
	}
	c.sum = slices.Clone(c.sharedSum)
	return c
}

// put places page b on shared page a.
func (c *coster) put(b, a int) {
	c.own[a] = append(c.own[a], b)
	c.sum[a] += c.networkSum[b]
}

// placed are the shared pages that the network's pages were put on.
func (c *coster) placed(sharable []int) []int {
	on := make([]int, len(c.networkSum))
	for a, pages := range c.own {
		for _, b := range pages {
			on[b] = a
		}
	}
	return pick(on, sharable)
}

// fill computes the cost of network page network[j] on shared page shared[i] into
// out[i*len(network)+j], or out[j*len(shared)+i] if byNetwork: that of the shared
// page as the plan is, and of each of the network's own pages on it.
func (c *coster) fill(shared, network []int, byNetwork bool, out []float64) {
	acrossS, acrossN := len(network), 1
	if byNetwork {
		acrossS, acrossN = 1, len(shared)
	}
	clear(out)
	size := c.p.PageSize
	blocks := page.Count(len(shared), sharedBlock)
	inParallel(blocks*page.Count(len(network), networkBlock), func(block int) {
		if c.ctx.Err() != nil {
			return
		}
		q := fours.Get().(*four)
		defer fours.Put(q)
		s, t := block%blocks*sharedBlock, block/blocks*networkBlock
		sEnd, tEnd := min(s+sharedBlock, len(shared)), min(t+networkBlock, len(network))
		places := make([]int, 0, networkBlock) // in network, of the pages that matter
		for j := t; j < tEnd; j++ {
			if c.networkSum[network[j]] > 0 {
				places = append(places, j)
			}
		}
		for now := range slices.Chunk(places, 4) {
			q.set(size, len(now), func(k int) ([]float32, []float32) {
				b := network[now[k]]
				return cut(c.n.Weights, b, size), cut(c.n.Fisher, b, size)
			})
			for i := s; i < sEnd; i++ {
				costs := c.onShared(shared[i], q)
				for k, j := range now {
					out[i*acrossS+j*acrossN] = costs[k]
				}
			}
		}
	})
}

func (c *coster) onShared(a int, q *four) (costs [4]float64) {
	size := c.p.PageSize
	if c.sharedSum[a] > 0 {
		costs = q.costs(c.p.FisherSum[a*size:][:size], c.p.Values[a*size:][:size])
	}
	for _, b := range c.own[a] {
		if c.networkSum[b] > 0 {
			for i, cost := range q.meet(cut(c.n.Weights, b, size), cut(c.n.Fisher, b, size)) {
				costs[i] += cost
			}
		}
	}
	return costs
}

// lines holds the costs of the next few unpaired pages of one side, in their order,
// each against the pages of the other side that were unpaired when it was computed.
type lines struct {
	pages, pagesAcross []int     // of the lines' side and of the other
	used, usedAcross   []bool    // of them
	byNetwork          bool      // a line is a page of the network, else a shared page
	places             []int     // of the lines
	across             []int     // places of the other side
	costs              []float64 // [len(places)][len(across)]
	memory             []float64 // of costs
}

// cheapest is the place across of the unused page of least cost for the page at a place, among
// equals of least page index. Places asked for must rise, and all below it be paired.
func (l *lines) cheapest(c *coster, place int) int {
	for len(l.places) > 0 && l.places[0] < place {
		l.places, l.costs = l.places[1:], l.costs[len(l.across):]
	}
	if len(l.places) == 0 {
		l.fill(c, place)
	}
	best, least := -1, 0.0
	for k, i := range l.across {
		cost := l.costs[k]
		if !l.usedAcross[i] && (best < 0 || cost < least ||
			cost == least && l.pagesAcross[i] < l.pagesAcross[best]) {
			best, least = i, cost
		}
	}
	return best
}

// fill computes the lines from a place on.
func (l *lines) fill(c *coster, place int) {
	l.across = unused(l.usedAcross, 0, len(l.usedAcross))
	l.places = unused(l.used, place, ahead(len(l.across)))
	l.memory = slices.Grow(l.memory[:0], len(l.places)*len(l.across))
	l.costs = l.memory[:len(l.places)*len(l.across)]
	shared, network := pick(l.pages, l.places), pick(l.pagesAcross, l.across)
	if l.byNetwork {
		shared, network = network, shared
	}
	c.fill(shared, network, l.byNetwork, l.costs)
}

// unused lists at most n places that are not used, from one on.
func unused(used []bool, from, n int) []int {
	var places []int
	for i := from; i < len(used) && len(places) < n; i++ {
		if !used[i] {
			places = append(places, i)
		}
	}
	return places
}

func pick(from, at []int) []int {
	picked := make([]int, len(at))
	for i, k := range at {
		picked[i] = from[k]
	}
	return picked
}

// pageCost is the cost of putting page b on page a: over the weights where both
// Fisher values are above 0, the sum of (Fa + Fb) (wa - wb)^2, in float64 and in
// order of the weights. Either page may be short, as the last of a network is.
func pageCost(fa, wa []float64, fb, wb []float32) float64 {
	cost := 0.0
	for j, f := range fb[:min(len(fb), len(fa))] {
		if f > 0 && fa[j] > 0 {
			d := wa[j] - float64(wb[j])
			cost += float64((fa[j] + float64(f)) * d * d)
		}
	}
	return cost
}

// cost of putting a network's page on shared page a, as the plan is now.
func (p *Plan) cost(a int, weights, fisher []float32) float64 {
	n := p.PageSize
	return pageCost(p.FisherSum[a*n:][:n], p.Values[a*n:][:n], fisher, weights)
}

func widen(v []float32) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}

// four holds four pages of a network weight by weight, so that one pass over a page costs them
// all: four sums that do not wait for each other. Each of them is pageCost to the bit.
// (Expanding the square into matrix products would be faster still, but rounds equal costs
// apart, and ties must go to the lower page index.)
type four struct {
	weights []fourWeights // [page size]
	fa, wa  []float64     // scratch of meet
}

var fours = sync.Pool{New: func() any { return new(four) }}

// fourWeights are Fisher information, weights, and 1 where the former is above 0, else 0.
type fourWeights struct{ f, w, counts [4]float64 }

func (q *four) meet(weights, fisher []float32) [4]float64 {
	q.fa, q.wa = q.fa[:0], q.wa[:0]
	for j, f := range fisher {
		q.fa, q.wa = append(q.fa, float64(f)), append(q.wa, float64(weights[j]))
	}
	return q.costs(q.fa, q.wa)
}

// set takes over one to four pages; missing ones, and the end of a short page, get
// Fisher information 0, which costs nothing.
func (q *four) set(size, pages int, at func(i int) (weights, fisher []float32)) {
	if len(q.weights) != size {
		q.weights = make([]fourWeights, size)
	}
	clear(q.weights)
	for i := range pages {
		weights, fisher := at(i)
		for j, f := range fisher {
			b := &q.weights[j]
			if b.f[i], b.w[i] = float64(f), float64(weights[j]); f > 0 {
				b.counts[i] = 1
			}
		}
	}
}

func (q *four) costs(fa, wa []float64) [4]float64 {
	var c0, c1, c2, c3 float64
	weights, wa := q.weights[:len(fa)], wa[:len(fa)]
	for j, f := range fa {
		if f <= 0 {
			continue
		}
		b, w := &weights[j], wa[j]
		d0, d1, d2, d3 := w-b.w[0], w-b.w[1], w-b.w[2], w-b.w[3]
		c0 += float64((f+b.f[0])*d0*d0) * b.counts[0]
		c1 += float64((f+b.f[1])*d1*d1) * b.counts[1]
		c2 += float64((f+b.f[2])*d2*d2) * b.counts[2]
		c3 += float64((f+b.f[3])*d3*d3) * b.counts[3]
	}
	return [4]float64{c0, c1, c2, c3}
}
