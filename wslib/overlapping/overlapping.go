// Package overlapping chooses, for each sharable page of each network, the
// shared page that it is put on.
//
// Networks join one after another. A [Plan] holds what they have joined so far;
// [Plan.Add] places the next network where its pages cost least.
package overlapping

import (
	"fmt"
	"math"
	"slices"

	"weightsep/wslib/page"
)

// Network is what overlapping needs to know of a network. A plan keeps the slices: they must not
// change.
type Network struct {
	Name      string
	Weights   []float32 // flat weight vector
	Fisher    []float32 // of the same length, 0 or more
	Exclusive []int     // its exclusive pages, rising (from package separation)
	Loads     []float64 // room that each of its pages asks for, see [Balanced]; nil: 1
	State     []float32 // beside its weights; a set keeps it as it is
}

// Member is a network that has joined a plan.
type Member struct {
	Network
	Table page.Table
	// Cost is the sum of the costs of its pages at placement; with doubling, also of
	// the costs between its own pages that share a page.
	Cost float64
}

// Plan is a set of networks on shared pages. Values and FisherSum are read when
// a network is added; whoever trains pages between two additions writes the
// trained values into Values (see [Plan.SetValues]).
//
// A plan takes 24 bytes for each shared weight, whatever the number of networks.
type Plan struct {
	PageSize int
	Shared   int // number of shared pages
	// Doubling allows several pages of one network on one shared page. A network may
	// then have more sharable pages than there are shared ones; it is placed in
	// rounds, each of which uses every shared page at most once.
	Doubling  bool
	Members   []Member
	Values    []float64 // [Shared, PageSize], current value of each shared weight
	FisherSum []float64 // [Shared, PageSize], sum of the Fisher information of the pages on it

	sums  []float64 // [Shared, PageSize], see lay
	pages []int     // [Shared], number of pages on it, of all networks
}

// maxValues bounds the shared weights of a plan: 2 GiB for each of its vectors.
const maxValues = 1 << 28

// New returns a plan without networks; all shared values are 0.
func New(pageSize, shared int) (*Plan, error) {
	if pageSize < 1 || pageSize > 1<<20 {
		return nil, fmt.Errorf("overlapping: page size %d, want 1 to %d", pageSize, 1<<20)
	}
	if shared < 1 || shared > maxValues/pageSize {
		return nil, fmt.Errorf("overlapping: %d shared pages of %d, want 1 to %d", shared, pageSize,
			maxValues/pageSize)
	}
	n := shared * pageSize
	return &Plan{PageSize: pageSize, Shared: shared, Values: make([]float64, n),
		FisherSum: make([]float64, n), sums: make([]float64, n), pages: make([]int, shared)}, nil
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
// Its result is parallel to sharable and names no shared page twice, unless the
// plan is one with doubling.
type Placement func(p *Plan, n Network, sharable []int) []int

// Add places the network's sharable pages by [Greedy] and joins it to the plan.
// The values of the shared pages stay as they are.
func (p *Plan) Add(n Network) (Member, error) { return p.AddWith(n, Greedy) }

// AddWith is [Plan.Add] with another placement.
func (p *Plan) AddWith(n Network, place Placement) (Member, error) {
	if err := p.Check(n); err != nil {
		return Member{}, fmt.Errorf("overlapping: %w", err)
	}
	entries := make([]int32, page.Count(len(n.Weights), p.PageSize))
	var sharable []int
	for b := range entries {
		if k, own := slices.BinarySearch(n.Exclusive, b); own {
			entries[b] = int32(p.Shared + k)
		} else {
			sharable = append(sharable, b)
		}
	}
	placed := place(p, n, sharable)
	cost, err := p.placementCost(n, sharable, placed)
	if err != nil {
		return Member{}, fmt.Errorf("overlapping: %s: %w", n.Name, err)
	}
	for i, b := range sharable {
		entries[b] = int32(placed[i])
	}
	m := Member{Network: n, Table: page.Table{Shared: p.Shared, Entries: entries}, Cost: cost}
	m.eachSharing(p.PageSize, p.lay)
	p.Members = append(p.Members, m)
	return m, nil
}

// placementCost is the cost of a placement, see [Member], or what is wrong with it.
func (p *Plan) placementCost(n Network, sharable, placed []int) (float64, error) {
	if len(placed) != len(sharable) {
		return 0, fmt.Errorf("placement of %d pages, want %d", len(placed), len(sharable))
	}
	total := 0.0
	c := newCoster(p, n)
	for i, b := range sharable {
		a := placed[i]
		if a < 0 || a >= p.Shared {
			return 0, fmt.Errorf("placement of page %d on shared page %d, want 0 to %d", b, a, p.Shared-1)
		}
		if len(c.own[a]) > 0 && !p.Doubling {
			return 0, fmt.Errorf("placement of pages %d and %d on shared page %d, in a plan without "+
				"doubling", c.own[a][0], b, a)
		}
		total += c.cost(a, b)
		c.put(b, a)
	}
	return total, nil
}

// Check reports why a network cannot join the plan as it is.
func (p *Plan) Check(n Network) error {
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
	if n.Loads != nil && len(n.Loads) != pages {
		return fmt.Errorf("%s: %d loads, want one for each of %d pages", n.Name, len(n.Loads), pages)
	}
	for b, l := range n.Loads {
		if !(l >= 0) || math.IsInf(l, 0) {
			return fmt.Errorf("%s: load %v of page %d, want a finite number, 0 or more", n.Name, l, b)
		}
	}
	for i, b := range n.Exclusive {
		if b < 0 || b >= pages || i > 0 && b <= n.Exclusive[i-1] {
			return fmt.Errorf("%s: exclusive pages %v, want rising indices below %d", n.Name,
				n.Exclusive, pages)
		}
	}
	if sharable := pages - len(n.Exclusive); sharable > p.Shared && !p.Doubling {
		return fmt.Errorf("%s: %d sharable pages on %d shared pages, want more exclusive ones or doubling",
			n.Name, sharable, p.Shared)
	}
	return nil
}
