package mat5

import "fmt"

// Class is the class of an array as MATLAB shows it.
type Class uint8

// The classes of arrays.
const (
	Cell     Class = 1
	Struct   Class = 2
	Object   Class = 3
	Char     Class = 4
	Sparse   Class = 5
	Double   Class = 6
	Single   Class = 7
	Int8     Class = 8
	Uint8    Class = 9
	Int16    Class = 10
	Uint16   Class = 11
	Int32    Class = 12
	Uint32   Class = 13
	Int64    Class = 14
	Uint64   Class = 15
	Function Class = 16
	Opaque   Class = 17 // an object of a class defined in MATLAB code
)

// Numeric reports whether the values of real arrays of the class can be read.
// A logical array is of class Uint8.
func (c Class) Numeric() bool { return c >= Double && c <= Uint64 }

func (c Class) String() string {
	names := [...]string{
		Cell: "cell", Struct: "struct", Object: "object", Char: "char", Sparse: "sparse",
		Double: "double", Single: "single", Int8: "int8", Uint8: "uint8", Int16: "int16",
		Uint16: "uint16", Int32: "int32", Uint32: "uint32", Int64: "int64", Uint64: "uint64",
		Function: "function", Opaque: "opaque",
	}
	if int(c) < len(names) && names[c] != "" {
		return names[c]
	}
	return fmt.Sprintf("class %d", uint8(c))
}

// Type is how the values of an array are stored in the file. It may be smaller than the
// class: MATLAB stores whole numbers of class Double in integers that hold them.
type Type uint32

// The types that values are stored as.
const (
	StoredInt8   Type = 1
	StoredUint8  Type = 2
	StoredInt16  Type = 3
	StoredUint16 Type = 4
	StoredInt32  Type = 5
	StoredUint32 Type = 6
	StoredSingle Type = 7
	StoredDouble Type = 9
	StoredInt64  Type = 12
	StoredUint64 Type = 13
)

// Size is the number of bytes of a value, 0 for types that are not numbers.
func (t Type) Size() int {
	switch t {
	case StoredInt8, StoredUint8:
		return 1
	case StoredInt16, StoredUint16:
		return 2
	case StoredInt32, StoredUint32, StoredSingle:
		return 4
	case StoredDouble, StoredInt64, StoredUint64:
		return 8
	}
	return 0
}

func (t Type) String() string {
	names := [...]string{
		StoredInt8: "int8", StoredUint8: "uint8", StoredInt16: "int16", StoredUint16: "uint16",
		StoredInt32: "int32", StoredUint32: "uint32", StoredSingle: "single",
		StoredDouble: "double", StoredInt64: "int64", StoredUint64: "uint64",
		typeMatrix: "matrix", typeCompressed: "compressed",
	}
	if uint64(t) < uint64(len(names)) && names[t] != "" {
		return names[t]
	}
	return fmt.Sprintf("type %d", uint32(t))
}
