package onnx

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// file is what this package has to know of an ONNX file: the names in its graph. Numbers of
// fields are those of onnx.proto.
type file struct {
	nodes        []node
	initializers []initializer
	inputs       []value
	outputs      []value
}

type node struct {
	name, op        string
	inputs, outputs []string
}

// String names a node as ONNX tools do.
func (n node) String() string {
	name := n.name
	if name == "" && len(n.outputs) > 0 {
		name = n.outputs[0]
	}
	return fmt.Sprintf("node %q (%s)", name, n.op)
}

type initializer struct {
	name     string
	dataType uint64
	dims     []int
	external bool
}

type value struct {
	name string
	dims []int // 0: not fixed
}

// Types of ONNX tensors, TensorProto.DataType.
const (
	typeFloat    = 1
	typeUint8    = 2
	typeInt8     = 3
	typeFloat16  = 10
	typeDouble   = 11
	typeBfloat16 = 16
)

var typeNames = map[uint64]string{typeUint8: "uint8", typeInt8: "int8", typeFloat16: "float16",
	typeDouble: "float64", typeBfloat16: "bfloat16"}

// parse reads the names of a model.
func parse(raw []byte) (*file, error) {
	f := &file{}
	found := false
	err := fields(raw, func(number int, v []byte, _ uint64) error {
		if number != 7 { // ModelProto.graph
			return nil
		}
		found = true
		return fields(v, f.graphField)
	})
	if err == nil && !found {
		err = errors.New("it has no graph")
	}
	return f, err
}

func (f *file) graphField(number int, v []byte, _ uint64) error {
	switch number {
	case 1: // node
		var n node
		err := fields(v, func(number int, v []byte, _ uint64) error {
			switch number {
			case 1:
				n.inputs = append(n.inputs, string(v))
			case 2:
				n.outputs = append(n.outputs, string(v))
			case 3:
				n.name = string(v)
			case 4:
				n.op = string(v)
			}
			return nil
		})
		f.nodes = append(f.nodes, n)
		return err
	case 5: // initializer
		var t initializer
		err := fields(v, func(number int, v []byte, x uint64) error {
			switch number {
			case 1: // dims, packed or not
				if v == nil {
					t.dims = append(t.dims, int(x))
				}
				for len(v) > 0 {
					d, n := protowire.ConsumeVarint(v)
					if n < 0 {
						return protowire.ParseError(n)
					}
					t.dims, v = append(t.dims, int(d)), v[n:]
				}
			case 2:
				t.dataType = x
			case 8:
				t.name = string(v)
			case 14:
				t.external = x == 1
			}
			return nil
		})
		f.initializers = append(f.initializers, t)
		return err
	case 11, 12: // input, output
		var x value
		err := fields(v, func(number int, v []byte, _ uint64) error {
			switch number {
			case 1:
				x.name = string(v)
			case 2: // type: tensor_type: shape: dim: dim_value
				return path(v, []int{1, 2, 1}, func(dim []byte) error {
					size := 0
					err := fields(dim, func(number int, _ []byte, n uint64) error {
						if number == 1 {
							size = int(n)
						}
						return nil
					})
					x.dims = append(x.dims, size)
					return err
				})
			}
			return nil
		})
		if number == 11 {
			f.inputs = append(f.inputs, x)
		} else {
			f.outputs = append(f.outputs, x)
		}
		return err
	}
	return nil
}

// path visits the messages at the end of a path of fields.
func path(raw []byte, numbers []int, visit func([]byte) error) error {
	if len(numbers) == 0 {
		return visit(raw)
	}
	return fields(raw, func(number int, v []byte, _ uint64) error {
		if number != numbers[0] || v == nil {
			return nil
		}
		return path(v, numbers[1:], visit)
	})
}

// fields visits the fields of a protobuf message: bytes of those with a length, else a number.
func fields(raw []byte, visit func(number int, v []byte, x uint64) error) error {
	for len(raw) > 0 {
		number, kind, n := protowire.ConsumeTag(raw)
		if n < 0 {
			return protowire.ParseError(n)
		}
		raw = raw[n:]
		var v []byte
		var x uint64
		switch kind {
		case protowire.BytesType:
			v, n = protowire.ConsumeBytes(raw)
			if v == nil {
				v = []byte{}
			}
		case protowire.VarintType:
			x, n = protowire.ConsumeVarint(raw)
		default:
			n = protowire.ConsumeFieldValue(number, kind, raw)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		if err := visit(int(number), v, x); err != nil {
			return err
		}
		raw = raw[n:]
	}
	return nil
}
