package page

import "fmt"

// Set is what is stored of many networks: the shared pages and, per network, a
// page table, its exclusive pages and a scale per page. It is the result of
// overlapping, what optimization trains and what execution runs.
type Set struct {
	Size     int       // weights in a page
	Shared   int       // number of shared pages
	Pages    []float32 // shared pages [Shared, Size]
	Networks []Member
}

// Member is one network's part of a [Set].
type Member struct {
	Name      string
	Weights   int       // length of its flat weight vector
	Table     Table     // one entry per page
	Exclusive []float32 // its own pages [len(Table.Exclusive()), Size], in rising page order
	Scales    []float32 // one per page; nil: all 1, and nothing is stored
}

// Validate checks that tables, pages and scales fit each other.
func (s *Set) Validate() error {
	if s.Size < 1 || s.Shared < 1 || len(s.Pages) != s.Shared*s.Size {
		return fmt.Errorf("pages: %d shared values, want %d pages of %d", len(s.Pages), s.Shared, s.Size)
	}
	for _, m := range s.Networks {
		pages := Count(m.Weights, s.Size)
		if m.Table.Shared != s.Shared || len(m.Table.Entries) != pages {
			return fmt.Errorf("pages: %s: table of %d entries over %d shared pages, want %d over %d",
				m.Name, len(m.Table.Entries), m.Table.Shared, pages, s.Shared)
		}
		if err := m.Table.Validate(); err != nil {
			return fmt.Errorf("pages: %s: %w", m.Name, err)
		}
		if own := len(m.Table.Exclusive()); len(m.Exclusive) != own*s.Size {
			return fmt.Errorf("pages: %s: %d exclusive values, its table has %d exclusive pages of %d", m.Name, len(m.Exclusive), own, s.Size)
		}
		if m.Scales != nil && len(m.Scales) != pages {
			return fmt.Errorf("pages: %s: %d scales for %d pages", m.Name, len(m.Scales), pages)
		}
	}
	return nil
}

// Index is the place of a network in the set, or -1.
func (s *Set) Index(name string) int {
	for i, m := range s.Networks {
		if m.Name == name {
			return i
		}
	}
	return -1
}

// Weights puts network i together: its flat weight vector as it is executed.
func (s *Set) Weights(i int) []float32 {
	m := s.Networks[i]
	weights := make([]float32, m.Weights)
	m.Table.Gather(weights, s.Pages, m.Exclusive, m.Scales, s.Size)
	return weights
}

// Clone copies the set and everything in it but the tables, which nobody changes.
func (s *Set) Clone() *Set {
	c := *s
	c.Pages = append([]float32(nil), s.Pages...)
	c.Networks = append([]Member(nil), s.Networks...)
	for i := range c.Networks {
		m := &c.Networks[i]
		m.Exclusive = append([]float32(nil), m.Exclusive...)
		if m.Scales != nil {
			m.Scales = append([]float32(nil), m.Scales...)
		}
	}
	return &c
}

// Stored is what a set takes in memory, in bytes, beside what the networks would
// take separately. File headers are not counted; tables count as the int32 that
// they are stored as.
type Stored struct {
	Shared    int `json:"shared"`    // shared pages, level 1
	Exclusive int `json:"exclusive"` // exclusive pages, level 2
	Tables    int `json:"tables"`
	Scales    int `json:"scales"`
	Total     int `json:"total"`
	Separate  int `json:"separate"` // float32 weights of all networks

	RatioBytes   float64 `json:"packingRatioBytes"`   // Separate / Total
	RatioWeights float64 `json:"packingRatioWeights"` // weights of the networks / weights in pages
	RatioLevel1  float64 `json:"packingRatioLevel1"`  // Separate / (Shared + Tables + Scales)
}

// Stored counts the bytes of the set.
func (s *Set) Stored() Stored {
	b := Stored{Shared: 4 * len(s.Pages)}
	for _, m := range s.Networks {
		b.Exclusive += 4 * len(m.Exclusive)
		b.Tables += 4 * len(m.Table.Entries)
		b.Scales += 4 * len(m.Scales)
		b.Separate += 4 * m.Weights
	}
	level1 := b.Shared + b.Tables + b.Scales
	b.Total = level1 + b.Exclusive
	b.RatioBytes = float64(b.Separate) / float64(b.Total)
	b.RatioWeights = float64(b.Separate) / float64(b.Shared+b.Exclusive)
	b.RatioLevel1 = float64(b.Separate) / float64(level1)
	return b
}
