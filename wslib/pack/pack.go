// Package pack keeps many networks, packed onto shared pages, in one .safetensors file that
// any safetensors library reads. FORMAT.md, beside this file, is the whole format.
package pack

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"

	"github.com/google/renameio/v2"

	"weightsep/wslib/page"
)

// Version is the version of the format that this package writes, and the only one it reads.
const Version = "1"

// File is what a pack holds.
type File struct {
	Set      *page.Set
	Networks []Network       // one for each network of Set, in its order
	Made     json.RawMessage // what the pack was made with; nil: not said
}

// Network is what a pack knows of a network beside its pages.
type Network struct {
	Layers []Layer         // of the flat weight vector
	Model  json.RawMessage // the architecture, opaque to this package; nil: not said
	Graph  []byte          // the network's own graph, an ONNX file; nil: none
}

// Layer is a part of a network's flat weight vector: a row-major array.
type Layer struct {
	Name   string `json:"name"`
	Shape  []int  `json:"shape"`
	Offset int    `json:"offset"` // of its first weight
}

type record struct {
	Name    string          `json:"name"`
	Weights int             `json:"weights"`
	Layers  []Layer         `json:"layers,omitempty"`
	Model   json.RawMessage `json:"model,omitempty"`
}

// Open reads a pack from a file.
func Open(path string) (*File, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f, err := Read(raw)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return f, nil
}

// Save writes the pack to a file, whole or not at all.
func (f *File) Save(path string) error {
	w, err := renameio.NewPendingFile(path, renameio.WithStaticPermissions(0o644))
	if err != nil {
		return err
	}
	defer w.Cleanup()
	if err = f.Write(w); err == nil {
		err = w.CloseAtomicallyReplace()
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// validate returns an error for a pack that [Read] would refuse.
func (f *File) validate() error {
	if err := f.Set.Validate(); err != nil {
		return err
	}
	if len(f.Networks) != len(f.Set.Networks) {
		return fmt.Errorf("layers and models of %d networks, the set has %d",
			len(f.Networks), len(f.Set.Networks))
	}
	if f.Made != nil && !json.Valid(f.Made) {
		return fmt.Errorf("what the pack was made with is no JSON: %.40q", f.Made)
	}
	for i, m := range f.Set.Networks {
		if err := checkName(m.Name); err != nil {
			return fmt.Errorf("network %d: %w", i, err)
		}
		if f.Set.Index(m.Name) != i {
			return fmt.Errorf("network %s is there twice", m.Name)
		}
		if m.Weights < 1 {
			return fmt.Errorf("network %s: %d weights, want 1 or more", m.Name, m.Weights)
		}
		n := f.Networks[i]
		if n.Model != nil && !json.Valid(n.Model) {
			return fmt.Errorf("network %s: its model is no JSON: %.40q", m.Name, n.Model)
		}
		for _, l := range n.Layers {
			size, err := product(l.Shape)
			if err != nil || l.Name == "" || l.Offset < 0 || size > m.Weights || l.Offset > m.Weights-size {
				return fmt.Errorf("network %s: layer %q of shape %v at weight %d, want a place in %d",
					m.Name, l.Name, l.Shape, l.Offset, m.Weights)
			}
		}
	}
	return nil
}

// plain is what a network's name is made of.
var plain = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

func checkName(name string) error {
	if !plain.MatchString(name) {
		return fmt.Errorf("name %q: want a word as %s", name, plain)
	}
	return nil
}

// product is the number of elements of a shape, each of whose sides is 1 or more.
func product(shape []int) (int, error) {
	n := 1
	for _, d := range shape {
		if d < 1 || d > 1<<40 || n > 1<<40/d {
			return 0, fmt.Errorf("shape %v: want sides of 1 or more, and fewer than 2^40 elements", shape)
		}
		n *= d
	}
	return n, nil
}
