// Package setfiles keeps a [page.Set] in a run directory, as .npy files.
package setfiles

import (
	"fmt"
	"os"
	"path/filepath"

	"weightsep/wslib/npy"
	"weightsep/wslib/page"
)

// Files of a set in a run directory. The exclusive pages of all networks are in
// one file, networks in order of formation.
const (
	SharedFile    = "shared_weight_page.npy"
	ExclusiveFile = "exclusive_weight_page.npy"
)

// TableFile, ScalesFile, KeysFile and StateFile are a network's files, relative to the run
// directory.
func TableFile(name string) string  { return filepath.Join(name, "table.npy") }
func ScalesFile(name string) string { return filepath.Join(name, "scales.npy") }
func KeysFile(name string) string   { return filepath.Join(name, "keys.npy") }
func StateFile(name string) string  { return filepath.Join(name, "state.npy") }

// Shape is what a run's manifest knows of one network of a set.
type Shape struct {
	Name    string `json:"name"`
	Weights int    `json:"weights"`
	Scales  bool   `json:"scales"` // whether it has a scales file
	Keys    bool   `json:"keys,omitempty"`
	State   int    `json:"state,omitempty"` // number of values
}

// ShapeOf is what a manifest has to know of a network.
func ShapeOf(m page.Member) Shape {
	return Shape{m.Name, m.Weights, m.Scales != nil, m.Keys != nil, len(m.State)}
}

// Save writes the set into dir and returns the names of its files, relative to
// dir. Each file is written whole or not at all.
//
// Pages of either kind are arrays of float32 or int8 [pages, Size], or of packed bytes
// (see [page.Precision.Pack]) uint8 [pages, Precision.Bytes(Size)], each kind by its own
// precision; scales of float32, uint16 (the bits of halves) or uint8; a table of uint8,
// uint16 or int32, see [page.Table.Width]; keys of uint8, see [page.Table.PackKeys]; a state
// of float32.
func Save(s *page.Set, dir string) ([]string, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	files := []string{SharedFile, ExclusiveFile}
	shared, own := s.Precisions()
	var exclusive []byte
	for _, m := range s.Networks {
		exclusive = append(exclusive, m.Exclusive...)
		of, err := saveMember(dir, s.Format, m)
		if err != nil {
			return nil, err
		}
		files = append(files, of...)
	}
	if err := writePages(filepath.Join(dir, ExclusiveFile), own, exclusive, s.Size); err != nil {
		return nil, err
	}
	return files, writePages(filepath.Join(dir, SharedFile), shared, s.Pages, s.Size)
}

// saveMember writes a network's own files: all but its exclusive pages.
func saveMember(dir string, f page.Format, m page.Member) (files []string, err error) {
	if err := os.MkdirAll(filepath.Join(dir, m.Name), 0o755); err != nil {
		return nil, err
	}
	write := func(file, kind string, data []byte, shape ...int) {
		if err == nil {
			files, err = append(files, file), npy.WriteBytes(filepath.Join(dir, file), kind, data, shape...)
		}
	}
	kind := map[int]string{1: "|u1", 2: "<u2", 4: "<i4"}[m.Table.Width()]
	write(TableFile(m.Name), kind, m.Table.Pack(), len(m.Table.Entries))
	if m.Scales != nil {
		packed, err := f.ScaleFormat.Pack(m.Scales)
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", filepath.Join(dir, ScalesFile(m.Name)), err)
		}
		write(ScalesFile(m.Name), scaleType(f.ScaleFormat), packed, len(m.Scales))
	}
	if m.Keys != nil {
		kind, elements := pageType(f.KeyPrecision, f.Size)
		write(KeysFile(m.Name), kind, m.Keys, len(m.Keys)/f.KeyPrecision.Bytes(f.Size), elements)
	}
	if len(m.State) > 0 {
		write(StateFile(m.Name), "<f4", page.PackFloats(m.State), len(m.State))
	}
	return files, err
}

// Load reads a set of the given networks, which [Save] wrote in the given format, from dir
// and checks that its files fit each other.
func Load(dir string, f page.Format, networks []Shape) (*page.Set, error) {
	if err := f.Validate(); err != nil {
		return nil, fmt.Errorf("read %s: %w", dir, err)
	}
	s := &page.Set{Format: f}
	shared, own := f.Precisions()
	var err error
	if s.Pages, err = readPages(filepath.Join(dir, SharedFile), shared, f.Shared, f.Size); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, ExclusiveFile)
	exclusive, err := readPages(path, own, -1, f.Size)
	if err != nil {
		return nil, err
	}
	width, taken := own.Bytes(f.Size), 0
	for _, n := range networks {
		m, err := readMember(dir, f, n)
		if err != nil {
			return nil, err
		}
		from := taken
		if taken += len(m.Table.Exclusive()) * width; taken > len(exclusive) {
			return nil, fmt.Errorf("read %s: %d pages, the page tables name more",
				path, len(exclusive)/width)
		}
		m.Exclusive = exclusive[from:taken:taken]
		s.Networks = append(s.Networks, m)
	}
	if taken < len(exclusive) {
		return nil, fmt.Errorf("read %s: %d pages, the page tables name %d",
			path, len(exclusive)/width, taken/width)
	}
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("read %s: %w", dir, err)
	}
	return s, nil
}

// readMember reads a network's own files: all but its exclusive pages.
func readMember(dir string, f page.Format, n Shape) (page.Member, error) {
	m := page.Member{Name: n.Name, Weights: n.Weights}
	table, pages := filepath.Join(dir, TableFile(n.Name)), page.Count(n.Weights, f.Size)
	var err error
	if m.Table, err = readTable(table, pages, f.Shared); err != nil {
		return m, err
	}
	if n.Scales {
		path := filepath.Join(dir, ScalesFile(n.Name))
		if m.Scales, err = readScales(path, f.ScaleFormat, pages); err != nil {
			return m, err
		}
	}
	if n.Keys {
		path, rows := filepath.Join(dir, KeysFile(n.Name)), pages-len(m.Table.Exclusive())
		if m.Keys, err = readPages(path, f.KeyPrecision, rows, f.Size); err != nil {
			return m, err
		}
	}
	if n.State > 0 {
		path := filepath.Join(dir, StateFile(n.Name))
		if m.State, _, err = npy.ReadFloats(path); err == nil {
			err = page.CheckWeights(path, m.State, n.State)
		}
	}
	return m, err
}

// pageType is the element type and the elements of a stored page of size values.
func pageType(p page.Precision, size int) (kind string, elements int) {
	switch p.Bits() {
	case 32:
		return "<f4", size
	case 8:
		return "|i1", size
	}
	return "|u1", p.Bytes(size)
}

// writePages stores packed pages of size values.
func writePages(path string, p page.Precision, packed []byte, size int) error {
	kind, elements := pageType(p, size)
	return npy.WriteBytes(path, kind, packed, len(packed)/p.Bytes(size), elements)
}

// readPages is the inverse of writePages for the given number of pages, any if negative.
func readPages(path string, p page.Precision, pages, size int) ([]byte, error) {
	kind, elements := pageType(p, size)
	_, packed, shape, err := npy.ReadBytes(path, kind)
	if err != nil {
		return nil, err
	}
	if pages <= 0 && len(packed) == 0 { // an empty matrix is stored as (0,)
		return packed, nil
	}
	if len(shape) != 2 || shape[1] != elements || pages >= 0 && shape[0] != pages {
		want := fmt.Sprintf("[%d %d]", pages, elements)
		if pages < 0 {
			want = fmt.Sprintf("[E %d]", elements)
		}
		return nil, fmt.Errorf("read %s: shape %v, want %s", path, shape, want)
	}
	if err := p.CheckPacked(packed, size); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return packed, nil
}

// scaleType is the element type of stored scales; halves are stored as their bits.
func scaleType(f page.ScaleFormat) string {
	return map[int]string{4: "<f4", 2: "<u2", 1: "|u1"}[f.Bytes()]
}

// readScales reads one scale for each of n pages.
func readScales(path string, f page.ScaleFormat, n int) ([]float32, error) {
	_, packed, _, err := npy.ReadBytes(path, scaleType(f))
	if err != nil {
		return nil, err
	}
	scales := make([]float32, n)
	if err := f.Unpack(scales, packed); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return scales, nil
}

// readTable reads a page table of n pages over the given number of shared pages
// and validates it. Any width of entries is read.
func readTable(path string, n, shared int) (page.Table, error) {
	entries, shape, err := npy.ReadInts(path)
	if err != nil {
		return page.Table{}, err
	}
	if len(shape) != 1 || shape[0] != n {
		return page.Table{}, fmt.Errorf("read %s: shape %v, want one entry for each of %d pages",
			path, shape, n)
	}
	t := page.Table{Shared: shared, Entries: entries}
	if err := t.Validate(); err != nil {
		return page.Table{}, fmt.Errorf("read %s: %w", path, err)
	}
	return t, nil
}
