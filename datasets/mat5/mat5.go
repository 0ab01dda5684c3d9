// Package mat5 reads the numeric arrays of MATLAB level 5 MAT-files (what MATLAB saves
// with -v6 and -v7) as streams: an array may be larger than memory.
//
// A [Reader] goes from variable to variable as archive/tar goes from file to file:
//
//	r, err := mat5.NewReader(file, limit)
//	for {
//		a, err := r.Next()
//		if err == io.EOF {
//			break // the end of the file
//		}
//		...
//		switch a.Name {
//		case "X":
//			err = a.Uint8s(pixels) // as often as it takes
//		}
//	}
//
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
)

// headerSize is the length of a file's header: text, version and byte order.
const headerSize = 128

// bufferSize is how much of the file is read at a time.
const bufferSize = 64 << 10

// Reader reads the variables of a level 5 MAT-file one after another.
type Reader struct {
	src   *counter
	order binary.ByteOrder
	limit int64
	cur   *Array            // the last array that Next returned, nil at first
	rest  *io.LimitedReader // what the file still holds of cur
	err   error             // ends the reading; io.EOF at the end of the file
}

// NewReader reads the header of a level 5 MAT-file from r. limit is the most bytes that
// the values of one array may take in the file once they are decompressed; larger
// arrays are an error.
//
// Files of other levels give an error that says so: level 4, which has no header, and
// 7.3, which is HDF5.
func NewReader(r io.Reader, limit int64) (*Reader, error) {
	src := &counter{r: bufio.NewReaderSize(r, bufferSize)}
	head := make([]byte, headerSize)
	n, err := io.ReadFull(src, head)
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
		return nil, fmt.Errorf("mat5: header: truncated: expected %d bytes, found %d: %w",
			headerSize, n, io.ErrUnexpectedEOF)
	}
	mr := &Reader{src: src, limit: limit}
	// The writer stores the two characters MI as one 16-bit number.
	switch mark := string(head[126:]); mark {
	case "IM":
		mr.order = binary.LittleEndian
	case "MI":
		mr.order = binary.BigEndian
	default:
		return nil, fmt.Errorf("mat5: header: byte order: expected IM or MI, found %q: not a level 5 MAT-file", mark)
	}
	switch version := mr.order.Uint16(head[124:]); version {
	case 0x0100:
	case 0x0200:
		return nil, errVersion73
	default:
		return nil, fmt.Errorf("mat5: header: version: expected 0x0100, found %#04x", version)
	}
	return mr, nil
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
	at := r.src.n
	a, err := r.next()
	if err != nil {
		r.err = err
		if err != io.EOF {
			r.err = fmt.Errorf("mat5: variable at byte %d: %w", at, err)
		}
		return nil, r.err
	}
	r.cur = a
	return a, nil
}

// leave skips the rest of the current array.
func (r *Reader) leave() error {
	a := r.cur
	if a == nil {
		return nil
	}
	r.cur = nil
	err := a.err
	a.err = fmt.Errorf("mat5: variable %q: read after the next one was asked for", a.Name)
	if err != nil && err != io.EOF {
		return err
	}
	if _, err := io.Copy(io.Discard, r.rest); err != nil {
		return fmt.Errorf("mat5: variable %q: %w", a.Name, err)
	}
	if r.rest.N > 0 {
		return fmt.Errorf("mat5: variable %q: truncated: expected %d bytes more: %w",
			a.Name, r.rest.N, io.ErrUnexpectedEOF)
	}
	return nil
}

// next reads the tag of a variable and the variable's header. It returns io.EOF itself
// only at the end of the file.
func (r *Reader) next() (*Array, error) {
	if _, err := r.src.r.Peek(1); err != nil {
		return nil, err
	}
	t, err := readTag(r.src, r.order)
	if err != nil {
		return nil, err
	}
	r.rest = &io.LimitedReader{R: r.src, N: int64(t.size)}
	switch {
	case t.small:
	case t.typ == typeMatrix:
		return readArray(&matrix{r: r.rest, left: int64(t.size), order: r.order}, r.limit)
	case t.typ == typeCompressed:
		z, err := zlib.NewReader(r.rest)
		if err != nil {
			return nil, fmt.Errorf("compressed: %w", noEOF(err))
		}
		t, err := readTag(z, r.order)
		if err != nil {
			return nil, fmt.Errorf("compressed: %w", noEOF(err))
		}
		if t.small || t.typ != typeMatrix {
			return nil, fmt.Errorf("compressed: expected a matrix, found %v", t.typ)
		}
		m := &matrix{r: z, left: int64(t.size), order: r.order, compressed: true}
		return readArray(m, r.limit)
	}
	return nil, fmt.Errorf("expected a matrix or a compressed one, found %v", t.typ)
}

// counter counts the bytes read.
type counter struct {
	r *bufio.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// noEOF turns io.EOF, which would look like a regular end, into io.ErrUnexpectedEOF.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
