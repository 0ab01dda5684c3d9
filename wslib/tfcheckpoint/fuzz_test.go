package tfcheckpoint

import (
	"bytes"
	"slices"
	"testing"
)

// FuzzIndex parses data three times: as an index; as the data block of an index
// whose checksums are right; as the message of one entry of such an index. What
// parses has to obey the promises of [Checkpoint], and reading its tensors from a
// small shard must not panic.
func FuzzIndex(f *testing.F) {
	index, _ := encodeCheckpoint(2, tinyTensors())
	f.Add(index)
	f.Add(encodeBlock([]pair{header(1), {"x", entry(1, []int{2, 2}, 0, 0, 16, 0)}, {"xy", entry(2, nil, 0, 8, 8, 0)}}))
	f.Add(entry(1, []int{3, 3, 1, 16}, 0, 4, 576, 1))
	f.Add([]byte{})
	shard := bytes.NewReader(make([]byte, 1024))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, table := range [][]byte{
			data,
			encodeBlocks(0, data),
			encodeBlocks(0, encodeBlock([]pair{header(2), {"x", data}})),
		} {
			c, err := parseIndex(table)
			if err != nil {
				continue
			}
			names := c.Names()
			if !slices.IsSorted(names) {
				t.Fatalf("names %q are not sorted", names)
			}
			for _, name := range names {
				e, ok := c.Entry(name)
				if !ok || e.Name != name || e.Shard < 0 || e.Shard >= c.shards || e.Offset < 0 || e.Size < 0 || e.DType <= 0 {
					t.Fatalf("entry %+v of %q (%t) in %d shards", e, name, ok, c.shards)
				}
				values, err := readFloats(shard, shard.Size(), e)
				if err == nil && int64(len(values)) != elements(e.Shape) {
					t.Fatalf("%d values of shape %v", len(values), e.Shape)
				}
			}
		}
	})
}
