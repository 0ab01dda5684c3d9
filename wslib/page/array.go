package page

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Array is a part of a set as it is stored: little endian numbers, row-major. Types are
// named as in safetensors: F32, F16, I32, U16, U8 and I8.
type Array struct {
	Type  string `json:"dtype"`
	Shape []int  `json:"shape"`
	Data  []byte `json:"-"`
}

// TypeBytes is the size of an element of a type; 0 of a type that no [Array] has.
func TypeBytes(name string) int {
	return map[string]int{"F32": 4, "I32": 4, "F16": 2, "U16": 2, "U8": 1, "I8": 1}[name]
}

// Names of the arrays of a network, in the order in which [Member.Put] takes them.
const (
	TablePart     = "table"
	ExclusivePart = "exclusive_pages"
	ScalesPart    = "scales"
	KeysPart      = "keys"
	StatePart     = "state"
)

// Array is packed pages of size values: of bytes below 8 bits.
func (p Precision) Array(packed []byte, size int) Array {
	a := Array{"U8", []int{len(packed) / p.Bytes(size), p.Bytes(size)}, packed}
	switch p.Bits() {
	case 32:
		a.Type, a.Shape[1] = "F32", size
	case 8:
		a.Type = "I8"
	}
	return a
}

// Array is scales in their format, F32, F16 or U8.
func (f ScaleFormat) Array(scales []float32) Array {
	return Array{map[int]string{4: "F32", 2: "F16", 1: "U8"}[f.Bytes()], []int{len(scales)}, f.Pack(scales)}
}

// Array is the entries in the fewest bytes that hold the largest, U8, U16 or I32.
func (t Table) Array() Array {
	a := Array{map[int]string{1: "U8", 2: "U16", 4: "I32"}[t.Width()], []int{len(t.Entries)}, nil}
	for _, e := range t.Entries {
		a.Data = append(a.Data, binary.LittleEndian.AppendUint32(nil, uint32(e))[:t.Width()]...)
	}
	return a
}

// Arrays are what is stored of a network, by the names of its parts; empty ones are left out.
func (m Member) Arrays(f Format) map[string]Array {
	_, exclusive := f.Precisions()
	parts := map[string]Array{
		TablePart:     m.Table.Array(),
		ExclusivePart: exclusive.Array(m.Exclusive, f.Size),
		ScalesPart:    f.ScaleFormat.Array(m.Scales),
		KeysPart:      f.KeyPrecision.Array(m.Keys, f.Size),
		StatePart:     {"F32", []int{len(m.State)}, PackFloats(m.State)},
	}
	for name, a := range parts {
		if len(a.Data) == 0 {
			delete(parts, name)
		}
	}
	return parts
}

// Put sets a part of a network whose name, weights and earlier parts are set. An array of
// another type or shape is an error, as is a wrong table; [Set.Validate] checks the rest.
func (m *Member) Put(f Format, part string, a Array) error {
	pages, own := len(m.Table.Entries), len(m.Table.Exclusive())
	switch part {
	case TablePart:
		return m.putTable(f, a)
	case ExclusivePart:
		_, exclusive := f.Precisions()
		m.Exclusive = a.Data
		return a.check(exclusive.Array(nil, f.Size), own)
	case ScalesPart:
		m.Scales = f.ScaleFormat.Unpack(a.Data)
		return a.check(f.ScaleFormat.Array(nil), pages)
	case KeysPart:
		m.Keys = a.Data
		return a.check(f.KeyPrecision.Array(nil, f.Size), pages-own)
	}
	m.State = Floats(a.Data)
	return a.check(Array{"F32", []int{0}, nil}, len(m.State))
}

func (m *Member) putTable(f Format, a Array) error {
	want := Array{"U8, U16 or I32", []int{0}, nil}
	if slices.Contains([]string{"U8", "U16", "I32"}, a.Type) {
		want.Type = a.Type
	}
	if err := a.check(want, Count(m.Weights, f.Size)); err != nil {
		return err
	}
	m.Table = Table{Shared: f.Shared}
	for entry := range slices.Chunk(a.Data, TypeBytes(a.Type)) {
		e := binary.LittleEndian.Uint32(append(entry, 0, 0, 0))
		m.Table.Entries = append(m.Table.Entries, int32(e))
	}
	return m.Table.Validate()
}

// PutPages sets the shared pages, as [Member.Put] does parts of networks.
func (s *Set) PutPages(a Array) error {
	s.Pages = a.Data
	return a.check(s.Precision.Array(nil, s.Size), s.Shared)
}

// check compares type and shape with those of an array of so many rows.
func (a Array) check(want Array, rows int) error {
	want.Shape[0] = rows
	if a.Type != want.Type || !slices.Equal(a.Shape, want.Shape) {
		return fmt.Errorf("%s %v, want %s %v", a.Type, a.Shape, want.Type, want.Shape)
	}
	return nil
}
