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

	"weightsep/wslib/page"
)

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
	digest := sha256.New()
	all := map[string]any{} // encoding/json sorts it
	for _, t := range tensors {
		digest.Write(t.Data)
		all[t.name] = t
	}
	metadata := map[string]string{"weightsep": Version, "sha256": hex.EncodeToString(digest.Sum(nil))}
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
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...), nil
}

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
