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

// DType is an element type, numbered as in TensorFlow's types.proto.
type DType int32

// The element types that [Checkpoint.Float32] reads.
const (
	Float32 DType = 1
	Float64 DType = 2
)

// dtypeNames are the other types that checkpoints commonly hold.
var dtypeNames = map[DType]string{
	Float32: "float32", Float64: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8",
	7: "string", 8: "complex64", 9: "int64", 10: "bool", 14: "bfloat16", 17: "uint16",
	18: "complex128", 19: "float16", 22: "uint32", 23: "uint64",
}

// String is the usual name of the type, or its number.
func (d DType) String() string {
	if s, ok := dtypeNames[d]; ok {
		return s
	}
	return fmt.Sprintf("number %d", int32(d))
}

// Entry describes one tensor as the index does. Whether Size is that of DType and
// Shape, and whether the shard holds as much, is known when it is read.
type Entry struct {
	Name        string
	DType       DType
	Shape       []int // empty: a scalar
	Shard       int   // from 0
	Offset      int64 // in the shard
	Size        int64 // in bytes
	Checksum    uint32
	Partitioned bool // the values lie in slices under other names
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
		if e.Shard >= c.shards {
			return fmt.Errorf("tensor %q: in shard %d of %d", name, e.Shard, c.shards)
		}
		e.Name = name
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
func parseEntry(b []byte) (e Entry, err error) {
	err = eachField(b, func(f field) error {
		var v int64
		var err error
		switch f.number {
		case 1:
			v, err = f.integer("element type", math.MaxInt32)
			e.DType = DType(v)
		case 2:
			if err = f.want("shape", protowire.BytesType); err == nil {
				e.Shape, err = parseShape(e.Shape, f.bytes)
			}
		case 3:
			v, err = f.integer("shard", math.MaxInt32)
			e.Shard = int(v)
		case 4:
			e.Offset, err = f.integer("offset", math.MaxInt64)
		case 5:
			e.Size, err = f.integer("size", math.MaxInt64)
		case 6:
			err = f.want("checksum", protowire.Fixed32Type)
			e.Checksum = uint32(f.value)
		case 7:
			e.Partitioned = true
		}
		return err
	})
	if err == nil && e.DType == 0 {
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
