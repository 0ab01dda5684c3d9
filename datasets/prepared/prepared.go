// Package prepared keeps the tensors that a dataset's files were made into, so that
// they are made once.
//
// A set of samples is a directory of .npy files and a description:
//
//	values.npy    [n, size] uint8 or float32, in the order in which they were added
//	index.npy     [n, 5] int32: row of values.npy, label, part, group, clip,
//	              in the order of the samples' names
//	moments.npy   [n, period, 2] float64: sums and sums of squares of each sample's
//	              values, value i counted at i modulo period
//	set.json      the layout, counts, checksums and what the caller adds
//
// Writing never holds the values in memory, opening maps them. A set is there whole
// or not at all: it is written under a temporary name, synced and renamed.
package prepared

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"strings"
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
	valuesFile  = "values.npy"
	indexFile   = "index.npy"
	momentsFile = "moments.npy"
	setFile     = "set.json"
)

// format is the version of the files; another one is not read.
const format = 1

// columns of the index.
const columns = 5

// description is what set.json holds.
type description struct {
	Format  int    `json:"format"`
	Layout  Layout `json:"layout"`
	Samples int    `json:"samples"`
	Groups  int    `json:"groups"`
	Clips   int    `json:"clips"`
	Index   uint32 `json:"index_crc32c"`
	Moments uint32 `json:"moments_crc32c"`
	Meta    any    `json:"meta"`
}

// sealed is the file set.json: the description and the checksum of its text.
type sealed struct {
	Sum string          `json:"crc32c"`
	Set json.RawMessage `json:"set"`
}

// encode returns the description as the text of its file.
func (d description) encode() ([]byte, error) {
	text, err := json.MarshalIndent(d, "", "\t")
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "{\n\"crc32c\": \"%s\",\n\"set\": %s}", textSum(text), text), nil
}

// decode reads what encode returned.
func (d *description) decode(b []byte) error {
	var s sealed
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if found := textSum(s.Set); found != s.Sum {
		return fmt.Errorf("expected the checksum %q, found %s", s.Sum, found)
	}
	return json.Unmarshal(s.Set, d)
}

func textSum(text []byte) string { return fmt.Sprintf("%08x", crc32.Checksum(text, castagnoli)) }

// headerSize is the size of the .npy headers here; values begin aligned.
const headerSize = 128

// header returns the header of a .npy file of version 1.0.
func header(descr string, shape ...int) []byte {
	var dims strings.Builder
	for _, n := range shape {
		fmt.Fprintf(&dims, "%d, ", n)
	}
	dict := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, strings.TrimSuffix(dims.String(), " "))
	const prefix = "\x93NUMPY\x01\x00\x76\x00" // 0x76 is what follows: 118 bytes
	return []byte(fmt.Sprintf("%s%-*s\n", prefix, headerSize-len(prefix)-1, dict))
}

// values returns the .npy type and the width in bytes of the values.
func (l Layout) values() (descr string, width int) {
	if l.Bytes {
		return "|u1", 1
	}
	return "<f4", 4
}

// syncFile makes sure that a closed file or a directory's entries are on disk.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
