package pack

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"weightsep/wslib/page"
)

// mostHeader is the largest header that safetensors libraries read, in bytes.
const mostHeader = 100_000_000

// Read reads a pack and checks all of it: what it returns can be gathered and written again, and
// shares memory with all. It allocates no more than a few times its size, whatever the file says.
func Read(all []byte) (f *File, err error) {
	defer func() {
		if err != nil {
			f, err = nil, fmt.Errorf("pack: %w", err)
		}
	}()
	size := len(all)
	if size < 8 {
		return nil, fmt.Errorf("%d bytes, want 8 with the length of the header at least", size)
	}
	n := binary.LittleEndian.Uint64(all)
	if n > uint64(size)-8 || n > mostHeader {
		return nil, fmt.Errorf("a header of %d bytes in a file of %d, want %d at most",
			n, size, min(size-8, mostHeader))
	}
	text, data := all[8:8+n], all[8+n:]
	var entries map[string]json.RawMessage
	if err := json.Unmarshal(text, &entries); err != nil || len(text) == 0 || text[0] != '{' {
		return nil, fmt.Errorf("header is no JSON object: %w",
			cmp.Or(err, errors.New("it does not begin with a brace")))
	}
	var metadata map[string]string
	if err := json.Unmarshal(entries["__metadata__"], &metadata); err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	delete(entries, "__metadata__")
	if v := metadata["weightsep"]; v != Version {
		return nil, fmt.Errorf("format version %q in the metadata, want %q", v, Version)
	}
	want := metadata["sha256"]
	if got := digest(all, want); want != hex.EncodeToString(got) {
		return nil, fmt.Errorf("the file has the digest %x, its header says %q: it is damaged", got, want)
	}
	tensors, err := slice(entries, data)
	if err != nil {
		return nil, err
	}
	return assemble(metadata, tensors)
}

// digest is the SHA-256 of a file with zeros in the place of the digest that it says.
func digest(all []byte, said string) []byte {
	d := sha256.New()
	if at := bytes.Index(all, []byte(said)); len(said) == len(noSum) && at >= 0 {
		d.Write(all[:at])
		d.Write([]byte(noSum))
		all = all[at+len(noSum):]
	}
	d.Write(all)
	return d.Sum(nil)
}

// slice cuts the data into tensors, which must cover them without gaps.
func slice(entries map[string]json.RawMessage, data []byte) (map[string]page.Array, error) {
	var all []tensor
	for name, text := range entries {
		t := tensor{name: name}
		if err := decode(string(text), &t); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		elements, err := product(t.Shape)
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		if page.TypeBytes(t.Type) == 0 {
			return nil, fmt.Errorf("tensor %q: type %q, want F32, F16, I32, U16, U8 or I8", name, t.Type)
		}
		o, length := t.Offsets, elements*page.TypeBytes(t.Type)
		if len(o) != 2 || o[0] < 0 || o[0] > o[1] || o[1] > len(data) || o[1]-o[0] != length {
			return nil, fmt.Errorf("tensor %q: offsets %v of %s %v, want its length within %d bytes of data",
				name, o, t.Type, t.Shape, len(data))
		}
		t.Data = data[o[0]:o[1]:o[1]]
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b tensor) int {
		return cmp.Or(a.Offsets[0]-b.Offsets[0], cmp.Compare(a.name, b.name))
	})
	at, before := 0, "the header"
	tensors := map[string]page.Array{}
	for _, t := range all {
		if t.Offsets[0] != at {
			return nil, fmt.Errorf("tensor %q begins at byte %d of the data, want %d, where %s ends",
				t.name, t.Offsets[0], at, before)
		}
		at, before = t.Offsets[1], fmt.Sprintf("tensor %q", t.name)
		tensors[t.name] = t.Array
	}
	if at != len(data) {
		return nil, fmt.Errorf("%d bytes after the last tensor", len(data)-at)
	}
	return tensors, nil
}

func assemble(metadata map[string]string, tensors map[string]page.Array) (*File, error) {
	f := &File{Set: &page.Set{}}
	var records []record
	if err := decode(metadata["format"], &f.Set.Format); err != nil {
		return nil, fmt.Errorf("metadata: format: %w", err)
	}
	if err := f.Set.Format.Validate(); err != nil {
		return nil, fmt.Errorf("metadata: format: %w", err)
	}
	if err := decode(metadata["networks"], &records); err != nil {
		return nil, fmt.Errorf("metadata: networks: %w", err)
	}
	if made, ok := metadata["made"]; ok {
		f.Made = json.RawMessage(made)
	}
	shared, err := take(tensors, sharedName)
	if err != nil {
		return nil, err
	}
	if err := f.Set.PutPages(shared); err != nil {
		return nil, fmt.Errorf("tensor %q: %w", sharedName, err)
	}
	for _, r := range records {
		m, graph, err := member(r, f.Set.Format, tensors)
		if err != nil {
			return nil, fmt.Errorf("network %q: %w", r.Name, err)
		}
		f.Set.Networks = append(f.Set.Networks, m)
		f.Networks = append(f.Networks, Network{Layers: r.Layers, Model: r.Model, Graph: graph})
	}
	for name := range tensors {
		return nil, fmt.Errorf("tensor %q belongs to nothing in the metadata", name)
	}
	return f, f.validate()
}

func member(r record, f page.Format, tensors map[string]page.Array) (m page.Member,
	graph []byte, err error) {
	if err := page.CheckName(r.Name); err != nil { // before it is part of another name
		return m, nil, err
	}
	m.Name, m.Weights = r.Name, r.Weights
	for _, part := range partNames {
		name := r.Name + "/" + part
		needed := part == page.TablePart || part == page.ExclusivePart && len(m.Table.Exclusive()) > 0
		if _, ok := tensors[name]; !ok && !needed {
			continue
		}
		a, err := take(tensors, name)
		if err != nil {
			return m, nil, err
		}
		if part == graphPart {
			if graph = a.Data; a.Type != "U8" || len(a.Shape) != 1 {
				err = fmt.Errorf("%s %v, want U8 [%d]", a.Type, a.Shape, len(a.Data))
			}
		} else {
			err = m.Put(f, part, a)
		}
		if err != nil {
			return m, nil, fmt.Errorf("tensor %q: %w", name, err)
		}
	}
	return m, graph, nil
}

func take(tensors map[string]page.Array, name string) (page.Array, error) {
	a, ok := tensors[name]
	if !ok {
		return a, fmt.Errorf("no tensor %q", name)
	}
	delete(tensors, name)
	return a, nil
}

// decode reads one JSON value of known fields and nothing after it.
func decode(text string, v any) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more than one JSON value")
	}
	return nil
}
