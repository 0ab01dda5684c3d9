package page

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
)

// Files of a set in a run directory. The exclusive pages of all networks are in
// one file, networks in order of formation.
const (
	SharedFile    = "shared_weight_page.npy"
	ExclusiveFile = "exclusive_weight_page.npy"
)

// TableFile and ScalesFile are a network's files, relative to the run directory.
func TableFile(name string) string  { return filepath.Join(name, "table.npy") }
func ScalesFile(name string) string { return filepath.Join(name, "scales.npy") }

// KeysFile is the file of a network's keys, relative to the run directory.
func KeysFile(name string) string { return filepath.Join(name, "keys.npy") }

// Save writes the set into dir and returns the names of its files, relative to
// dir. Each file is written whole or not at all.
//
// Pages of either kind are arrays of float32, int16 or int8 [pages, Size], or of
// packed bytes (see [Precision.Pack]) uint8 [pages, Precision.Bytes(Size)], each kind
// by its own precision; scales of float32, uint16 (the bits of halves) or uint8; a
// table of uint8, uint16 or int32, see [Table.Width]; keys of uint8, see [Table.PackKeys].
func (s *Set) Save(dir string) ([]string, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	files := []string{SharedFile, ExclusiveFile}
	shared, own := s.Format().Precisions()
	var exclusive []float32
	for _, m := range s.Networks {
		exclusive = append(exclusive, m.Exclusive...)
		if err := os.MkdirAll(filepath.Join(dir, m.Name), 0o755); err != nil {
			return nil, err
		}
		files = append(files, TableFile(m.Name))
		if err := m.Table.write(filepath.Join(dir, TableFile(m.Name))); err != nil {
			return nil, err
		}
		if m.Scales != nil {
			files = append(files, ScalesFile(m.Name))
			if err := s.ScaleFormat.write(filepath.Join(dir, ScalesFile(m.Name)), m.Scales); err != nil {
				return nil, err
			}
		}
		if m.Keys != nil {
			files = append(files, KeysFile(m.Name))
			if err := writeKeys(filepath.Join(dir, KeysFile(m.Name)), m, s.Size, s.KeyPrecision); err != nil {
				return nil, err
			}
		}
	}
	if err := own.write(filepath.Join(dir, ExclusiveFile), exclusive, s.Size); err != nil {
		return nil, err
	}
	return files, shared.write(filepath.Join(dir, SharedFile), s.Pages, s.Size)
}

// Format says how the pages and scales of a set are stored.
type Format struct {
	Size               int         `json:"pageSize"` // values in a page
	Shared             int         `json:"sharedPages"`
	Precision          Precision   `json:"precision,omitempty"`
	ExclusivePrecision Precision   `json:"exclusivePrecision,omitempty"` // 0: as Precision
	ScaleFormat        ScaleFormat `json:"scaleFormat,omitempty"`
	KeyPrecision       Precision   `json:"keyPrecision,omitempty"` // 0: no keys
}

// Format is how the set is stored.
func (s *Set) Format() Format {
	return Format{s.Size, s.Shared, s.Precision, s.ExclusivePrecision, s.ScaleFormat, s.KeyPrecision}
}

// Precisions are those of shared and of exclusive pages, the latter as Precision
// where ExclusivePrecision is 0.
func (f Format) Precisions() (shared, exclusive Precision) {
	return f.Precision, cmp.Or(f.ExclusivePrecision, f.Precision)
}

// Validate reports pages that there cannot be.
func (f Format) Validate() error {
	if f.Size < 1 || f.Shared < 1 {
		return fmt.Errorf("%d shared pages of %d, want 1 or more of 1 or more", f.Shared, f.Size)
	}
	if err := f.Precision.Validate(); err != nil {
		return err
	}
	if _, exclusive := f.Precisions(); exclusive.Validate() != nil {
		return fmt.Errorf("exclusive pages: %w", exclusive.Validate())
	}
	if err := f.KeyPrecision.validateKeys(); err != nil {
		return err
	}
	return f.ScaleFormat.Validate()
}

// Shape is what a run's manifest knows of one network of a set.
type Shape struct {
	Name    string `json:"name"`
	Weights int    `json:"weights"`
	Scales  bool   `json:"scales"` // whether it has a scales file
	Keys    bool   `json:"keys,omitempty"`
}

// Shape is what a manifest has to know of the network.
func (m Member) Shape() Shape {
	return Shape{m.Name, m.Weights, m.Scales != nil, m.Keys != nil}
}

// LoadSet reads a set of float32 pages and scales, see [Load].
func LoadSet(dir string, size, shared int, networks []Shape) (*Set, error) {
	return Load(dir, Format{Size: size, Shared: shared}, networks)
}

// Load reads a set of the given networks, which [Set.Save] wrote in the given
// format, from dir and checks that its files fit each other.
func Load(dir string, f Format, networks []Shape) (*Set, error) {
	if err := f.Validate(); err != nil {
		return nil, fmt.Errorf("read %s: %w", dir, err)
	}
	s := &Set{Size: f.Size, Shared: f.Shared, Precision: f.Precision, ExclusivePrecision: f.ExclusivePrecision, ScaleFormat: f.ScaleFormat, KeyPrecision: f.KeyPrecision}
	shared, own := f.Precisions()
	var err error
	if s.Pages, err = shared.read(filepath.Join(dir, SharedFile), f.Shared, f.Size); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, ExclusiveFile)
	exclusive, err := own.read(path, -1, f.Size)
	if err != nil {
		return nil, err
	}
	total := len(exclusive)
	for _, n := range networks {
		m := Member{Name: n.Name, Weights: n.Weights}
		if m.Table, err = ReadTable(filepath.Join(dir, TableFile(n.Name)), Count(n.Weights, f.Size), f.Shared); err != nil {
			return nil, err
		}
		values := len(m.Table.Exclusive()) * f.Size
		if values > len(exclusive) {
			return nil, fmt.Errorf("read %s: %d pages, the page tables name more", path, total/f.Size)
		}
		m.Exclusive, exclusive = exclusive[:values:values], exclusive[values:]
		if n.Scales {
			if m.Scales, err = f.ScaleFormat.read(filepath.Join(dir, ScalesFile(n.Name)), len(m.Table.Entries)); err != nil {
				return nil, err
			}
		}
		if n.Keys {
			if m.Keys, err = readKeys(filepath.Join(dir, KeysFile(n.Name)), m.Table, f.Size, f.KeyPrecision); err != nil {
				return nil, err
			}
		}
		s.Networks = append(s.Networks, m)
	}
	if len(exclusive) > 0 {
		return nil, fmt.Errorf("read %s: %d pages, the page tables name %d", path, total/f.Size, (total-len(exclusive))/f.Size)
	}
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("read %s: %w", dir, err)
	}
	return s, nil
}
