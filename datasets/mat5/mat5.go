// Package mat5 reads the numeric arrays of little-endian MATLAB level 5 MAT-files (what MATLAB
// saves with -v6 and -v7).
//
// Real arrays of the numeric and logical classes are read, compressed or not. Of other
// variables (cell, struct, char, sparse, complex, ...) only the name, class and dimensions are told.
package mat5

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
)

// classes are the names of the classes, by their numbers in the file.
var classes = [...]string{"", "cell", "struct", "object", "char", "sparse", "double", "single",
	"int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "function", "opaque"}

const (
	classDouble = 6 // the first of the numeric classes
	classUint64 = 15
	classOpaque = 17 // an object of a class defined in MATLAB code, without dimensions
)

// storage is what the bytes of a data element are. It may be smaller than the class of
// an array: MATLAB stores whole numbers of class double in integers that hold them.
type storage uint32

const (
	typeInt8       storage = 1
	typeUint8      storage = 2
	typeInt32      storage = 5
	typeUint32     storage = 6
	typeMatrix     storage = 14
	typeCompressed storage = 15
	typeUTF8       storage = 16
)

var le = binary.LittleEndian

// storages has the name of each storage and, for numbers, their size in bytes and what
// makes a number of those.
var storages = map[storage]struct {
	name  string
	size  int
	value func(b []byte) float64
}{
	typeInt8:       {"int8", 1, func(b []byte) float64 { return float64(int8(b[0])) }},
	typeUint8:      {"uint8", 1, func(b []byte) float64 { return float64(b[0]) }},
	3:              {"int16", 2, func(b []byte) float64 { return float64(int16(le.Uint16(b))) }},
	4:              {"uint16", 2, func(b []byte) float64 { return float64(le.Uint16(b)) }},
	typeInt32:      {"int32", 4, func(b []byte) float64 { return float64(int32(le.Uint32(b))) }},
	typeUint32:     {"uint32", 4, func(b []byte) float64 { return float64(le.Uint32(b)) }},
	7:              {"single", 4, single},
	9:              {"double", 8, func(b []byte) float64 { return math.Float64frombits(le.Uint64(b)) }},
	12:             {"int64", 8, func(b []byte) float64 { return float64(int64(le.Uint64(b))) }},
	13:             {"uint64", 8, func(b []byte) float64 { return float64(le.Uint64(b)) }},
	typeMatrix:     {name: "matrix"},
	typeCompressed: {name: "compressed"},
	typeUTF8:       {name: "utf8"},
}

func single(b []byte) float64 { return float64(math.Float32frombits(le.Uint32(b))) }

func (s storage) String() string { return cmp.Or(storages[s].name, fmt.Sprintf("type %d", uint32(s))) }

// Array is a variable of the file.
type Array struct {
	Name  string // "" possibly, for classes that are not numeric
	Class string // as MATLAB shows it: uint8 for a logical array, with complex before it if so
	Dims  []int  // the size of each dimension, two at least; none for the class opaque

	data  []byte // the values as they are stored
	size  int    // bytes of each; 0 unless they can be read
	value func(b []byte) float64
}

// Readable reports whether the array has values to read: it is numeric and real.
func (a *Array) Readable() bool { return a.size > 0 }

// Len is the number of values of an array that is [Array.Readable], the product of Dims.
func (a *Array) Len() int { return len(a.data) / a.size }

// At returns value i of an array that is [Array.Readable]. Values have
// MATLAB's order, column-major: the first dimension changes fastest. Integers of 64 bits that a
// float64 cannot hold are rounded.
func (a *Array) At(i int) float64 { return a.value(a.data[i*a.size:]) }

const headerSize = 128 // of the file: text, version and byte order

var errVersion73 = errors.New("expected a level 5 MAT-file, found version 7.3 (HDF5): save with -v7")

// Read reads the variables of a level 5 MAT-file. The file may have at most limit bytes, and all its
// compressed variables together may unfold to at most so many.
//
// Files of other levels give an error that says so: level 4, which has no header, and
// 7.3, which is HDF5.
func Read(r io.Reader, limit int64) ([]Array, error) {
	file, err := readAtMost(r, limit)
	if err == nil {
		err = checkHeader(file)
	}
	if err != nil {
		return nil, fmt.Errorf("mat5: %w", err)
	}
	var all []Array
	for rest := file[headerSize:]; len(rest) > 0; {
		at := len(file) - len(rest)
		var a Array
		typ, data, after, err := element(rest)
		if err == nil && typ == typeCompressed {
			typ, data, err = unfold(data, limit)
			limit -= int64(len(data))
		}
		if err == nil && typ != typeMatrix {
			err = fmt.Errorf("expected a matrix, found %v", typ)
		}
		if err == nil {
			a, err = array(data)
		}
		if err != nil {
			return nil, fmt.Errorf("mat5: variable at byte %d: %w", at, err)
		}
		all, rest = append(all, a), after
	}
	return all, nil
}

// readAtMost reads all of r, which may hold at most limit bytes.
func readAtMost(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("expected at most %d bytes, found more", limit)
	}
	return b, err
}

func checkHeader(file []byte) error {
	head := file[:min(len(file), headerSize)]
	if bytes.HasPrefix(head, []byte("\x89HDF\r\n\x1a\n")) {
		return errVersion73
	}
	// A level 5 header starts with text, a level 4 file with a small number.
	if len(head) >= 4 && bytes.IndexByte(head[:4], 0) >= 0 {
		return errors.New("expected a level 5 MAT-file, found the start of a level 4 file " +
			"or of no MAT-file: save with -v7")
	}
	if len(head) < headerSize {
		return fmt.Errorf("header: truncated: expected %d bytes, found %d (%s): %w",
			headerSize, len(head), http.DetectContentType(head), io.ErrUnexpectedEOF)
	}
	// The writer stores the two characters MI as one 16-bit number.
	switch version, mark := le.Uint16(head[124:]), string(head[126:]); {
	case mark == "MI":
		return errors.New("header: expected a little-endian MAT-file, found a big-endian one")
	case mark != "IM":
		return fmt.Errorf("header: byte order: expected IM, found %q: not a level 5 MAT-file but %s", mark,
			http.DetectContentType(head))
	case version == 0x0200:
		return errVersion73
	case version != 0x0100:
		return fmt.Errorf("header: version: expected 0x0100, found %#04x", version)
	}
	return nil
}

// unfold returns the data element in a compressed one.
func unfold(b []byte, limit int64) (typ storage, data []byte, err error) {
	z, err := zlib.NewReader(bytes.NewReader(b))
	if err == nil {
		b, err = readAtMost(z, limit) // to the end, for the checksum
	}
	if err == nil {
		typ, data, b, err = element(b)
	}
	if err == nil && len(b) > 0 {
		err = fmt.Errorf("expected the end of the %v, found %d bytes more", typ, len(b))
	}
	if err != nil {
		err = fmt.Errorf("compressed: %w", err)
	}
	return typ, data, err
}

// element parts b into the type and data of its first data element, and the rest.
func element(b []byte) (typ storage, data, rest []byte, err error) {
	if len(b) < 8 {
		return 0, nil, nil, fmt.Errorf("tag: expected 8 bytes, found %d: %w", len(b), io.ErrUnexpectedEOF)
	}
	word, size := le.Uint32(b), int64(le.Uint32(b[4:]))
	// The two halves of a small element's first word are its size, 1 to 4, and its type; there the
	// second word is the data.
	if n := word >> 16; n > 0 {
		typ = storage(word & 0xffff)
		if n > 4 {
			return 0, nil, nil, fmt.Errorf("tag: a small element of %v has at most 4 bytes, found %d", typ, n)
		}
		return typ, b[4 : 4+n], b[8:], nil
	}
	typ = storage(word)
	if b = b[8:]; size > int64(len(b)) {
		return 0, nil, nil, fmt.Errorf("%v truncated: expected %d bytes, found %d: %w", typ, size, len(b),
			io.ErrUnexpectedEOF)
	}
	return typ, b[:size], b[size:], nil
}

// array reads the data of a matrix, a run of data elements. MATLAB stores dimensions as int32 and
// names as int8, other programs as uint32 and as text too.
func array(b []byte) (a Array, err error) {
	var typ storage
	// field returns the next element, padded to 8 bytes, which some writers leave out at the end.
	field := func(what string, types ...storage) (data []byte) {
		if err != nil {
			return nil
		}
		before := len(b)
		typ, data, b, err = element(b)
		if err == nil && types != nil && !slices.Contains(types, typ) {
			err = fmt.Errorf("expected type %v, found %v", types, typ)
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", what, err)
			return nil
		}
		b = b[min((len(b)-before)&7, len(b)):]
		return data
	}
	flags := field("array flags", typeUint32)
	if err == nil && len(flags) != 8 {
		err = fmt.Errorf("array flags: expected 8 bytes, found %d", len(flags))
	}
	if err != nil {
		return a, err
	}
	class := int(flags[0])
	if class < 1 || class > classOpaque {
		return a, fmt.Errorf("array flags: class: expected 1 to %d, found %d", classOpaque, class)
	}
	a.Class = classes[class]
	n := 1.0 // exact up to 2^53, which is more than there is
	if class != classOpaque {
		d := field("dimensions", typeInt32, typeUint32)
		if err == nil && (len(d) < 2*4 || len(d) > 64*4 || len(d)%4 != 0) {
			err = fmt.Errorf("dimensions: expected 2 to 64, 4 bytes each, found %d bytes", len(d))
		}
		for ; err == nil && len(d) > 0; d = d[4:] {
			size := int(int32(le.Uint32(d)))
			if size < 0 {
				err = fmt.Errorf("dimension %d: expected 0 or more, found %d", len(a.Dims), size)
			}
			a.Dims, n = append(a.Dims, size), n*float64(size)
		}
	}
	name := field("name", typeInt8, typeUint8, typeUTF8)
	if len(name) > 255 { // MATLAB's own have at most 63
		return a, fmt.Errorf("name: expected at most 255 bytes, found %d", len(name))
	}
	a.Name = string(name)
	if flags[1]&0x8 != 0 {
		a.Class = "complex " + a.Class
	} else if class >= classDouble && class <= classUint64 {
		a.data = field(fmt.Sprintf("%q: values", a.Name))
		s := storages[typ]
		a.size, a.value = s.size, s.value
		switch {
		case err != nil:
		case s.size == 0:
			err = fmt.Errorf("%q: values: expected numbers, found %v", a.Name, typ)
		case n*float64(s.size) != float64(len(a.data)):
			err = fmt.Errorf("%q: values: dimensions %v of %v take %.0f bytes, found %d", a.Name, a.Dims, typ,
				n*float64(s.size), len(a.data))
		case len(b) > 0:
			err = fmt.Errorf("%q: expected the end of the matrix, found %d bytes more", a.Name, len(b))
		}
	}
	return a, err
}
