package tfcheckpoint

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

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
