package page

import (
	"cmp"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"sync"
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

// names are those of networks: they name files and parts of files.
var names = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// CheckName returns an error for a network's name that cannot name a file.
func CheckName(name string) error {
	if !names.MatchString(name) {
		return fmt.Errorf("network name %q: want letters, digits and ._- after a letter or digit, 100 at most",
			name)
	}
	return nil
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
// for bytes and numbers that are none of the set's format, or for weights that are not finite.
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
	largest := shared.largest(s.Pages, s.Size)
	for _, m := range s.Networks {
		if err := m.validate(s.Format, exclusive); err != nil {
			return fmt.Errorf("pages: %s: %w", m.Name, err)
		}
		if m.Weights == 0 {
			continue
		}
		// Of finite values and scales products may still be infinite. Page by page: tables of few bytes name many
		// large pages.
		if own := exclusive.largest(m.Exclusive, s.Size); m.Scales != nil {
			for b, e := range m.Table.Entries {
				v := float32(0)
				if int(e) < s.Shared {
					v = largest[e]
				} else {
					v = own[int(e)-s.Shared]
				}
				if v *= m.Scales[b]; len(m.Keys) > 0 {
					v *= s.KeyPrecision.Limit()
				}
				if v-v != 0 {
					return fmt.Errorf("pages: %s: page %d has infinite weights", m.Name, b)
				}
			}
		}
	}
	return nil
}

// largest are the magnitudes that no value of a packed page exceeds, for each page.
func (p Precision) largest(packed []byte, size int) []float32 {
	var all []float32
	for one := range slices.Chunk(packed, p.Bytes(size)) {
		largest := p.Limit()
		if !p.Quantized() {
			largest = 0
			for _, v := range p.Unpack(one, size) {
				largest = max(largest, v, -v)
			}
		}
		all = append(all, largest)
	}
	return all
}

func (m Member) validate(f Format, exclusive Precision) error {
	if m.Weights < 0 || m.Weights > most {
		return fmt.Errorf("%d weights, want %d at most", m.Weights, most)
	}
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

// Gather is [Set.Weights] into dst, which holds as many values: what a switch does. It allocates nothing,
// but of networks of more than a million weights, which two processors gather where there are two.
func (s *Set) Gather(dst []float32, i int) {
	pages := len(s.Networks[i].Table.Entries)
	if len(dst) <= large || runtime.GOMAXPROCS(0) == 1 {
		s.gather(dst, i, 0, pages)
		return
	}
	var first sync.WaitGroup
	first.Go(func() { s.gather(dst, i, 0, pages/2) })
	s.gather(dst, i, pages/2, pages)
	first.Wait()
}

func (s *Set) gather(dst []float32, i, from, to int) {
	m := &s.Networks[i]
	m.Table.gather(dst, from, to, s.Format, s.Pages, m.Exclusive, m.Scales, m.Keys)
}

// large is a network that is worth a second processor, in weights.
const large = 1 << 20

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

// Format says how a set is stored: all that is not of a single network.
type Format struct {
	Size               int         `json:"pageSize"`    // values in a page
	Shared             int         `json:"sharedPages"` // number of shared pages
	Precision          Precision   `json:"precision,omitempty"`
	ExclusivePrecision Precision   `json:"exclusivePrecision,omitempty"` // 0: as Precision
	ScaleFormat        ScaleFormat `json:"scaleFormat,omitempty"`
	KeyPrecision       Precision   `json:"keyPrecision,omitempty"` // Int2; 0: no network has keys
}

// Precisions are those of shared and of exclusive pages, the latter as Precision
// where ExclusivePrecision is 0.
func (f Format) Precisions() (shared, exclusive Precision) {
	return f.Precision, cmp.Or(f.ExclusivePrecision, f.Precision)
}

// most is the largest number of pages or of values in a page: products of two such
// numbers and the bytes of a value do not overflow.
const most = 1 << 29

// Validate returns an error for sizes out of range and for unsupported precisions and
// scale formats.
func (f Format) Validate() error {
	if f.Size < 1 || f.Shared < 1 || f.Size > most || f.Shared > most {
		return fmt.Errorf("%d shared pages of %d, want 1 to %d of 1 to %d", f.Shared, f.Size, most, most)
	}
	if err := f.Precision.Validate(); err != nil {
		return err
	}
	if _, exclusive := f.Precisions(); exclusive.Validate() != nil {
		return fmt.Errorf("exclusive pages: %w", exclusive.Validate())
	}
	if f.KeyPrecision != 0 && f.KeyPrecision != Int2 {
		return fmt.Errorf("keys of %v, want %v or none", f.KeyPrecision, Int2)
	}
	return f.ScaleFormat.Validate()
}

// Keep is the set of the named networks only, in the order of names: shared pages that
// none of them uses are left out, but for a last one, the others keep their order. Every network's weights
// stay what they are. s is not changed. A name that the set does not have, or one given
// twice, is an error.
func (s *Set) Keep(names ...string) (*Set, error) {
	k := &Set{Format: s.Format}
	var tables []Table
	for _, name := range names {
		i := s.Index(name)
		if i < 0 {
			return nil, fmt.Errorf("pages: no network %q to keep", name)
		}
		if k.Index(name) >= 0 {
			return nil, fmt.Errorf("pages: network %q to keep is there twice", name)
		}
		k.Networks = append(k.Networks, s.Networks[i].clone())
		tables = append(tables, s.Networks[i].Table)
	}
	k.Shared = 0
	to := make([]int32, s.Shared) // new number of a shared page
	width := s.Precision.Bytes(s.Size)
	for e, users := range Occupancy(tables, s.Shared) {
		if users > 0 {
			k.Pages = append(k.Pages, s.Pages[e*width:(e+1)*width]...)
			to[e] = int32(k.Shared)
			k.Shared++
		}
	}
	if k.Shared == 0 && len(names) > 0 { // they have exclusive pages only, and a set has a shared one at least
		k.Pages, k.Shared = slices.Clone(s.Pages[:width]), 1
	}
	for i := range k.Networks {
		t := &k.Networks[i].Table
		t.Shared, t.Entries = k.Shared, slices.Clone(t.Entries)
		for b, e := range t.Entries {
			if t.Entries[b] = e - int32(s.Shared-k.Shared); int(e) < s.Shared {
				t.Entries[b] = to[e]
			}
		}
	}
	return k, nil
}

// Stored is what a set takes in memory, in bytes, beside what the networks would
// take separately. Everything counts as it is stored, packed pages and keys, scales
// in their format and tables in their width; headers of files do not.
type Stored struct {
	Shared    int `json:"shared"`         // shared pages, level 1
	Exclusive int `json:"exclusive"`      // exclusive pages, level 2
	Keys      int `json:"keys,omitempty"` // level 2, too
	State     int `json:"state,omitempty"`
	Tables    int `json:"tables"`
	Scales    int `json:"scales"`
	Total     int `json:"total"`
	Separate  int `json:"separate"` // float32 weights of all networks

	RatioBytes   float64 `json:"packingRatioBytes"`   // Separate / Total
	RatioWeights float64 `json:"packingRatioWeights"` // weights of the networks / values in pages
	RatioLevel1  float64 `json:"packingRatioLevel1"`  // Separate / (Shared + Tables + Scales)
}

// Level1 is what of it is in device memory: shared pages, tables and scales.
func (b Stored) Level1() int { return b.Shared + b.Tables + b.Scales }

// Stored counts the bytes of the set.
func (s *Set) Stored() Stored {
	shared, exclusive := s.Precisions()
	b := Stored{Shared: s.Shared * shared.Bytes(s.Size)}
	weights, values := 0, s.Shared*s.Size
	for _, m := range s.Networks {
		own := len(m.Table.Exclusive())
		b.Exclusive += own * exclusive.Bytes(s.Size)
		b.Tables += m.Table.Width() * len(m.Table.Entries)
		b.Scales += s.ScaleFormat.Bytes() * len(m.Scales)
		b.Keys += len(m.Keys)
		b.State += 4 * len(m.State)
		weights += m.Weights
		values += own * s.Size
	}
	b.Separate = 4 * weights
	b.Total = b.Level1() + b.Exclusive + b.Keys + b.State
	b.RatioBytes = float64(b.Separate) / float64(b.Total)
	b.RatioWeights = float64(weights) / float64(values)
	b.RatioLevel1 = float64(b.Separate) / float64(b.Level1())
	return b
}
