// Package mat5 reads the numeric arrays of MATLAB level 5 MAT-files (what MATLAB saves
// with -v6 and -v7) as streams: an array may be larger than memory.
//
// A [Reader] goes from variable to variable as archive/tar goes from file to file.
// Values come in MATLAB's order, column-major: the first dimension changes fastest.
//
// Real arrays of the numeric and logical classes are read, compressed or not, from
// little-endian and big-endian files. Of other variables (cell, struct, char, sparse,
// complex, ...) only the name, class and dimensions are told.
package mat5

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
)

const headerSize = 128 // of the file: text, version and byte order

// Reader reads the variables of a level 5 MAT-file one after another.
type Reader struct {
	src   io.Reader
	order binary.ByteOrder
	limit int64
	cur   *Array  // the last array that Next returned, nil at first
	at    int64   // where the variable begins in the file
	end   int64   // and where it ends
	rest  *matrix // what the file still holds of the variable
	err   error   // ends the reading; io.EOF at the end of the file
}

// NewReader reads the header of a level 5 MAT-file from r. limit is the most bytes that
// the values of one array may take in the file once they are decompressed; larger
// arrays are an error.
//
// Files of other levels give an error that says so: level 4, which has no header, and
// 7.3, which is HDF5.
func NewReader(r io.Reader, limit int64) (*Reader, error) {
	mr := &Reader{src: bufio.NewReaderSize(r, 64<<10), limit: limit, end: headerSize}
	head := make([]byte, headerSize)
	n, err := io.ReadFull(mr.src, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, fmt.Errorf("mat5: header: %w", err)
	}
	if bytes.HasPrefix(head, []byte("\x89HDF\r\n\x1a\n")) {
		return nil, errVersion73
	}
	// A level 5 header starts with text, a level 4 file with a small number.
	if n >= 4 && bytes.IndexByte(head[:4], 0) >= 0 {
		return nil, errors.New("mat5: expected a level 5 MAT-file, found the start of a level 4 file " +
			"or of no MAT-file: save with -v7")
	}
	if n < headerSize {
		return nil, fmt.Errorf("mat5: header: truncated: expected %d bytes, found %d (%s): %w",
			headerSize, n, http.DetectContentType(head[:n]), io.ErrUnexpectedEOF)
	}
	// The writer stores the two characters MI as one 16-bit number.
	switch mark := string(head[126:]); mark {
	case "IM":
		mr.order = binary.LittleEndian
	case "MI":
		mr.order = binary.BigEndian
	default:
		return nil, fmt.Errorf("mat5: header: byte order: expected IM or MI, found %q: not a level 5 "+
			"MAT-file but %s", mark, http.DetectContentType(head))
	}
	switch version := mr.order.Uint16(head[124:]); version {
	case 0x0100:
		return mr, nil
	case 0x0200:
		return nil, errVersion73
	default:
		return nil, fmt.Errorf("mat5: header: version: expected 0x0100, found %#04x", version)
	}
}

var errVersion73 = errors.New("mat5: expected a level 5 MAT-file, found version 7.3 (HDF5): save with -v7")

// Next goes to the next variable and returns it with its header read, or io.EOF at the
// end of the file. It skips what was not read of the variable before, unchecked: only
// values that are read to the end are known to be undamaged, as far as the file can
// tell. After Next the arrays before can no longer be read.
//
// An error other than io.EOF ends the reading for good.
func (r *Reader) Next() (*Array, error) {
	if r.err == nil {
		r.err = r.leave()
	}
	if r.err != nil {
		return nil, r.err
	}
	a, err := r.next()
	if err != nil && err != io.EOF {
		err = fmt.Errorf("mat5: variable at byte %d: %w", r.at, err)
	}
	r.cur, r.err = a, err
	return a, err
}

// leave skips the rest of the current array.
func (r *Reader) leave() error {
	a := r.cur
	if a == nil {
		return nil
	}
	r.cur = nil
	if a.err != nil {
		return a.err
	}
	a.err = a.errorf("read after the next one was asked for")
	if _, err := io.Copy(io.Discard, r.rest); err != nil {
		return a.errorf("%w", err)
	}
	return nil
}

// next reads the tag of a variable and the variable's header. It returns io.EOF itself
// only at the end of the file.
func (r *Reader) next() (*Array, error) {
	r.at = r.end
	t, err := readTag(r.src, r.order)
	if err != nil {
		return nil, err
	}
	r.end += 8 + int64(t.size)
	r.rest = &matrix{r: r.src, left: int64(t.size), order: r.order}
	if t.small || t.typ != typeMatrix && t.typ != typeCompressed {
		return nil, fmt.Errorf("expected a matrix or a compressed one, found %v", t.typ)
	}
	if t.typ == typeMatrix {
		return readArray(r.rest, r.limit)
	}
	z, err := zlib.NewReader(r.rest)
	if err == nil {
		t, err = readTag(z, r.order)
	}
	if err != nil {
		return nil, fmt.Errorf("compressed: %w", noEOF(err))
	}
	if t.small || t.typ != typeMatrix {
		return nil, fmt.Errorf("compressed: expected a matrix, found %v", t.typ)
	}
	return readArray(&matrix{r: z, left: int64(t.size), order: r.order, compressed: true}, r.limit)
}

// tag is the head of a data element.
type tag struct {
	typ   storage
	size  uint32    // of the data in bytes
	small bool      // the data are in the tag itself
	data  io.Reader // reads on, where they are not
	pad   int64     // bytes from the data to a multiple of 8
}

// readTag reads the 8 bytes of a tag. The two halves of a small element's first word
// are its size, 1 to 4, and its type; there the second word is the data. The error is
// io.EOF itself if there is nothing to read.
func readTag(r io.Reader, order binary.ByteOrder) (tag, error) {
	var b [8]byte
	if n, err := io.ReadFull(r, b[:]); err == io.EOF {
		return tag{}, err
	} else if err != nil {
		return tag{}, fmt.Errorf("tag: expected %d bytes, found %d: %w", len(b), n, err)
	}
	word, size := order.Uint32(b[:]), order.Uint32(b[4:])
	if word>>16 == 0 {
		return tag{typ: storage(word), size: size, data: r, pad: padding(size)}, nil
	}
	t := tag{typ: storage(word & 0xffff), size: word >> 16, small: true}
	if t.size > 4 {
		return tag{}, fmt.Errorf("tag: a small element of %v has at most 4 bytes, found %d", t.typ, t.size)
	}
	t.data = bytes.NewReader(b[4 : 4+t.size])
	return t, nil
}

// matrix is the inside of a matrix element, a run of data elements, or that of a compressed one.
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
		err = fmt.Errorf("truncated: expected %d bytes more: %w", m.left, io.ErrUnexpectedEOF)
	} else if err == io.EOF {
		err = nil
	}
	return n, err
}

// tag reads the tag of an element, which must lie within the matrix.
func (m *matrix) tag() (tag, error) {
	t, err := readTag(m, m.order)
	if err == io.EOF {
		err = fmt.Errorf("tag: expected 8 bytes, found 0: %w", io.ErrUnexpectedEOF)
	} else if err == nil && !t.small && int64(t.size) > m.left {
		err = fmt.Errorf("expected at most the %d bytes left in the matrix, found an element of %d",
			m.left, t.size)
	}
	return t, err
}

// element reads a whole element, which must be of one of the types and at most max bytes.
func (m *matrix) element(max int, types ...storage) ([]byte, error) {
	t, err := m.tag()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(types, t.typ) {
		return nil, fmt.Errorf("expected type %v, found %v", types, t.typ)
	}
	if t.size > uint32(max) {
		return nil, fmt.Errorf("expected at most %d bytes, found %d", max, t.size)
	}
	b := make([]byte, t.size)
	if _, err := io.ReadFull(t.data, b); err != nil {
		return nil, noEOF(err)
	}
	return b, m.skip(t.pad)
}

// skip passes over n bytes, or fewer if the matrix ends before: some writers leave out
// the padding of its last element.
func (m *matrix) skip(n int64) error {
	_, err := io.CopyN(io.Discard, m, min(n, m.left))
	return err
}

// padding is the number of bytes from an element of that size to a multiple of 8.
func padding(size uint32) int64 { return int64(-size & 7) }

// end checks that the matrix ends after so many bytes of padding, and, where it is
// compressed, that the compressed data end there too with a right checksum.
func (m *matrix) end(pad int64) error {
	if err := m.skip(pad); err != nil {
		return err
	}
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

// noEOF turns io.EOF, which would look like a regular end, into io.ErrUnexpectedEOF.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
