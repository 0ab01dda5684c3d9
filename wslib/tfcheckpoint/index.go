package tfcheckpoint

import (
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	bundleVersion = 1       // of the format that this package reads
	maxNames      = 4 << 20 // bytes of all names; prefix compression makes them cheap to claim
	maxRank       = 254     // TensorFlow's own limit
	maxFields     = 1 << 10 // of a message
)

// dtype is an element type, numbered as in TensorFlow's types.proto.
type dtype int32

// The element types that are read.
const (
	float32Type dtype = 1
	float64Type dtype = 2
)

// String is the usual name of the type, for those that checkpoints commonly hold, or its
// number.
func (d dtype) String() string {
	names := [...]string{1: "float32", "float64", "int32", "uint8", "int16", "int8", "string", "complex64",
		"int64", "bool", 14: "bfloat16", 17: "uint16", 18: "complex128", "float16", 22: "uint32", "uint64"}
	if d > 0 && int(d) < len(names) && names[d] != "" {
		return names[d]
	}
	return fmt.Sprintf("number %d", int32(d))
}

// entry describes one tensor as the index does. Whether size is that of dtype and
// shape, and whether the shard holds as much, is known when it is read.
type entry struct {
	name        string
	dtype       dtype
	shape       []int // empty: a scalar
	shard       int   // from 0
	offset      int64 // in the shard
	size        int64 // in bytes
	checksum    uint32
	partitioned bool // the values lie in slices under other names
}

// parseIndex reads a whole index.
func parseIndex(table []byte) (*Checkpoint, error) {
	c := &Checkpoint{}
	names, last := 0, ""
	err := eachPair(table, func(key, value []byte) error {
		if c.shards == 0 {
			if len(key) > 0 {
				return fmt.Errorf("first key is %.100q, want the header", key)
			}
			var err error
			if c.shards, err = parseHeader(value); err != nil {
				return fmt.Errorf("header: %w", err)
			}
			return nil
		}
		if names += len(key); names > maxNames {
			return fmt.Errorf("names of more than %d bytes", maxNames)
		}
		name := string(key)
		if name <= last {
			return fmt.Errorf("key %.100q after %.100q, want ascending keys", name, last)
		}
		last = name
		e, err := parseEntry(value)
		if err != nil {
			return fmt.Errorf("tensor %.100q: %w", name, err)
		}
		if e.shard >= c.shards {
			return fmt.Errorf("tensor %.100q: in shard %d of %d", name, e.shard, c.shards)
		}
		e.name = name
		c.entries = append(c.entries, e)
		return nil
	})
	if err == nil && c.shards == 0 {
		err = fmt.Errorf("no header")
	}
	return c, err
}

// parseHeader reads a BundleHeaderProto and returns the number of shards.
func parseHeader(b []byte) (shards int, err error) {
	m := parse(b)
	shards = int(m.integer(1, "number of shards", math.MaxInt32))
	m.integer(2, "endianness, which has to be little,", 0)
	for _, b := range m.bytes(3, "version") {
		version := parse(b)
		version.integer(2, "version of the oldest reader", bundleVersion)
		m.fail(version.err)
	}
	if shards == 0 {
		m.fail(fmt.Errorf("no shards, want one at least"))
	}
	return shards, m.err
}

// parseEntry reads a BundleEntryProto.
func parseEntry(b []byte) (e entry, err error) {
	m := parse(b)
	e.dtype = dtype(m.integer(1, "element type", math.MaxInt32))
	for _, b := range m.bytes(2, "shape") {
		shape := parse(b)
		for _, b := range shape.bytes(2, "dimension") {
			if len(e.shape) == maxRank {
				return e, fmt.Errorf("more than %d dimensions", maxRank)
			}
			dimension := parse(b)
			e.shape = append(e.shape, int(dimension.integer(1, "dimension", math.MaxInt)))
			m.fail(dimension.err)
		}
		shape.integer(3, "unknown rank", 0)
		m.fail(shape.err)
	}
	e.shard = int(m.integer(3, "shard", math.MaxInt32))
	e.offset = m.integer(4, "offset", math.MaxInt64)
	e.size = m.integer(5, "size", math.MaxInt64)
	for _, f := range m.each(6, "checksum", protowire.Fixed32Type) {
		e.checksum = uint32(f.value)
	}
	e.partitioned = slices.ContainsFunc(m.fields, func(f field) bool { return f.number == 7 })
	if e.dtype == 0 {
		m.fail(fmt.Errorf("no element type"))
	}
	return e, m.err
}

// message is a protocol buffer message. Its methods keep the first error in err.
type message struct {
	fields []field // in the order of the wire
	err    error
}

// field is one field: value when it is a varint or fixed32, bytes when it is a string or
// message.
type field struct {
	number protowire.Number
	kind   protowire.Type
	value  uint64
	bytes  []byte
}

func parse(b []byte) (m message) {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			m.err = fmt.Errorf("damaged message: %w", protowire.ParseError(n))
			return m
		}
		b = b[n:]
		f := field{number: number, kind: kind}
		switch kind {
		case protowire.VarintType:
			f.value, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(b)
			f.value = uint64(v)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(number, kind, b)
		}
		if n < 0 {
			m.err = fmt.Errorf("damaged message: field %d: %w", number, protowire.ParseError(n))
			return m
		}
		b = b[n:]
		if m.fields = append(m.fields, f); len(m.fields) > maxFields {
			m.err = fmt.Errorf("more than %d fields in a message", maxFields)
			return m
		}
	}
	return m
}

func (m *message) fail(err error) {
	if m.err == nil {
		m.err = err
	}
}

// each returns the fields of a number, which must be of a wire type.
func (m *message) each(number protowire.Number, what string, kind protowire.Type) (of []field) {
	for _, f := range m.fields {
		switch {
		case f.number != number:
		case f.kind != kind:
			m.fail(fmt.Errorf("%s: wire type %d, want %d", what, f.kind, kind))
		default:
			of = append(of, f)
		}
	}
	return of
}

// bytes returns the messages in the fields of a number.
func (m *message) bytes(number protowire.Number, what string) (of [][]byte) {
	for _, f := range m.each(number, what, protowire.BytesType) {
		of = append(of, f.bytes)
	}
	return of
}

// integer returns the value of a varint field from 0 to limit; 0 if there is none.
func (m *message) integer(number protowire.Number, what string, limit int64) (v int64) {
	for _, f := range m.each(number, what, protowire.VarintType) {
		v = int64(f.value)
		if f.value > uint64(limit) { // so is a negative number
			m.fail(fmt.Errorf("%s is %d, want 0 to %d", what, v, limit))
		}
	}
	return v
}
