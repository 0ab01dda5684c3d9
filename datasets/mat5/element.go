package mat5

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Types of data elements that are not values.
const (
	typeMatrix     = 14
	typeCompressed = 15
)

// tag is the head of a data element: what its bytes are and how many there are.
type tag struct {
	typ   Type
	size  uint32
	small bool    // the bytes are in the tag itself
	data  [4]byte // these bytes, when small
}

// readTag reads the 8 bytes of a tag. The two halves of a small element's first word
// are its size, 1 to 4, and its type; there the second word is the data.
func readTag(r io.Reader, order binary.ByteOrder) (tag, error) {
	var b [8]byte
	if n, err := io.ReadFull(r, b[:]); err != nil {
		return tag{}, fmt.Errorf("tag: expected %d bytes, found %d: %w", len(b), n, noEOF(err))
	}
	word := order.Uint32(b[:])
	size := word >> 16
	if size == 0 {
		return tag{typ: Type(word), size: order.Uint32(b[4:])}, nil
	}
	t := tag{typ: Type(word & 0xffff), size: size, small: true, data: [4]byte(b[4:])}
	if size > 4 {
		return tag{}, fmt.Errorf("tag: a small element of %v has at most 4 bytes, found %d", t.typ, size)
	}
	return t, nil
}

// matrix is the inside of a matrix element, a run of data elements.
type matrix struct {
	r          io.Reader
	left       int64 // bytes of it not read yet
	order      binary.ByteOrder
	compressed bool // it is all that r may hold
}

// Read reads at most what is left. If r ends before, it says so.
func (m *matrix) Read(p []byte) (int, error) {
	if m.left == 0 {
		return 0, io.EOF
	}
	n, err := m.r.Read(p[:min(int64(len(p)), m.left)])
	m.left -= int64(n)
	if err == io.EOF && m.left > 0 {
		return n, fmt.Errorf("truncated: expected %d bytes more: %w", m.left, io.ErrUnexpectedEOF)
	}
	if err == io.EOF {
		err = nil
	}
	return n, err
}

// tag reads the tag of the next element, which must lie within the matrix.
func (m *matrix) tag() (tag, error) {
	t, err := readTag(m, m.order)
	if err != nil {
		return tag{}, err
	}
	if !t.small && int64(t.size) > m.left {
		return tag{}, fmt.Errorf("expected at most the %d bytes left in the matrix, found an element of %d",
			m.left, t.size)
	}
	return t, nil
}

// element reads a whole element, which must be of type typ and at most max bytes.
func (m *matrix) element(typ Type, max int) ([]byte, error) {
	t, err := m.tag()
	if err != nil {
		return nil, err
	}
	if t.typ != typ {
		return nil, fmt.Errorf("expected type %v, found %v", typ, t.typ)
	}
	if t.size > uint32(max) {
		return nil, fmt.Errorf("expected at most %d bytes, found %d", max, t.size)
	}
	if t.small {
		return t.data[:t.size], nil
	}
	b := make([]byte, t.size)
	if _, err := io.ReadFull(m, b); err != nil {
		return nil, noEOF(err)
	}
	return b, m.skip(padding(t.size))
}

// skip passes over n bytes, or fewer if the matrix ends before: some writers leave out
// the padding of its last element.
func (m *matrix) skip(n int64) error {
	_, err := io.CopyN(io.Discard, m, min(n, m.left))
	return err
}

// padding is the number of bytes from an element of that size to a multiple of 8.
func padding(size uint32) int64 { return int64(-size & 7) }

// end checks that the matrix has been read to its end, and, where it is compressed,
// that the compressed data end there too with a right checksum.
func (m *matrix) end() error {
	if m.left > 0 {
		return fmt.Errorf("expected the end of the matrix, found %d bytes more", m.left)
	}
	if !m.compressed {
		return nil
	}
	var b [1]byte
	switch n, err := io.ReadFull(m.r, b[:]); {
	case n > 0:
		return errors.New("compressed: expected the end at the end of the matrix, found more")
	case err != io.EOF:
		return fmt.Errorf("compressed: %w", err)
	}
	return nil
}
