package page

import (
	"fmt"
	"os"
	"path/filepath"

	"weightsep/wslib/npy"
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

// Save writes the set into dir and returns the names of its files, relative to
// dir. Each file is written whole or not at all.
func (s *Set) Save(dir string) ([]string, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	files := []string{SharedFile, ExclusiveFile}
	var exclusive []float32
	for _, m := range s.Networks {
		exclusive = append(exclusive, m.Exclusive...)
		if err := os.MkdirAll(filepath.Join(dir, m.Name), 0o755); err != nil {
			return nil, err
		}
		files = append(files, TableFile(m.Name))
		if err := npy.Write(filepath.Join(dir, TableFile(m.Name)), m.Table.Entries); err != nil {
			return nil, err
		}
		if m.Scales != nil {
			files = append(files, ScalesFile(m.Name))
			if err := npy.Write(filepath.Join(dir, ScalesFile(m.Name)), m.Scales); err != nil {
				return nil, err
			}
		}
	}
	if err := npy.Write(filepath.Join(dir, ExclusiveFile), exclusive, len(exclusive)/s.Size, s.Size); err != nil {
		return nil, err
	}
	return files, npy.Write(filepath.Join(dir, SharedFile), s.Pages, s.Shared, s.Size)
}

// Shape is what a run's manifest knows of one network of a set.
type Shape struct {
	Name    string `json:"name"`
	Weights int    `json:"weights"`
	Scales  bool   `json:"scales"` // whether it has a scales file
}

// LoadSet reads a set of the given networks from dir and checks that its files
// fit each other.
func LoadSet(dir string, size, shared int, networks []Shape) (*Set, error) {
	s := &Set{Size: size, Shared: shared}
	var shape []int
	var err error
	path := filepath.Join(dir, SharedFile)
	if s.Pages, shape, err = npy.ReadFloats(path); err != nil {
		return nil, err
	}
	if len(shape) != 2 || shape[0] != shared || shape[1] != size {
		return nil, fmt.Errorf("read %s: shape %v, want [%d %d]", path, shape, shared, size)
	}
	path = filepath.Join(dir, ExclusiveFile)
	exclusive, shape, err := npy.ReadFloats(path)
	if err != nil {
		return nil, err
	}
	if len(exclusive) > 0 && (len(shape) != 2 || shape[1] != size) {
		return nil, fmt.Errorf("read %s: shape %v, want [E %d]", path, shape, size)
	}
	total := len(exclusive)
	for _, n := range networks {
		m := Member{Name: n.Name, Weights: n.Weights}
		if m.Table, err = ReadTable(filepath.Join(dir, TableFile(n.Name)), Count(n.Weights, size), shared); err != nil {
			return nil, err
		}
		own := len(m.Table.Exclusive()) * size
		if own > len(exclusive) {
			return nil, fmt.Errorf("read %s: %d pages, the page tables name more", path, total/size)
		}
		m.Exclusive, exclusive = exclusive[:own:own], exclusive[own:]
		if n.Scales {
			scales := filepath.Join(dir, ScalesFile(n.Name))
			if m.Scales, _, err = npy.ReadFloats(scales); err != nil {
				return nil, err
			}
			if err := CheckWeights(scales, m.Scales, len(m.Table.Entries)); err != nil {
				return nil, err
			}
		}
		s.Networks = append(s.Networks, m)
	}
	if len(exclusive) > 0 {
		return nil, fmt.Errorf("read %s: %d pages, the page tables name %d", path, total/size, (total-len(exclusive))/size)
	}
	return s, s.Validate()
}
