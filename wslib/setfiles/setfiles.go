// Package setfiles keeps a [page.Set] in a run directory, as .npy files.
package setfiles

import (
	"fmt"
	"path/filepath"

	"weightsep/datasets/npy"
	"weightsep/wslib/page"
)

// Files of a set in a run directory. The exclusive pages of all networks, in order, are in one.
const (
	SharedFile    = "shared_weight_page.npy"
	ExclusiveFile = "exclusive_weight_page.npy"
)

// File is the file of one of a network's other parts, relative to the run directory.
func File(name, part string) string { return filepath.Join(name, part+".npy") }

// parts are those of a network that have a file of their own, in the order in which they are put.
var parts = []string{page.TablePart, page.ScalesPart, page.KeysPart, page.StatePart}

// kinds are the element types of files; halves are stored as their bits.
var kinds = map[string]string{"F32": "<f4", "F16": "<u2", "I32": "<i4", "U16": "<u2", "U8": "|u1",
	"I8": "|i1"}

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
	return Shape{m.Name, m.Weights, m.Scales != nil, len(m.Keys) > 0, len(m.State)}
}

// Save gives the files of the set to write and returns their names.
//
// Arrays are those of [page.Member.Arrays], but that halves are uint16, their bits, and all
// exclusive pages are one array.
func Save(s *page.Set, write func(name string, raw []byte) error) ([]string, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	shared, own := s.Precisions()
	var exclusive []byte
	var files []string
	var failed error
	save := func(file string, a page.Array) {
		raw, err := npy.File(kinds[a.Type], a.Data, a.Shape...)
		if err == nil && failed == nil {
			files, err = append(files, file), write(file, raw)
		}
		if failed == nil {
			failed = err
		}
	}
	for _, m := range s.Networks {
		arrays := m.Arrays(s.Format)
		for _, part := range parts {
			if a, ok := arrays[part]; ok {
				save(File(m.Name, part), a)
			}
		}
		exclusive = append(exclusive, m.Exclusive...)
	}
	save(ExclusiveFile, own.Array(exclusive, s.Size))
	save(SharedFile, shared.Array(s.Pages, s.Size))
	return files, failed
}

// Read is the content of a file of a set.
type Read func(name string) ([]byte, error)

// Load reads a set of the given networks, which [Save] wrote in the given format, and checks that its
// files fit each other.
func Load(read Read, f page.Format, networks []Shape) (*page.Set, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	s := &page.Set{Format: f}
	if err := read.array(SharedFile, "", s.PutPages); err != nil {
		return nil, err
	}
	var exclusive page.Array
	if err := read.array(ExclusiveFile, "", func(a page.Array) error { exclusive = a; return nil }); err != nil {
		return nil, err
	}
	pages, taken := exclusive.Shape[0], 0
	for _, n := range networks {
		m := page.Member{Name: n.Name, Weights: n.Weights}
		there := map[string]bool{page.TablePart: true, page.ScalesPart: n.Scales, page.KeysPart: n.Keys,
			page.StatePart: n.State > 0}
		for _, part := range parts {
			if !there[part] {
				continue
			}
			err := read.array(File(n.Name, part), part, func(a page.Array) error {
				if have := a.Shape[0]; part == page.StatePart && have != n.State {
					return fmt.Errorf("%d values, want %d", have, n.State)
				}
				return m.Put(f, part, a)
			})
			if err != nil {
				return nil, err
			}
		}
		own := len(m.Table.Exclusive())
		if taken += own; taken > pages {
			return nil, fmt.Errorf("read %s: %d pages, the page tables name more", ExclusiveFile, pages)
		}
		if own > 0 {
			row, of := len(exclusive.Data)/pages, exclusive
			of.Shape = append([]int{own}, of.Shape[1:]...)
			of.Data = of.Data[(taken-own)*row : taken*row : taken*row]
			if err := m.Put(f, page.ExclusivePart, of); err != nil {
				return nil, fmt.Errorf("read %s: %w", ExclusiveFile, err)
			}
		}
		s.Networks = append(s.Networks, m)
	}
	if taken < pages {
		return nil, fmt.Errorf("read %s: %d pages, the page tables name %d", ExclusiveFile, pages, taken)
	}
	return s, s.Validate()
}

// array hands the array of a part of a set to put, whose errors get the file's name.
func (read Read) array(name, part string, put func(page.Array) error) error {
	raw, err := read(name)
	if err != nil {
		return err
	}
	stored, err := npy.Array(name, raw, "<f4", "<i4", "<u2", "|u1", "|i1")
	if err != nil {
		return err
	}
	a := page.Array(stored)
	if len(a.Shape) == 0 {
		return fmt.Errorf("read %s: a single value, want an array", name)
	}
	a.Type = map[string]string{"<f4": "F32", "<i4": "I32", "<u2": "U16", "|u1": "U8", "|i1": "I8"}[a.Type]
	if a.Type == "U16" && part == page.ScalesPart {
		a.Type = "F16"
	}
	if err := put(a); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}
