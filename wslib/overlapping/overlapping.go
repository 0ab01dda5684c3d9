// Package overlapping chooses, for each sharable page of each network, the
// shared page that it is put on.
//
// Networks join one after another. A [Plan] holds what they have joined so far;
// [Plan.Add] places the next network where its pages cost least.
package overlapping

import (
	"fmt"
	"slices"

	"weightsep/wslib/page"
)

// Network is what overlapping needs to know of a network.
type Network struct {
	Name      string
	Weights   []float32 // flat weight vector
	Fisher    []float32 // of the same length, 0 or more
	Exclusive []int     // its exclusive pages, rising (from package separation)
}

// Member is a network that has joined a plan.
type Member struct {
	Network
	Table page.Table
	Cost  float64 // sum of the costs of its pages at placement
}

// Plan is a set of networks on shared pages. Values and FisherSum are read when
// a network is added; whoever trains pages between two additions writes the
// trained values into Values (see [Plan.SetValues]).
type Plan struct {
	PageSize  int
	Shared    int // number of shared pages
	Members   []Member
	Values    []float64 // [Shared, PageSize], current value of each shared weight
	FisherSum []float64 // [Shared, PageSize], sum of the Fisher information of the pages on it
}

// maxValues bounds the shared weights of a plan: 2 GiB for each of its vectors.
const maxValues = 1 << 28

// New returns a plan without networks; all shared values are 0.
func New(pageSize, shared int) (*Plan, error) {
	if pageSize < 1 || pageSize > 1<<20 {
		return nil, fmt.Errorf("overlapping: page size %d, want 1 to %d", pageSize, 1<<20)
	}
	if shared < 1 || shared > maxValues/pageSize {
		return nil, fmt.Errorf("overlapping: %d shared pages of %d, want 1 to %d", shared, pageSize, maxValues/pageSize)
	}
	return &Plan{
		PageSize:  pageSize,
		Shared:    shared,
		Values:    make([]float64, shared*pageSize),
		FisherSum: make([]float64, shared*pageSize),
	}, nil
}

// SetValues replaces the shared values by trained ones, [Shared, PageSize].
func (p *Plan) SetValues(pages []float32) error {
	if len(pages) != len(p.Values) {
		return fmt.Errorf("overlapping: %d shared values, want %d", len(pages), len(p.Values))
	}
	for i, v := range pages {
		p.Values[i] = float64(v)
	}
	return nil
}

// Placement chooses a shared page for each of a network's sharable pages.
// Its result is parallel to sharable and names no shared page twice.
type Placement func(p *Plan, n Network, sharable []int) []int

// Add places the network's sharable pages by [Greedy] and joins it to the plan.
// The values of the shared pages stay as they are.
func (p *Plan) Add(n Network) (Member, error) { return p.AddWith(n, Greedy) }

// AddWith is [Plan.Add] with another placement, for comparison.
func (p *Plan) AddWith(n Network, place Placement) (Member, error) {
	if err := p.check(n); err != nil {
		return Member{}, fmt.Errorf("overlapping: %w", err)
	}
	sharable := p.sharable(n)
	placed := place(p, n, sharable)
	m := Member{Network: n, Table: page.Table{Shared: p.Shared, Entries: make([]int32, page.Count(len(n.Weights), p.PageSize))}}
	weights, fisher := page.Form(n.Weights, p.PageSize), page.Form(n.Fisher, p.PageSize)
	for i, b := range sharable {
		m.Table.Entries[b] = int32(placed[i])
		m.Cost += p.cost(placed[i], weights, fisher, b)
	}
	for k, b := range n.Exclusive {
		m.Table.Entries[b] = int32(p.Shared + k)
	}
	for i, b := range sharable {
		dst := p.FisherSum[placed[i]*p.PageSize:][:p.PageSize]
		for j, f := range fisher[b*p.PageSize:][:p.PageSize] {
			dst[j] += float64(f)
		}
	}
	p.Members = append(p.Members, m)
	return m, nil
}

// Remove takes a network out of the plan. The pages it was on keep their values.
func (p *Plan) Remove(name string) error {
	at := slices.IndexFunc(p.Members, func(m Member) bool { return m.Name == name })
	if at < 0 {
		return fmt.Errorf("overlapping: no network %q to remove", name)
	}
	p.Members = slices.Delete(p.Members, at, at+1)
	// Summed anew rather than subtracted: what is left must not depend on who left.
	clear(p.FisherSum)
	p.eachSharing(func(_ *Member, _, shared int, _, fisher []float32) {
		dst := p.FisherSum[shared*p.PageSize:][:p.PageSize]
		for j, f := range fisher {
			dst[j] += float64(f)
		}
	})
	return nil
}

// Average sets every shared weight to the mean of the networks' original weights
// on it, weighted by their Fisher information; where all of that is 0, to the
// plain mean. Pages that nobody uses become 0.
func (p *Plan) Average() {
	sum := make([]float64, len(p.Values))  // Σ F w
	mean := make([]float64, len(p.Values)) // Σ w
	count := make([]float64, p.Shared)
	p.eachSharing(func(_ *Member, _, shared int, weights, fisher []float32) {
		count[shared]++
		for j, w := range weights {
			sum[shared*p.PageSize+j] += float64(fisher[j]) * float64(w)
			mean[shared*p.PageSize+j] += float64(w)
		}
	})
	for i := range p.Values {
		switch c := count[i/p.PageSize]; {
		case c == 0:
			p.Values[i] = 0
		case p.FisherSum[i] > 0:
			p.Values[i] = sum[i] / p.FisherSum[i]
		default:
			p.Values[i] = mean[i] / c
		}
	}
}

// Occupancy is the number of networks on each shared page.
func (p *Plan) Occupancy() []int {
	tables := make([]page.Table, len(p.Members))
	for i, m := range p.Members {
		tables[i] = m.Table
	}
	return page.Occupancy(tables, p.Shared)
}

// eachSharing calls f for every page b of every network that is on a shared page,
// networks in order of joining, pages rising.
func (p *Plan) eachSharing(f func(m *Member, b, shared int, weights, fisher []float32)) {
	for i := range p.Members {
		m := &p.Members[i]
		weights, fisher := page.Form(m.Weights, p.PageSize), page.Form(m.Fisher, p.PageSize)
		for b, e := range m.Table.Entries {
			if int(e) < p.Shared {
				f(m, b, int(e), weights[b*p.PageSize:][:p.PageSize], fisher[b*p.PageSize:][:p.PageSize])
			}
		}
	}
}

func (p *Plan) sharable(n Network) []int {
	var pages []int
	for b := range page.Count(len(n.Weights), p.PageSize) {
		if _, own := slices.BinarySearch(n.Exclusive, b); !own {
			pages = append(pages, b)
		}
	}
	return pages
}

func (p *Plan) check(n Network) error {
	if slices.ContainsFunc(p.Members, func(m Member) bool { return m.Name == n.Name }) {
		return fmt.Errorf("network %s is in the plan already", n.Name)
	}
	if err := page.CheckWeights(n.Name+" weights", n.Weights, -1); err != nil {
		return err
	}
	if err := page.CheckWeights(n.Name+" Fisher information", n.Fisher, len(n.Weights)); err != nil {
		return err
	}
	for i, f := range n.Fisher {
		if f < 0 {
			return fmt.Errorf("%s Fisher information: value %d is %v, want 0 or more", n.Name, i, f)
		}
	}
	pages := page.Count(len(n.Weights), p.PageSize)
	for i, b := range n.Exclusive {
		if b < 0 || b >= pages || i > 0 && b <= n.Exclusive[i-1] {
			return fmt.Errorf("%s: exclusive pages %v, want rising indices below %d", n.Name, n.Exclusive, pages)
		}
	}
	if sharable := pages - len(n.Exclusive); sharable > p.Shared {
		return fmt.Errorf("%s: %d sharable pages on %d shared pages, want more exclusive ones", n.Name, sharable, p.Shared)
	}
	return nil
}
