package tfcheckpoint

import (
	"bytes"
	"testing"
)

// FuzzIndex parses data three times: as an index; as the data block of an index
// whose checksums are right; as the message of one entry of such an index. What
// parses has to obey the promises of [Checkpoint], and reading its tensors from a
// small shard must not panic.
func FuzzIndex(f *testing.F) {
	index, _ := encodeCheckpoint(2, tinyTensors())
	f.Add(index)
	f.Add(encodeBlock([]pair{header(1), {"x", encodeEntry(1, []int{2, 2}, 0, 0, 16, 0)},
		{"xy", encodeEntry(2, nil, 0, 8, 8, 0)}}))
	f.Add(encodeEntry(1, []int{3, 3, 1, 16}, 0, 4, 576, 1))
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
			last := ""
			for i := range c.entries {
				e := &c.entries[i]
				if e.name <= last || c.find(e.name) != e {
					t.Fatalf("name %q after %q", e.name, last)
				}
				last = e.name
				if e.shard < 0 || e.shard >= c.shards || e.offset < 0 || e.size < 0 || e.dtype <= 0 {
					t.Fatalf("entry %+v in %d shards", e, c.shards)
				}
				values, err := e.read(shard, shard.Size())
				if err == nil && int64(len(values)) != elements(e.shape) {
					t.Fatalf("%d values of shape %v", len(values), e.shape)
				}
			}
		}
	})
}
