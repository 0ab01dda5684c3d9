package npy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gomlx/compute/dtypes/float16"

	"weightsep/datasets/files"
)

// Header says what a .npy file holds.
type Header struct {
	Type    string // of an element, as NumPy writes it: "<f4", ">i2", "|u1", …
	Fortran bool   // the first axis varies fastest
	Shape   []int
}

// Reader reads the numbers of an array one after another, row-major, as float32.
type Reader struct {
	Header
	name   string
	file   io.Closer // nil: none
	in     io.Reader
	start  int64 // of the values
	count  int   // of values
	number number
	buffer []byte
	turned []float32 // the rest of an array in Fortran order
}

// Open opens the array at path. Close it when done.
func Open(path string) (*Reader, error) {
	f, size, err := files.OpenPath(path)
	if err != nil {
		return nil, err
	}
	r, err := newReader(path, f, size)
	if err != nil {
		f.Close()
		return nil, err
	}
	r.file = f
	return r, nil
}

// NewReader reads an array from the content of the file of that name.
func NewReader(name string, raw []byte) (*Reader, error) {
	return newReader(name, bytes.NewReader(raw), int64(len(raw)))
}

func newReader(name string, in io.Reader, size int64) (*Reader, error) {
	r := &Reader{name: name, in: in}
	var err error
	if r.Header, r.start, err = readHeader(in, size); err != nil {
		return nil, fmt.Errorf("read %s: not a usable .npy file: %w", name, err)
	}
	if r.number, err = numberOf(r.Type); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	r.count = elements(r.Shape)
	if got, want := size-r.start, int64(r.count)*int64(r.number.width); got != want {
		return nil, fmt.Errorf("read %s: %d bytes of data, shape %v of %s needs %d (truncated or "+
			"damaged)", name,
			got, r.Shape, r.Type, want)
	}
	return r, nil
}

// Close closes the file.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

// Read reads the next values.
func (r *Reader) Read(values []float32) error {
	if r.Fortran && len(r.Shape) > 1 && r.turned == nil {
		if err := r.turn(); err != nil {
			return err
		}
	}
	if r.turned != nil {
		n := copy(values, r.turned)
		if r.turned = r.turned[n:]; n < len(values) {
			return fmt.Errorf("read %s: %w", r.name, io.ErrUnexpectedEOF)
		}
		return nil
	}
	return r.next(values)
}

// next reads the next values as they are stored.
func (r *Reader) next(values []float32) error {
	const chunk = 1 << 14
	for part := range slices.Chunk(values, chunk) {
		if n := len(part) * r.number.width; cap(r.buffer) < n {
			r.buffer = make([]byte, n)
		}
		r.buffer = r.buffer[:len(part)*r.number.width]
		if _, err := io.ReadFull(r.in, r.buffer); err != nil {
			return fmt.Errorf("read %s: %w", r.name, err)
		}
		for i := range part {
			part[i] = r.number.value(r.buffer[i*r.number.width:])
		}
	}
	return nil
}

// turn brings an array in Fortran order, which is read whole, into C order.
func (r *Reader) turn() error {
	if r.count > files.MaxSize/8 {
		return fmt.Errorf("read %s: %d values in Fortran order, want C order", r.name, r.count)
	}
	stored := make([]float32, r.count)
	if err := r.next(stored); err != nil {
		return err
	}
	r.turned = make([]float32, r.count)
	index := make([]int, len(r.Shape))
	for i := range r.turned {
		at := 0
		for axis := len(index) - 1; axis >= 0; axis-- {
			at = at*r.Shape[axis] + index[axis]
		}
		r.turned[i] = stored[at]
		for axis := len(index) - 1; axis >= 0; axis-- {
			if index[axis]++; index[axis] < r.Shape[axis] {
				break
			}
			index[axis] = 0
		}
	}
	return nil
}

// maxHeader is the longest header that is read; NumPy's own limit is 10,000 bytes.
const maxHeader = 1 << 16

// A header is a Python dictionary: its entries in any order, and sides as 10L in Python 2.
var (
	typeOf    = regexp.MustCompile(`['"]descr['"]\s*:\s*['"]([^'"]*)['"]`)
	fortranOf = regexp.MustCompile(`['"]fortran_order['"]\s*:\s*(True|False)`)
	shapeOf   = regexp.MustCompile(`['"]shape['"]\s*:\s*\(([0-9L,\s]*)\)`)
)

// readHeader reads the header of a file of the given size, and where its values start. See NumPy's
// numpy/lib/format.py.
func readHeader(in io.Reader, size int64) (h Header, start int64, err error) {
	var head [12]byte
	if _, err := io.ReadFull(in, head[:10]); err != nil || string(head[:6]) != "\x93NUMPY" {
		return h, 0, errors.New("it does not begin as one")
	}
	length, start := int64(binary.LittleEndian.Uint16(head[8:])), int64(10)
	switch version := head[6]; {
	case version < 1 || version > 3:
		return h, 0, fmt.Errorf("version %d of the format, want 1 to 3", version)
	case version > 1:
		if _, err := io.ReadFull(in, head[10:]); err != nil {
			return h, 0, errors.New("damaged header")
		}
		length, start = int64(binary.LittleEndian.Uint32(head[8:])), 12
	}
	if start += length; length > maxHeader || start > size {
		return h, 0, fmt.Errorf("damaged header: %d bytes, in a file of %d", length, size)
	}
	raw := make([]byte, length)
	if _, err := io.ReadFull(in, raw); err != nil {
		return h, 0, errors.New("damaged header")
	}
	text := string(raw)
	kind, order, shape := typeOf.FindStringSubmatch(text), fortranOf.FindStringSubmatch(text),
		shapeOf.FindStringSubmatch(text)
	if kind == nil || order == nil || shape == nil {
		return h, 0, fmt.Errorf("header %.100q, want one element type, an order and a shape", text)
	}
	h.Type, h.Fortran, h.Shape = kind[1], order[1] == "True", []int{}
	for side := range strings.SplitSeq(shape[1], ",") {
		if side = strings.TrimSuffix(strings.TrimSpace(side), "L"); side == "" {
			continue
		}
		d, err := strconv.Atoi(side)
		if err != nil || d > 1<<40 {
			return h, 0, fmt.Errorf("shape (%s)", shape[1])
		}
		h.Shape = append(h.Shape, d)
	}
	return h, start, nil
}

// number says how an element is read, and its width in bytes.
type number struct {
	width int
	value func(b []byte) float32
}

// numberOf an element type. Python's objects, texts, dates and complex numbers are none.
func numberOf(kind string) (number, error) {
	var order binary.ByteOrder = binary.LittleEndian
	if strings.HasPrefix(kind, ">") {
		order = binary.BigEndian
	}
	switch strings.TrimLeft(kind, "<>|=") {
	case "f2":
		return number{2, func(b []byte) float32 { return float16.Float16(order.Uint16(b)).Float32() }}, nil
	case "f4":
		return number{4, func(b []byte) float32 { return math.Float32frombits(order.Uint32(b)) }}, nil
	case "f8":
		return number{8, func(b []byte) float32 { return float32(math.Float64frombits(order.Uint64(b))) }}, nil
	case "b1", "u1":
		return number{1, func(b []byte) float32 { return float32(b[0]) }}, nil
	case "i1":
		return number{1, func(b []byte) float32 { return float32(int8(b[0])) }}, nil
	case "i2":
		return number{2, func(b []byte) float32 { return float32(int16(order.Uint16(b))) }}, nil
	case "u2":
		return number{2, func(b []byte) float32 { return float32(order.Uint16(b)) }}, nil
	case "i4":
		return number{4, func(b []byte) float32 { return float32(int32(order.Uint32(b))) }}, nil
	case "u4":
		return number{4, func(b []byte) float32 { return float32(order.Uint32(b)) }}, nil
	case "i8":
		return number{8, func(b []byte) float32 { return float32(int64(order.Uint64(b))) }}, nil
	case "u8":
		return number{8, func(b []byte) float32 { return float32(order.Uint64(b)) }}, nil
	}
	return number{}, fmt.Errorf("element type %q, want float16, float32, float64, bool or integers", kind)
}
