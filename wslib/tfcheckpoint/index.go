package tfcheckpoint

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	bundleVersion = 1        // of the format that this package reads
	maxNames      = 64 << 20 // bytes of all names; prefix compression makes them cheap to claim
	maxRank       = 254      // TensorFlow's own limit
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
	names := [...]string{1: "float32", "float64", "int32", "uint8", "int16", "int8", "string", "complex64", "int64",
		"bool", 14: "bfloat16", 17: "uint16", 18: "complex128", "float16", 22: "uint32", "uint64"}
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
				return fmt.Errorf("first key is %q, want the header", key)
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
			return fmt.Errorf("key %q after %q, want ascending keys", name, last)
		}
		last = name
		e, err := parseEntry(value)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		if e.shard >= c.shards {
			return fmt.Errorf("tensor %q: in shard %d of %d", name, e.shard, c.shards)
		}
		e.name = name
		c.entries = append(c.entries, e)
		return nil
	})
	if err == nil && c.shards == 0 {
		err = fmt.Errorf("no header")
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// parseHeader reads a BundleHeaderProto and returns the number of shards.
func parseHeader(b []byte) (shards int, err error) {
	err = eachField(b, func(f field) error {
		var v int64
		var err error
		switch f.number {
		case 1:
			v, err = f.integer("number of shards", math.MaxInt32)
			shards = int(v)
		case 2:
			_, err = f.integer("endianness, which has to be little,", 0)
		case 3:
			if err = f.want("version", protowire.BytesType); err != nil {
				return err
			}
			err = eachField(f.bytes, func(f field) error {
				if f.number != 2 {
					return nil
				}
				_, err := f.integer("version of the oldest reader", bundleVersion)
				return err
			})
		}
		return err
	})
	if err == nil && shards == 0 {
		err = fmt.Errorf("no shards, want one at least")
	}
	return shards, err
}

// parseEntry reads a BundleEntryProto.
func parseEntry(b []byte) (e entry, err error) {
	err = eachField(b, func(f field) error {
		var v int64
		var err error
		switch f.number {
		case 1:
			v, err = f.integer("element type", math.MaxInt32)
			e.dtype = dtype(v)
		case 2:
			if err = f.want("shape", protowire.BytesType); err == nil {
				e.shape, err = parseShape(e.shape, f.bytes)
			}
		case 3:
			v, err = f.integer("shard", math.MaxInt32)
			e.shard = int(v)
		case 4:
			e.offset, err = f.integer("offset", math.MaxInt64)
		case 5:
			e.size, err = f.integer("size", math.MaxInt64)
		case 6:
			err = f.want("checksum", protowire.Fixed32Type)
			e.checksum = uint32(f.value)
		case 7:
			e.partitioned = true
		}
		return err
	})
	if err == nil && e.dtype == 0 {
		err = fmt.Errorf("no element type")
	}
	return e, err
}

// parseShape appends the dimensions of a TensorShapeProto to shape.
func parseShape(shape []int, b []byte) ([]int, error) {
	err := eachField(b, func(f field) error {
		switch f.number {
		case 2:
			if err := f.want("dimension", protowire.BytesType); err != nil {
				return err
			}
			if len(shape) == maxRank {
				return fmt.Errorf("more than %d dimensions", maxRank)
			}
			size := int64(0)
			err := eachField(f.bytes, func(f field) (err error) {
				if f.number == 1 {
					size, err = f.integer("dimension", math.MaxInt)
				}
				return err
			})
			shape = append(shape, int(size))
			return err
		case 3:
			_, err := f.integer("unknown rank", 0)
			return err
		}
		return nil
	})
	return shape, err
}

// field is one field of a protocol buffer message: value when it is a varint or
// fixed32, bytes when it is a string or message.
type field struct {
	number protowire.Number
	kind   protowire.Type
	value  uint64
	bytes  []byte
}

// eachField calls visit with the fields of a message, in the order of the wire.
func eachField(b []byte, visit func(field) error) error {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return fmt.Errorf("damaged message: %w", protowire.ParseError(n))
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
			return fmt.Errorf("damaged message: field %d: %w", number, protowire.ParseError(n))
		}
		b = b[n:]
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}

// want reports a field of another wire type.
func (f field) want(what string, kind protowire.Type) error {
	if f.kind != kind {
		return fmt.Errorf("%s: wire type %d, want %d", what, f.kind, kind)
	}
	return nil
}

// integer is the value of a varint field from 0 to limit.
func (f field) integer(what string, limit int64) (int64, error) {
	if err := f.want(what, protowire.VarintType); err != nil {
		return 0, err
	}
	// A negative number is one of the largest when unsigned.
	if f.value > uint64(limit) {
		return 0, fmt.Errorf("%s is %d, want 0 to %d", what, int64(f.value), limit)
	}
	return int64(f.value), nil
}
