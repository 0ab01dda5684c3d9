package page

import (
	"fmt"
	"slices"
)

// Set is what is stored of many networks: the shared pages and, per network, a
// page table, its exclusive pages, a scale per page and perhaps a key per weight. It is the result
// of overlapping, what optimization trains and what execution runs.
//
// Pages are bytes, packed as [Precision.Pack] does it. A set that has any quantized
// pages has a scale for every page of every network, float32 pages included.
type Set struct {
	Format
	Pages    []byte // shared pages [Shared, Precision.Bytes(Size)]
	Networks []Member
}

// Member is one network's part of a [Set].
type Member struct {
	Name      string
	Weights   int       // length of its flat weight vector
	Table     Table     // one entry per page
	Exclusive []byte    // its own packed pages, len(Table.Exclusive()) of them, in rising page order
	Scales    []float32 // one per page; nil: all 1, and nothing is stored

	// Keys of its weights on shared pages, packed, see [Table.PackKeys]. nil: all 1, and
	// nothing is stored. Only with scales.
	Keys []byte

	// State is what the network has beside its weights, as statistics of batch
	// normalization. Its order is that of the network's variables.
	State []float32
}

// Validate returns an error if tables, pages, scales, keys and states do not fit each other,
// or for bytes and numbers that are none of the set's format.
func (s *Set) Validate() error {
	if err := s.Format.Validate(); err != nil {
		return fmt.Errorf("pages: %w", err)
	}
	shared, exclusive := s.Precisions()
	if want := s.Shared * shared.Bytes(s.Size); len(s.Pages) != want {
		return fmt.Errorf("pages: %d bytes of shared pages, want %d of %d values of %v, %d bytes",
			len(s.Pages), s.Shared, s.Size, shared, want)
	}
	if err := shared.CheckPacked(s.Pages, s.Size); err != nil {
		return fmt.Errorf("shared pages: %w", err)
	}
	for _, m := range s.Networks {
		if err := m.validate(s.Format, exclusive); err != nil {
			return fmt.Errorf("pages: %s: %w", m.Name, err)
		}
	}
	return nil
}

func (m Member) validate(f Format, exclusive Precision) error {
	pages := Count(m.Weights, f.Size)
	if m.Table.Shared != f.Shared || len(m.Table.Entries) != pages {
		return fmt.Errorf("table of %d entries over %d shared pages, want %d over %d",
			len(m.Table.Entries), m.Table.Shared, pages, f.Shared)
	}
	if err := m.Table.Validate(); err != nil {
		return err
	}
	if own := len(m.Table.Exclusive()); len(m.Exclusive) != own*exclusive.Bytes(f.Size) {
		return fmt.Errorf("%d bytes of exclusive pages, its table has %d of %d values of %v",
			len(m.Exclusive), own, f.Size, exclusive)
	}
	if err := exclusive.CheckPacked(m.Exclusive, f.Size); err != nil {
		return fmt.Errorf("exclusive pages: %w", err)
	}
	if m.Scales != nil && len(m.Scales) != pages {
		return fmt.Errorf("%d scales for %d pages", len(m.Scales), pages)
	}
	if quantized := f.Precision.Quantized() || exclusive.Quantized(); m.Scales == nil && quantized {
		return fmt.Errorf("no scales, which pages of %v and %v need", f.Precision, exclusive)
	}
	if err := f.ScaleFormat.Check(m.Scales); err != nil {
		return err
	}
	if err := m.checkKeys(f); err != nil {
		return err
	}
	if len(m.State) > 0 {
		return CheckWeights("state", m.State, -1)
	}
	return nil
}

// Index is the place of a network in the set, or -1.
func (s *Set) Index(name string) int {
	return slices.IndexFunc(s.Networks, func(m Member) bool { return m.Name == name })
}

// Weights puts network i together: its flat weight vector as it is executed.
func (s *Set) Weights(i int) []float32 {
	weights := make([]float32, s.Networks[i].Weights)
	s.Gather(weights, i)
	return weights
}

// Gather is [Set.Weights] into dst, which holds as many values: what a switch does.
func (s *Set) Gather(dst []float32, i int) {
	m := s.Networks[i]
	m.Table.gather(dst, s.Format, s.Pages, m.Exclusive, m.Scales)
	m.Table.applyKeys(dst, m.Keys, s.Size)
}

// SharedValues are the values of the shared pages [Shared, Size].
func (s *Set) SharedValues() []float32 { return s.Precision.Unpack(s.Pages, s.Size) }

// ExclusiveValues are the values of network i's exclusive pages, in rising page order.
func (s *Set) ExclusiveValues(i int) []float32 {
	_, exclusive := s.Precisions()
	return exclusive.Unpack(s.Networks[i].Exclusive, s.Size)
}

// Clone copies the set and everything in it but the tables, which nobody changes.
func (s *Set) Clone() *Set {
	c := *s
	c.Pages, c.Networks = slices.Clone(s.Pages), slices.Clone(s.Networks)
	for i, m := range c.Networks {
		c.Networks[i] = m.clone()
	}
	return &c
}

func (m Member) clone() Member {
	m.Exclusive, m.Scales = slices.Clone(m.Exclusive), slices.Clone(m.Scales)
	m.Keys, m.State = slices.Clone(m.Keys), slices.Clone(m.State)
	return m
}
