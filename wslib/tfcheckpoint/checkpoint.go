// Package tfcheckpoint reads TensorFlow V2 checkpoints without TensorFlow.
//
// A checkpoint PREFIX is an index, PREFIX.index, and one or more data shards,
// PREFIX.data-00000-of-00001 and so on. The index is a sorted table in the
// format of LevelDB: the empty key holds a BundleHeaderProto, every other key is
// the name of a tensor and holds a BundleEntryProto, which says in which shard
// the tensor lies, where, and with which checksum. The shards hold the values
// alone, little-endian and row-major.
//
// The format is that of TensorFlow's tensor_bundle.h and tensor_bundle.proto; of
// the table, LevelDB's doc/table_format.md.
//
// Nothing in a file is believed before it is checked: blocks and tensors carry
// CRC32C checksums, sizes are compared with those of the files before anything
// is allocated, and a damaged file is an error that names file and tensor.
//
// Compressed tables, big-endian data and partitioned variables, which
// TensorFlow does not write for ordinary variables on ordinary machines, are
// errors.
package tfcheckpoint

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"slices"
	"strings"
)

// maxIndex is the largest index that is read, in bytes. A hundred thousand
// tensors need about a tenth of it.
const maxIndex = 64 << 20

// Checkpoint is the index of a checkpoint. It keeps no file open and may be used
// from several goroutines.
type Checkpoint struct {
	prefix  string
	shards  int
	entries []Entry // by name
}

// Open reads the index of the checkpoint prefix, without ".index", and verifies
// the checksums of its blocks. The data shards are not touched. When there is no
// index, the error wraps [io/fs.ErrNotExist].
func Open(prefix string) (*Checkpoint, error) {
	path := prefix + ".index"
	f, size, err := openFile(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	defer f.Close()
	if size > maxIndex {
		return nil, fmt.Errorf("read %s: %d bytes, want an index of at most %d", path, size, maxIndex)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	c, err := parseIndex(data)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	c.prefix = prefix
	return c, nil
}

// openFile opens a regular file and tells its size.
func openFile(path string) (*os.File, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("not a regular file (%s)", info.Mode().Type())
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// Names lists the tensors, sorted.
func (c *Checkpoint) Names() []string {
	names := make([]string, len(c.entries))
	for i, e := range c.entries {
		names[i] = e.Name
	}
	return names
}

// Entry describes a tensor, if there is one of that name.
func (c *Checkpoint) Entry(name string) (Entry, bool) {
	i, ok := slices.BinarySearchFunc(c.entries, name, func(e Entry, name string) int { return strings.Compare(e.Name, name) })
	if !ok {
		return Entry{}, false
	}
	e := c.entries[i]
	e.Shape = slices.Clone(e.Shape)
	return e, true
}

// Float32 reads one tensor of float32 or float64, the latter rounded. It returns
// the values row-major and the shape, which is empty for a scalar.
//
// Errors are a tensor of another type, a size that is not that of the shape, a
// shard that is absent (the error wraps [io/fs.ErrNotExist]) or too short, and
// values that do not have the checksum of the index.
func (c *Checkpoint) Float32(name string) ([]float32, []int, error) {
	e, ok := c.Entry(name)
	if !ok {
		return nil, nil, fmt.Errorf("read %s.index: no tensor %q", c.prefix, name)
	}
	path := fmt.Sprintf("%s.data-%05d-of-%05d", c.prefix, e.Shard, c.shards)
	f, size, err := openFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: tensor %q: %w", path, name, err)
	}
	defer f.Close()
	values, err := readFloats(f, size, e)
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: tensor %q: %w", path, name, err)
	}
	return values, e.Shape, nil
}

// readFloats reads the tensor e from a shard of the given size.
func readFloats(shard io.ReaderAt, size int64, e Entry) ([]float32, error) {
	width := int64(4)
	switch {
	case e.Partitioned:
		return nil, fmt.Errorf("partitioned variable, want a whole one")
	case e.DType == Float64:
		width = 8
	case e.DType != Float32:
		return nil, fmt.Errorf("element type %s, want float32 or float64", e.DType)
	}
	n := elements(e.Shape)
	if n > math.MaxInt64/width || n*width != e.Size {
		return nil, fmt.Errorf("%d bytes, want those of shape %v of %s", e.Size, e.Shape, e.DType)
	}
	if e.Offset > size || e.Size > size-e.Offset {
		return nil, fmt.Errorf("bytes %d to %d of a file of %d (truncated or damaged)",
			e.Offset, uint64(e.Offset)+uint64(e.Size), size)
	}
	raw := make([]byte, e.Size)
	if _, err := shard.ReadAt(raw, e.Offset); err != nil && (err != io.EOF) {
		return nil, err
	}
	if got := maskCRC(crc32.Checksum(raw, castagnoli)); got != e.Checksum {
		return nil, fmt.Errorf("checksum 0x%08x, want 0x%08x (damaged)", got, e.Checksum)
	}
	values := make([]float32, n)
	for i := range values {
		if width == 8 {
			values[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:])))
		} else {
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
	}
	return values, nil
}

// elements is the number of elements of a shape, saturating at the largest int64.
func elements(shape []int) int64 {
	if slices.Contains(shape, 0) {
		return 0
	}
	n := int64(1)
	for _, d := range shape {
		if n > math.MaxInt64/int64(d) {
			return math.MaxInt64
		}
		n *= int64(d)
	}
	return n
}
