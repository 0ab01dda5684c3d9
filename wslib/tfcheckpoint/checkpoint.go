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
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"weightsep/datasets/files"
	"weightsep/wslib/network"
	"weightsep/wslib/page"
)

// maxIndex is the largest index that is read, in bytes: fifty thousand tensors.
const maxIndex = 4 << 20

// Checkpoint is the index of a checkpoint. It keeps no file open and may be used
// from several goroutines.
type Checkpoint struct {
	prefix  string
	shards  int
	entries []entry // by name
}

// Open reads the index of a checkpoint, and verifies the checksums of its blocks. The checkpoint is
// named by its prefix, by one of its files, or by a folder whose file "checkpoint" names the latest.
// The data shards are not touched. When there is no index, the error wraps [io/fs.ErrNotExist].
func Open(name string) (*Checkpoint, error) {
	prefix, err := prefixOf(name)
	if err != nil {
		return nil, err
	}
	path := prefix + ".index"
	c, err := openIndex(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	c.prefix = prefix
	return c, nil
}

var (
	suffix = regexp.MustCompile(`\.(index|meta|data-\d{5}-of-\d{5})$`)
	latest = regexp.MustCompile(`(?m)^model_checkpoint_path:\s*"([^"]+)"`)
)

func prefixOf(name string) (string, error) {
	if info, err := os.Stat(name); err != nil || !info.IsDir() {
		return suffix.ReplaceAllString(name, ""), nil
	}
	path := filepath.Join(name, "checkpoint")
	text, err := files.ReadPath(path, 1<<16)
	if err != nil {
		return "", fmt.Errorf("%s is a folder, want the prefix of a checkpoint, or a folder with a "+
			"file that "+
			"names it: %w", name, err)
	}
	found := latest.FindSubmatch(text)
	if found == nil {
		return "", fmt.Errorf(`%s: no line model_checkpoint_path: "PREFIX"`, path)
	}
	return filepath.Join(name, filepath.Base(string(found[1]))), nil
}

func openIndex(path string) (*Checkpoint, error) {
	data, err := files.ReadPath(path, maxIndex)
	if err != nil {
		return nil, err
	}
	return parseIndex(data)
}

// find returns the entry of a tensor, nil if there is none of that name.
func (c *Checkpoint) find(name string) *entry {
	i, ok := slices.BinarySearchFunc(c.entries, name, func(e entry, name string) int {
		return strings.Compare(e.name, name)
	})
	if !ok {
		return nil
	}
	return &c.entries[i]
}

// Weights reads the tensors weight_0, bias_0, weight_1, … as the flat weight
// vector of n: kernel and bias of each layer, in layer order. Kernels have to be
// stored as [network.Network] has them, convolutions as HWIO and dense layers as
// [in, out], so that nothing is transposed. Other tensors, such as the moments
// of an optimizer, are ignored.
//
// A tensor that is absent or does not have the shape of its layer, and a weight
// or bias of a layer beyond the last of n, are errors.
func Weights(c *Checkpoint, n *network.Network) ([]float32, error) {
	if err := n.Validate(); err != nil {
		return nil, err
	}
	layers := n.Layers()
	for _, kind := range []string{"weight", "bias"} {
		if name := fmt.Sprintf("%s_%d", kind, len(layers)/2); c.find(name) != nil {
			return nil, fmt.Errorf("read %s.index: tensor %q, but network %s has %d layers",
				c.prefix, name, n.Name, len(layers)/2)
		}
	}
	// The shapes first: they cost nothing to compare.
	names := make([]string, len(layers))
	for i, l := range layers {
		names[i] = fmt.Sprintf("%s_%d", []string{"weight", "bias"}[i%2], i/2)
		e := c.find(names[i])
		if e == nil {
			return nil, fmt.Errorf("read %s.index: no tensor %q, which is %s of network %s",
				c.prefix, names[i], l.Name, n.Name)
		}
		if !slices.Equal(e.shape, l.Shape) {
			return nil, fmt.Errorf("read %s.index: tensor %q: shape %v, network %s wants %v for %s",
				c.prefix, names[i], e.shape, n.Name, l.Shape, l.Name)
		}
	}
	weights := make([]float32, 0, n.Weights())
	for _, name := range names {
		values, _, err := c.Float32(name)
		if err != nil {
			return nil, fmt.Errorf("weights of network %s: %w", n.Name, err)
		}
		if err := page.CheckWeights(fmt.Sprintf("%s: tensor %q", c.prefix, name), values,
			len(values)); err != nil {
			return nil, err
		}
		weights = append(weights, values...)
	}
	return weights, nil
}

// Float32 reads one tensor of float32 or float64, the latter rounded. It returns
// the values row-major and the shape, which is empty for a scalar.
//
// Errors are a tensor of another type, a size that is not that of the shape, a
// shard that is absent (the error wraps [io/fs.ErrNotExist]) or too short, and
// values that do not have the checksum of the index.
func (c *Checkpoint) Float32(name string) ([]float32, []int, error) {
	e := c.find(name)
	if e == nil {
		return nil, nil, fmt.Errorf("read %s.index: no tensor %q", c.prefix, name)
	}
	path := fmt.Sprintf("%s.data-%05d-of-%05d", c.prefix, e.shard, c.shards)
	f, size, err := files.OpenPath(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: tensor %q: %w", path, name, err)
	}
	defer f.Close()
	values, err := e.read(f, size)
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: tensor %q: %w", path, name, err)
	}
	return values, slices.Clone(e.shape), nil
}

// read reads the tensor from a shard of the given size.
func (e *entry) read(shard io.ReaderAt, size int64) ([]float32, error) {
	width := int64(4)
	switch {
	case e.partitioned:
		return nil, fmt.Errorf("partitioned variable, want a whole one")
	case e.dtype == float64Type:
		width = 8
	case e.dtype != float32Type:
		return nil, fmt.Errorf("element type %s, want float32 or float64", e.dtype)
	}
	n := elements(e.shape)
	if n > math.MaxInt64/width || n*width != e.size {
		return nil, fmt.Errorf("%d bytes, want those of shape %v of %s", e.size, e.shape, e.dtype)
	}
	if e.offset > size || e.size > size-e.offset {
		return nil, fmt.Errorf("bytes %d to %d of a file of %d (truncated or damaged)",
			e.offset, uint64(e.offset)+uint64(e.size), size)
	}
	raw := make([]byte, e.size)
	if _, err := shard.ReadAt(raw, e.offset); err != nil && (err != io.EOF) {
		return nil, err
	}
	if got := maskCRC(crc32.Checksum(raw, castagnoli)); got != e.checksum {
		return nil, fmt.Errorf("checksum 0x%08x, want 0x%08x (damaged)", got, e.checksum)
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
