// Package prepared keeps the samples that a dataset's files were made into, so that they
// are made once.
//
// A set of samples is a directory of two files:
//
//	values    of each sample Layout.Size bytes or float32, in the order in which they were added
//	set       a line of JSON: format, layout, number of samples, CRC-32C of the values, what the caller adds
//	          [n, 5] int32: row of values, label, part, group, clip, in the order of the names
//	          [n, period, 2] float64: sums and sums of squares of the values of each row,
//	          value i counted at i modulo period
//	          uint32: CRC-32C of all that
//
// Numbers have the byte order of the machine; a set of another one fails the checksum.
//
// Writing never holds the values in memory, opening maps them. A set is there whole
// or not at all: it is written under a temporary name, synced and renamed.
package prepared

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
	"unsafe"

	"weightsep/datasets/files"
)

// Part is the split that a sample belongs to.
type Part int32

// The parts of a dataset. Validation is used by datasets that bring a validation
// split of their own.
const (
	Train Part = iota
	Validation
	Test
)

// Layout says what the values of each sample are.
type Layout struct {
	Size   int  `json:"size"`   // values of a sample
	Bytes  bool `json:"bytes"`  // stored as bytes, each standing for byte/255; else float32
	Period int  `json:"period"` // statistics of a sample: value i belongs to number i % Period; 0 for none
}

// validate returns an error for a layout that cannot be stored.
func (l Layout) validate() error {
	if l.Size < 1 || l.Size > math.MaxInt32 || l.Period < 0 || l.Period > l.Size {
		return fmt.Errorf("layout %+v: expected 1 to %d values and a period of 0 to so many", l,
			math.MaxInt32)
	}
	return nil
}

// Sample is what is known of a sample beside its values.
type Sample struct {
	// Name orders the samples, so that archives and directories of the same files
	// give the same set. Samples of equal names stay as they were added.
	Name  string
	Label int32
	Part  Part

	// Group names what related samples have in common, such as a speaker. They must
	// not be parted between training and validation. Empty if it has no relatives.
	Group string

	// Clip names the recording that a sample is a segment of. Empty if it is whole.
	Clip string
}

// Segment returns s as sample i of its recording, which the name then ends with. It
// returns s as it is if there is no recording.
func (s Sample) Segment(i int) Sample {
	if s.Clip != "" {
		s.Name = fmt.Sprintf("%s#%05d", s.Name, i)
	}
	return s
}

// The files of a set.
const (
	valuesFile = "values"
	setFile    = "set"
)

const (
	format  = 3 // the version of the files; another one is not read
	columns = 5 // of the index
)

// head is the first line of the file set.
type head struct {
	Format  int             `json:"format"`
	Layout  Layout          `json:"layout"`
	Samples int             `json:"samples"`
	Values  uint32          `json:"values"` // CRC-32C of the values
	Meta    json.RawMessage `json:"meta"`   // what was given to Commit
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal appends the checksum of b to it.
func seal(b []byte) []byte { return binary.NativeEndian.AppendUint32(b, crc32.Checksum(b, castagnoli)) }

// Set is an open set. Its values are memory-mapped by [files.Map]: they must not be changed, and are
// gone once the Set is unreachable.
type Set struct {
	head
	Bytes  []byte    // values of a layout of bytes, one row a sample
	Floats []float32 // values of a layout of float32

	// Of each sample, in the order of the names: its row among the values, its
	// label, its part; its group and clip as numbers, -1 for none.
	Rows, Labels  []int32
	Parts         []Part
	Groups, Clips []int32

	// Moments holds 2*Period numbers a row: sum and sum of squares.
	Moments []float64
}

// Open opens the set in a directory. Sizes and checksums are verified.
func Open(dir string) (*Set, error) {
	s := &Set{}
	err := s.read(filepath.Join(dir, setFile))
	if err == nil {
		err = s.mapValues(filepath.Join(dir, valuesFile))
	}
	if err != nil {
		return nil, fmt.Errorf("prepared set %s: %w", dir, err)
	}
	return s, nil
}

// read reads all but the values.
func (s *Set) read(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	end := len(b) - 4
	if end < 0 || !bytes.Equal(seal(b[:end:end]), b) {
		return fmt.Errorf("%s: %d bytes with a wrong checksum", setFile, len(b))
	}
	line, rest, _ := bytes.Cut(b[:end], []byte("\n"))
	if err := json.Unmarshal(line, &s.head); err != nil {
		return fmt.Errorf("%s: %w", setFile, err)
	}
	if s.Format != format {
		return fmt.Errorf("%s: expected format %d, found %d", setFile, format, s.Format)
	}
	if err := s.Layout.validate(); err != nil {
		return fmt.Errorf("%s: %w", setFile, err)
	}
	n := s.Samples
	if row := 4*columns + 8*2*s.Layout.Period; n < 1 || n > len(rest) || len(rest) != n*row {
		return fmt.Errorf("%s: %d bytes for %d samples of the layout %+v", setFile, len(rest),
			n, s.Layout)
	}
	index := make([]int32, n*columns)
	used, err := binary.Decode(rest, binary.NativeEndian, index)
	if period := s.Layout.Period; err == nil && period > 0 {
		s.Moments = make([]float64, n*2*period)
		_, err = binary.Decode(rest[used:], binary.NativeEndian, s.Moments)
	}
	if err != nil {
		return err
	}
	for row := range slices.Chunk(index, columns) {
		if row[0] < 0 || int(row[0]) >= n {
			return fmt.Errorf("%s: row %d of %d", setFile, row[0], n)
		}
		s.Rows = append(s.Rows, row[0])
		s.Labels = append(s.Labels, row[1])
		s.Parts = append(s.Parts, Part(row[2]))
		s.Groups = append(s.Groups, row[3])
		s.Clips = append(s.Clips, row[4])
	}
	return nil
}

// mapValues maps the values into memory.
func (s *Set) mapValues(path string) error {
	want := int64(s.Samples) * int64(s.Layout.Size)
	if !s.Layout.Bytes {
		want *= 4
	}
	m, unmap, err := files.Map(path, want)
	if err != nil {
		return err
	}
	runtime.AddCleanup(s, func(unmap func() error) { unmap() }, unmap)
	if n := int64(len(m)); n != want || crc32.Checksum(m, castagnoli) != s.Values {
		return fmt.Errorf("%s: expected %d bytes, found %d, or a wrong checksum", valuesFile, want, n)
	}
	if s.Layout.Bytes {
		s.Bytes = m
	} else {
		s.Floats = unsafe.Slice((*float32)(unsafe.Pointer(&m[0])), len(m)/4)
	}
	return nil
}

// Name returns the name of the directory for the set that is made of what source says.
func Name(source []byte) string {
	sum := sha256.Sum256(source)
	return hex.EncodeToString(sum[:12])
}

// named matches the names that Name gives.
var named = regexp.MustCompile(`^[0-9a-f]{24}$`)

// temporary begins the names of sets being written.
const temporary = ".making-"

// abandoned is the age at which a set being written is taken for the remains of a
// process that was killed.
const abandoned = 24 * time.Hour

// Touch notes that a set was used, for Prune.
func Touch(dir string) {
	now := time.Now()
	os.Chtimes(dir, now, now) // a cache that is read-only is used all the same
}

// Prune removes all but the given number of the most recently used sets in a
// directory, and what killed processes left there. Sets are the directories named by
// [Name]; all else stays. A set that is in use by another
// process may be among those removed: it stays readable for that process where the system
// keeps open files. Errors are passed over: what cannot be removed stays.
func Prune(parent string, keep int) {
	entries, _ := os.ReadDir(parent)
	used := map[string]time.Time{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !e.IsDir() {
			continue
		}
		path := filepath.Join(parent, e.Name())
		switch {
		case named.MatchString(e.Name()):
			used[path] = info.ModTime()
		case strings.HasPrefix(e.Name(), temporary) && time.Since(info.ModTime()) > abandoned:
			os.RemoveAll(path)
		}
	}
	latest := func(a, b string) int { return used[b].Compare(used[a]) }
	for i, path := range slices.SortedFunc(maps.Keys(used), latest) {
		if i >= keep {
			os.RemoveAll(path)
		}
	}
}
