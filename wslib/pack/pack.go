// Package pack keeps many networks, packed onto shared pages, in one .safetensors file that
// any safetensors library reads. FORMAT.md, beside this file, is the whole format.
package pack

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"weightsep/datasets/files"
	"weightsep/wslib/page"
)

// Version is the version of the format that this package writes, and the only one it reads.
const Version = "2"

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
	Graph  []byte          // the network's own graph, an ONNX file without the values of its weights; nil: none
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
	raw, err := files.ReadPath(path, files.MaxSize)
	if err != nil {
		return nil, err
	}
	f, err := Read(raw)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return f, nil
}

// Map is [Open] of a file that stays where it is: pages and keys of the set lie in the file, mapped into
// memory until close is called, and cost no memory of the process.
func Map(path string) (f *File, close func() error, err error) {
	raw, close, err := files.Map(path, files.MaxSize)
	if err != nil {
		return nil, nil, err
	}
	if f, err = Read(raw); err != nil {
		close()
		return nil, nil, fmt.Errorf("read %s: %w", path, err)
	}
	return f, close, nil
}

// Save writes the pack to a file, whole or not at all.
func (f *File) Save(path string) error {
	w, err := files.CreatePath(path)
	if err != nil {
		return err
	}
	defer w.Cleanup()
	if err = f.Write(w); err == nil {
		err = w.Commit()
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// Write writes the pack. Equal packs are equal bytes.
func (f *File) Write(w io.Writer) error {
	if err := f.validate(); err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	tensors := f.tensors()
	header, err := f.header(tensors)
	if err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	for _, t := range tensors {
		if _, err := w.Write(t.Data); err != nil {
			return err
		}
	}
	return nil
}

func (f *File) header(tensors []tensor) ([]byte, error) {
	var records []record
	for i, m := range f.Set.Networks {
		n := f.Networks[i]
		records = append(records, record{m.Name, m.Weights, n.Layers, n.Model})
	}
	all := map[string]any{} // encoding/json sorts it
	for _, t := range tensors {
		all[t.name] = t
	}
	metadata := map[string]string{"weightsep": Version, "sha256": noSum}
	for key, value := range map[string]any{"format": f.Set.Format, "networks": records, "made": f.Made} {
		if key == "made" && f.Made == nil {
			continue
		}
		text, err := marshal(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		metadata[key] = string(text)
	}
	all["__metadata__"] = metadata
	text, err := marshal(all)
	if err != nil {
		return nil, err
	}
	for len(text)%8 != 0 { // the data begin at a multiple of 8
		text = append(text, ' ')
	}
	header := append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...)
	digest := sha256.New()
	digest.Write(header)
	for _, t := range tensors {
		digest.Write(t.Data)
	}
	const key = `"sha256":"`
	sum := hex.EncodeToString(digest.Sum(nil))
	return bytes.Replace(header, []byte(key+noSum), []byte(key+sum), 1), nil
}

// noSum stands in the place of the file's digest while it is computed.
var noSum = strings.Repeat("0", 2*sha256.Size)

// marshal is json.Marshal that leaves <, > and & as they are.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

type tensor struct {
	page.Array
	Offsets []int `json:"data_offsets"` // begin and end in the data section
	name    string
}

// Names of tensors; those of a network are its name, which has no slash, a slash, and the
// names of its parts or graphPart.
const (
	sharedName = "shared_pages"
	graphPart  = "graph"
)

// partNames of a network, in the order of the file.
var partNames = []string{page.TablePart, page.ExclusivePart, page.ScalesPart, page.KeysPart,
	page.StatePart, graphPart}

// tensors are all arrays of the file in the order of their data: wide elements first, so that
// each begins at a multiple of its width. Empty ones are left out.
func (f *File) tensors() []tensor {
	var all []tensor
	add := func(name string, a page.Array) {
		if len(a.Data) > 0 {
			all = append(all, tensor{Array: a, name: name})
		}
	}
	s := f.Set
	add(sharedName, s.Precision.Array(s.Pages, s.Size))
	for i, m := range s.Networks {
		arrays, graph := m.Arrays(s.Format), f.Networks[i].Graph
		arrays[graphPart] = page.Array{Type: "U8", Shape: []int{len(graph)}, Data: graph}
		for _, part := range partNames {
			add(m.Name+"/"+part, arrays[part])
		}
	}
	slices.SortStableFunc(all,
		func(a, b tensor) int { return page.TypeBytes(b.Type) - page.TypeBytes(a.Type) })
	at := 0
	for i := range all {
		all[i].Offsets = []int{at, at + len(all[i].Data)}
		at += len(all[i].Data)
	}
	return all
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
		if err := page.CheckName(m.Name); err != nil {
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
