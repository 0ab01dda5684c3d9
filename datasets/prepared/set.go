package prepared

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"unsafe"

	"github.com/edsrzf/mmap-go"
)

// Set is an open set. Its values are memory-mapped: they must not be changed, and are
// gone once the Set is unreachable.
type Set struct {
	Layout Layout
	Bytes  []byte    // values of a layout of bytes, one row a sample
	Floats []float32 // values of a layout of float32

	// Of each sample, in the order of the names: its row among the values, its
	// label, its part; its group and clip as numbers, -1 for none.
	Rows, Labels  []int32
	Parts         []Part
	Groups, Clips []int32

	// Moments holds 2*Period numbers a row: sum and sum of squares.
	Moments []float64

	// Meta is what was given to Commit.
	Meta json.RawMessage
}

// Open opens the set in a directory. Sizes and the checksums of all but the values
// are verified.
func Open(dir string) (*Set, error) {
	s, err := open(dir)
	if err != nil {
		return nil, fmt.Errorf("prepared set %s: %w", dir, err)
	}
	return s, nil
}

func open(dir string) (*Set, error) {
	text, err := os.ReadFile(filepath.Join(dir, setFile))
	if err != nil {
		return nil, err
	}
	var meta json.RawMessage
	d := description{Meta: &meta}
	if err := d.decode(text); err != nil {
		return nil, fmt.Errorf("%s: %w", setFile, err)
	}
	if d.Format != format {
		return nil, fmt.Errorf("%s: expected format %d, found %d", setFile, format, d.Format)
	}
	if d.Samples < 1 || d.Samples > math.MaxInt32 || d.Layout.Size < 1 || d.Layout.Size > math.MaxInt32 ||
		d.Layout.Period < 0 || d.Layout.Period > d.Layout.Size {
		return nil, fmt.Errorf("%s: %d samples of the layout %+v", setFile, d.Samples, d.Layout)
	}
	s := &Set{Layout: d.Layout, Meta: meta}
	if err := s.readIndex(dir, d); err != nil {
		return nil, fmt.Errorf("%s: %w", indexFile, err)
	}
	if p := d.Layout.Period; p > 0 {
		b, err := readFile(filepath.Join(dir, momentsFile), header("<f8", d.Samples, p, 2), 8*2*p*d.Samples, d.Moments)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", momentsFile, err)
		}
		s.Moments = make([]float64, len(b)/8)
		for i := range s.Moments {
			s.Moments[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
		}
	}
	if err := s.mapValues(filepath.Join(dir, valuesFile), d.Samples); err != nil {
		return nil, fmt.Errorf("%s: %w", valuesFile, err)
	}
	return s, nil
}

// readIndex fills in what the index says.
func (s *Set) readIndex(dir string, d description) error {
	b, err := readFile(filepath.Join(dir, indexFile), header("<i4", d.Samples, columns), 4*columns*d.Samples, d.Index)
	if err != nil {
		return err
	}
	for ; len(b) > 0; b = b[4*columns:] {
		at := func(i int) int32 { return int32(binary.LittleEndian.Uint32(b[4*i:])) }
		s.Rows = append(s.Rows, at(0))
		s.Labels = append(s.Labels, at(1))
		s.Parts = append(s.Parts, Part(at(2)))
		s.Groups = append(s.Groups, at(3))
		s.Clips = append(s.Clips, at(4))
		if row := at(0); row < 0 || int(row) >= d.Samples {
			return fmt.Errorf("row %d of %d", row, d.Samples)
		}
	}
	return nil
}

// readFile reads a file whose header, size and checksum are known.
func readFile(path string, head []byte, size int, sum uint32) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(b) != len(head)+size {
		return nil, fmt.Errorf("expected %d bytes, found %d", len(head)+size, len(b))
	}
	if !bytes.HasPrefix(b, head) {
		return nil, fmt.Errorf("unexpected .npy header %q", b[:len(head)])
	}
	b = b[len(head):]
	if found := crc32.Checksum(b, castagnoli); found != sum {
		return nil, fmt.Errorf("expected the checksum %08x, found %08x", sum, found)
	}
	return b, nil
}

// mapValues maps the file of values into memory.
func (s *Set) mapValues(path string, n int) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	descr, width := s.Layout.values()
	if want := int64(headerSize) + int64(n)*int64(s.Layout.Size)*int64(width); info.Size() != want {
		return fmt.Errorf("expected %d bytes, found %d", want, info.Size())
	}
	m, err := mmap.Map(f, mmap.RDONLY, 0)
	if err != nil {
		return err
	}
	if head := header(descr, n, s.Layout.Size); !bytes.HasPrefix(m, head) {
		defer m.Unmap()
		return fmt.Errorf("unexpected .npy header %q", m[:headerSize])
	}
	runtime.AddCleanup(s, func(m mmap.MMap) { m.Unmap() }, m)
	data := []byte(m)[headerSize:]
	if s.Layout.Bytes {
		s.Bytes = data
		return nil
	}
	if !littleEndian {
		s.Floats = make([]float32, len(data)/4)
		for i := range s.Floats {
			s.Floats[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
		return nil
	}
	s.Floats = unsafe.Slice((*float32)(unsafe.Pointer(&data[0])), len(data)/4)
	return nil
}

// littleEndian tells whether memory has the byte order of the files.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1
