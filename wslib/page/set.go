package page

import (
	"fmt"
	"slices"
)

// Set is what is stored of many networks: the shared pages and, per network, a
// page table, its exclusive pages, a scale per page and perhaps a key per weight. It is the result
// of overlapping, what optimization trains and what execution runs.
//
// Quantized pages hold code values of their precision, as float32. A set that has
// any has a scale for every page of every network, float32 pages included.
type Set struct {
	Size     int       // weights in a page
	Shared   int       // number of shared pages
	Pages    []float32 // shared pages [Shared, Size]
	Networks []Member

	Precision          Precision   // of the values of shared pages
	ExclusivePrecision Precision   // of the values of exclusive pages; 0: as Precision
	ScaleFormat        ScaleFormat // of all scales
	KeyPrecision       Precision   // of keys: Int1 or Int2; 0: no network has any
}

// Member is one network's part of a [Set].
type Member struct {
	Name      string
	Weights   int       // length of its flat weight vector
	Table     Table     // one entry per page
	Exclusive []float32 // its own pages [len(Table.Exclusive()), Size], in rising page order
	Scales    []float32 // one per page; nil: all 1, and nothing is stored

	// Keys of its weights on shared pages, packed, see [Table.PackKeys]. nil: all 1, and
	// nothing is stored. Only with scales.
	Keys []byte
}

// Validate checks that tables, pages and scales fit each other and that storing
// them would not change them.
func (s *Set) Validate() error {
	if err := s.Format().Validate(); err != nil {
		return fmt.Errorf("pages: %w", err)
	}
	if len(s.Pages) != s.Shared*s.Size {
		return fmt.Errorf("pages: %d shared values, want %d pages of %d", len(s.Pages), s.Shared, s.Size)
	}
	shared, exclusive := s.Format().Precisions()
	quantized := shared
	if !quantized.Quantized() {
		quantized = exclusive
	}
	if err := shared.Check(s.Pages); err != nil {
		return fmt.Errorf("shared pages: %w", err)
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
		if m.Scales == nil && quantized.Quantized() {
			return fmt.Errorf("pages: %s: no scales, which pages of %v need", m.Name, quantized)
		}
		if err := exclusive.Check(m.Exclusive); err != nil {
			return fmt.Errorf("pages: %s: exclusive pages: %w", m.Name, err)
		}
		if err := s.ScaleFormat.Check(m.Scales); err != nil {
			return fmt.Errorf("pages: %s: %w", m.Name, err)
		}
		if err := m.checkKeys(s.Size, s.KeyPrecision); err != nil {
			return fmt.Errorf("pages: %s: %w", m.Name, err)
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
	m.Table.ApplyKeys(weights, m.Keys, s.Size, s.KeyPrecision)
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
		m.Scales, m.Keys = slices.Clone(m.Scales), slices.Clone(m.Keys)
	}
	return &c
}
