package pack

import (
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

// Read reads a pack of size bytes and checks all of it: what it returns can be gathered and
// written again. It allocates no more than a few times size, whatever the file says.
func Read(r io.ReaderAt, size int64) (*File, error) {
	f, err := read(r, size)
	if err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	return f, nil
}

func read(r io.ReaderAt, size int64) (*File, error) {
	if size < 8 {
		return nil, fmt.Errorf("%d bytes, want 8 with the length of the header at least", size)
	}
	all := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(r, 0, size), all); err != nil {
		return nil, err
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
	if sum := sha256.Sum256(data); metadata["sha256"] != hex.EncodeToString(sum[:]) {
		return nil, fmt.Errorf("data have the digest %x, the header says %q: the file is damaged",
			sum, metadata["sha256"])
	}
	tensors, err := slice(entries, data)
	if err != nil {
		return nil, err
	}
	return assemble(metadata, tensors)
}

// slice cuts the data into tensors, which must cover them without gaps.
func slice(entries map[string]json.RawMessage, data []byte) (map[string]tensor, error) {
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
		if width(t.DType) == 0 {
			return nil, fmt.Errorf("tensor %q: type %q, want F32, F16, I32, U16, U8 or I8", name, t.DType)
		}
		o, length := t.Offsets, elements*width(t.DType)
		if len(o) != 2 || o[0] < 0 || o[0] > o[1] || o[1] > len(data) || o[1]-o[0] != length {
			return nil, fmt.Errorf("tensor %q: offsets %v of %s %v, want its length within %d bytes of data",
				name, o, t.DType, t.Shape, len(data))
		}
		t.data = data[o[0]:o[1]:o[1]]
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b tensor) int {
		return cmp.Or(a.Offsets[0]-b.Offsets[0], cmp.Compare(a.name, b.name))
	})
	at, before := 0, "the header"
	tensors := map[string]tensor{}
	for _, t := range all {
		if t.Offsets[0] != at {
			return nil, fmt.Errorf("tensor %q begins at byte %d of the data, want %d, where %s ends",
				t.name, t.Offsets[0], at, before)
		}
		at, before = t.Offsets[1], fmt.Sprintf("tensor %q", t.name)
		tensors[t.name] = t
	}
	if at != len(data) {
		return nil, fmt.Errorf("%d bytes after the last tensor", len(data)-at)
	}
	return tensors, nil
}

// assemble makes a pack of its metadata and tensors.
func assemble(metadata map[string]string, tensors map[string]tensor) (*File, error) {
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
	var err error
	dtype, shape := pagesType(f.Set.Precision, f.Set.Shared, f.Set.Size)
	if f.Set.Pages, err = take(tensors, sharedName, dtype, shape...); err != nil {
		return nil, err
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

// member takes a network's tensors.
func member(
	r record, format page.Format, tensors map[string]tensor,
) (m page.Member, graph []byte, err error) {
	if err := checkName(r.Name); err != nil { // before it is part of another name
		return m, nil, err
	}
	m.Name, m.Weights = r.Name, r.Weights
	t := tensors[r.Name+tableName]
	if !slices.Contains([]string{"U8", "U16", "I32"}, t.DType) || len(t.Shape) != 1 {
		return m, nil, fmt.Errorf("page table %q of type %q and shape %v, want U8, U16 or I32 of one axis",
			r.Name+tableName, t.DType, t.Shape)
	}
	delete(tensors, r.Name+tableName)
	m.Table = page.UnpackTable(t.data, width(t.DType), format.Shared)
	if err := m.Table.Validate(); err != nil {
		return m, nil, err
	}
	pages, exclusive := len(m.Table.Entries), len(m.Table.Exclusive())
	if exclusive > 0 {
		_, own := format.Precisions()
		dtype, shape := pagesType(own, exclusive, format.Size)
		if m.Exclusive, err = take(tensors, r.Name+exclusiveName, dtype, shape...); err != nil {
			return m, nil, err
		}
	}
	if _, ok := tensors[r.Name+scalesName]; ok {
		packed, err := take(tensors, r.Name+scalesName, scalesType(format.ScaleFormat), pages)
		if err != nil {
			return m, nil, err
		}
		m.Scales = make([]float32, pages)
		if err := format.ScaleFormat.Unpack(m.Scales, packed); err != nil {
			return m, nil, err
		}
	}
	if _, ok := tensors[r.Name+keysName]; ok {
		dtype, shape := pagesType(format.KeyPrecision, pages-exclusive, format.Size)
		if m.Keys, err = take(tensors, r.Name+keysName, dtype, shape...); err != nil {
			return m, nil, err
		}
	}
	if t, ok := tensors[r.Name+stateName]; ok {
		state, err := take(tensors, r.Name+stateName, "F32", len(t.data)/4)
		if err != nil {
			return m, nil, err
		}
		m.State = page.Floats(state)
	}
	if t, ok := tensors[r.Name+graphName]; ok {
		graph, err = take(tensors, r.Name+graphName, "U8", len(t.data))
	}
	return m, graph, err
}

// take removes a tensor of the given type and shape and returns its data.
func take(tensors map[string]tensor, name, dtype string, shape ...int) ([]byte, error) {
	t, ok := tensors[name]
	if !ok {
		return nil, fmt.Errorf("no tensor %q", name)
	}
	if t.DType != dtype || !slices.Equal(t.Shape, shape) {
		return nil, fmt.Errorf("tensor %q: %s %v, want %s %v", name, t.DType, t.Shape, dtype, shape)
	}
	delete(tensors, name)
	return t.data, nil
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
