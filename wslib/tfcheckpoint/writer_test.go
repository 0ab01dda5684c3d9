package tfcheckpoint

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"sort"
	"testing"
)

// This file writes checkpoints byte by byte. It shares no code with the reader.

// pair is a key and value of a table.
type pair struct {
	key   string
	value []byte
}

// uvarints is a sequence of varints.
func uvarints(values ...uint64) []byte {
	var b []byte
	for _, v := range values {
		b = binary.AppendUvarint(b, v)
	}
	return b
}

func writerCRC(b []byte) uint32 {
	crc := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
	return (crc>>15 | crc<<17) + 0xa282ead8
}

// encodeBlock has a restart point at every third pair.
func encodeBlock(pairs []pair) []byte {
	var b, restarts []byte
	last := ""
	for i, p := range pairs {
		shared := 0
		if i%3 == 0 {
			restarts = binary.LittleEndian.AppendUint32(restarts, uint32(len(b)))
		} else {
			for shared < min(len(last), len(p.key)) && last[shared] == p.key[shared] {
				shared++
			}
		}
		b = append(b, uvarints(uint64(shared), uint64(len(p.key)-shared), uint64(len(p.value)))...)
		b = append(append(b, p.key[shared:]...), p.value...)
		last = p.key
	}
	if len(pairs) == 0 {
		restarts = make([]byte, 4)
	}
	b = append(b, restarts...)
	return binary.LittleEndian.AppendUint32(b, uint32(len(restarts)/4))
}

// encodeBlocks makes a table of finished data blocks.
func encodeBlocks(compression byte, blocks ...[]byte) []byte {
	var b []byte
	put := func(block []byte) []byte {
		h := uvarints(uint64(len(b)), uint64(len(block)))
		stored := append(append([]byte{}, block...), compression)
		b = append(b, stored...)
		b = binary.LittleEndian.AppendUint32(b, writerCRC(stored))
		return h
	}
	var index []pair
	for i, block := range blocks {
		index = append(index, pair{fmt.Sprintf("~%03d", i), put(block)})
	}
	footer := append(put(encodeBlock(nil)), put(encodeBlock(index))...)
	footer = append(footer, make([]byte, 40-len(footer))...)
	b = append(b, footer...)
	return append(b, 0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb)
}

// encodeTable makes a table with four pairs to a block.
func encodeTable(pairs []pair) []byte {
	var blocks [][]byte
	for ; len(pairs) > 4; pairs = pairs[4:] {
		blocks = append(blocks, encodeBlock(pairs[:4]))
	}
	return encodeBlocks(0, append(blocks, encodeBlock(pairs))...)
}

// header is a BundleHeaderProto as TensorFlow writes it, which leaves out zeros.
func header(shards uint64) pair {
	return pair{"", append(append([]byte{0x08}, uvarints(shards)...), 0x1a, 2, 0x08, 1)}
}

// encodeEntry is a BundleEntryProto.
func encodeEntry(dtype dtype, shape []int, shard, offset, size uint64, sum uint32) []byte {
	var dims []byte
	for _, d := range shape {
		dim := append([]byte{0x08}, uvarints(uint64(d))...)
		dims = append(append(dims, 0x12, byte(len(dim))), dim...)
	}
	b := append([]byte{0x08, byte(dtype), 0x12}, uvarints(uint64(len(dims)))...)
	b = append(b, dims...)
	for i, v := range []uint64{shard, offset, size} {
		if v != 0 {
			b = append(append(b, byte(3+i)<<3), uvarints(v)...)
		}
	}
	return binary.LittleEndian.AppendUint32(append(b, 0x35), sum)
}

// tensor is one tensor to write.
type tensor struct {
	name  string
	dtype dtype
	shape []int
	shard int
	data  []byte
}

func float32s(values ...float32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

func float64s(values ...float64) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

// encodeCheckpoint gives the index and shards of a checkpoint.
func encodeCheckpoint(shards int, tensors []tensor) (index []byte, data [][]byte) {
	data = make([][]byte, shards)
	pairs := []pair{header(uint64(shards))}
	for _, x := range tensors {
		at := uint64(len(data[x.shard]))
		data[x.shard] = append(data[x.shard], x.data...)
		pairs = append(pairs, pair{x.name, encodeEntry(x.dtype, x.shape, uint64(x.shard), at,
			uint64(len(x.data)), writerCRC(x.data))})
	}
	sort.Slice(pairs, func(i, j int) bool { return pairs[i].key < pairs[j].key })
	return encodeTable(pairs), data
}

// writeCheckpoint writes a checkpoint into a new directory.
func writeCheckpoint(t testing.TB, shards int, tensors []tensor) (prefix string) {
	t.Helper()
	prefix = filepath.Join(t.TempDir(), "model")
	index, data := encodeCheckpoint(shards, tensors)
	writeFile(t, prefix+".index", index)
	for i, b := range data {
		writeFile(t, fmt.Sprintf("%s.data-%05d-of-%05d", prefix, i, shards), b)
	}
	return prefix
}

func writeFile(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}
