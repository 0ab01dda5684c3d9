package tfcheckpoint

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

// bigEndian is a header with endianness 1.
var bigEndian = pair{"", []byte{0x08, 1, 0x10, 1}}

// TestHostileIndex has indexes whose checksums are right and contents are not.
func TestHostileIndex(t *testing.T) {
	one := []pair{header(1)}
	with := func(value []byte) []pair { return append(one[:1:1], pair{"x", value}) }
	block := encodeBlock(one)
	long := strings.Repeat("n", 1<<20)
	var bomb []pair // claims 128 MiB of names in 1 MiB
	for i := range 128 {
		bomb = append(bomb, pair{long + string(rune('!'+i)), []byte{0x08, 1}})
	}
	bomb[0] = header(1)
	for _, c := range []struct {
		name  string
		table []byte
		want  string
	}{
		{"no pairs", encodeTable(nil), "no header"},
		{"no header", encodeTable([]pair{{"x", encodeEntry(1, nil, 0, 0, 4, 0)}}), `first key is "x"`},
		{"no shards", encodeTable([]pair{header(0)}), "no shards"},
		{"negative shards", encodeTable([]pair{header(math.MaxUint64)}), "number of shards is -1"},
		{"big-endian", encodeTable([]pair{bigEndian}), "endianness"},
		{"newer format", encodeTable([]pair{{"", []byte{0x08, 1, 0x1a, 2, 0x10, 2}}}), "oldest reader is 2"},
		{"second header", encodeTable([]pair{header(1), header(1)}), "ascending"},
		{"descending", encodeTable([]pair{header(1), {"b", encodeEntry(1, nil, 0, 0, 4, 0)},
			{"a", encodeEntry(1, nil, 0, 0, 4, 0)}}), "ascending"},
		{"no type", encodeTable(with(nil)), "no element type"},
		{"negative dimension", encodeTable(with(encodeEntry(1, []int{-3}, 0, 0, 4, 0))), "dimension is -3"},
		{"many dimensions", encodeTable(with(encodeEntry(1, make([]int, 255), 0, 0, 4, 0))),
			"more than 254"},
		{"unknown rank", encodeTable(with([]byte{0x08, 1, 0x12, 2, 0x18, 1})), "unknown rank"},
		{"no such shard", encodeTable(with(encodeEntry(1, nil, 1, 0, 4, 0))), "shard 1 of 1"},
		{"negative offset", encodeTable(with(encodeEntry(1, nil, 0, math.MaxUint64, 4, 0))), "offset is -1"},
		{"negative size", encodeTable(with(encodeEntry(1, nil, 0, 0, 1<<63, 0))),
			"size is -9223372036854775808"},
		{"wire type", encodeTable(with([]byte{0x0a, 1, 1})), "wire type"},
		{"deep groups", encodeTable(with(bytes.Repeat([]byte{0x5b}, 1<<20))), "damaged message"},
		{"fields bomb", encodeTable(with(bytes.Repeat([]byte{0x42, 0}, 1<<20))), "more than 1024 fields"},
		{"dimensions bomb", encodeTable(with(append([]byte{0x08, 1, 0x12, 0x80, 0x80, 0x40},
			bytes.Repeat([]byte{0x12, 0}, 1<<19)...))), "more than 254 dimensions"},
		{"message cut", encodeTable(with([]byte{0x08, 1, 0x12, 9, 1})), "damaged message"},
		{"snappy", encodeBlocks(1, block), "snappy"},
		{"compression", encodeBlocks(7, block), "compression type 7"},
		{"short block", encodeBlocks(0, []byte{1}), "restart points"},
		{"restart points", encodeBlocks(0, []byte{0xff, 0xff, 0xff, 0xff}), "do not fit"},
		{"shared key", encodeBlocks(0, []byte{9, 0, 0, 0, 0, 0, 0}), "do not fit"},
		{"value size", encodeBlocks(0, append(uvarints(0, 1, math.MaxUint64), 'x', 0, 0, 0, 0)),
			"do not fit"},
		{"long varint", encodeBlocks(0, append(bytes.Repeat([]byte{0xff}, 12), 0, 0, 0, 0)),
			"damaged sizes"},
		{"names", encodeBlocks(0, encodeBlockShared(bomb)), "names of more than"},
	} {
		_, err := parseIndex(c.table)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// encodeBlockShared is encodeBlock with all keys after the second sharing all but
// their last byte.
func encodeBlockShared(pairs []pair) []byte {
	var b []byte
	for i, p := range pairs {
		shared := 0
		if i > 1 {
			shared = len(p.key) - len(strings.TrimLeft(p.key, "n"))
		}
		b = append(b, uvarints(uint64(shared), uint64(len(p.key)-shared), uint64(len(p.value)))...)
		b = append(append(b, p.key[shared:]...), p.value...)
	}
	return append(b, 0, 0, 0, 0, 0, 0, 0, 0)
}

// TestRepeatedBlock names one data block twice.
func TestRepeatedBlock(t *testing.T) {
	var b []byte
	put := func(block []byte) []byte {
		h := uvarints(uint64(len(b)), uint64(len(block)))
		whole := encodeBlocks(0, block)
		b = append(b, whole[:len(block)+trailerSize]...)
		return h
	}
	h := put(encodeBlock(nil))
	meta := put(encodeBlock(nil))
	index := put(encodeBlock([]pair{{"a", h}, {"b", h}}))
	footer := append(meta, index...)
	b = append(append(b, footer...), make([]byte, 40-len(footer))...)
	b = append(b, 0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb)
	_, err := parseIndex(b)
	wantError(t, err, "block at byte 0 begins before byte 13")
}

// TestHostileEntry reads entries that lie about a shard of 64 bytes.
func TestHostileEntry(t *testing.T) {
	shard := bytes.NewReader(make([]byte, 64))
	for _, c := range []struct {
		name string
		e    entry
		want string
	}{
		{"size of shape", entry{dtype: float32Type, shape: []int{3}, size: 16},
			"16 bytes, want those of shape [3] of float32"},
		{"size of type", entry{dtype: float64Type, shape: []int{4}, size: 16}, "float64"},
		{"product overflows", entry{dtype: float32Type, shape: []int{1 << 31, 1 << 31, 4}, size: 0},
			"want those of shape"},
		{"bytes overflow", entry{dtype: float64Type, shape: []int{1 << 61}, size: 0}, "want those of shape"},
		{"largest", entry{dtype: float32Type, shape: []int{1 << 60}, size: 1 << 62}, "truncated"},
		{"beyond", entry{dtype: float32Type, shape: []int{4}, offset: 52, size: 16},
			"bytes 52 to 68 of a file of 64"},
		{"far beyond", entry{dtype: float32Type, shape: []int{4}, offset: math.MaxInt64, size: 16},
			"truncated"},
		{"string", entry{dtype: 7, shape: []int{4}, size: 16}, "element type string"},
		{"no such type", entry{dtype: 99, shape: []int{4}, size: 16}, "element type number 99"},
		{"partitioned", entry{dtype: float32Type, shape: []int{4}, partitioned: true}, "partitioned"},
	} {
		_, err := c.e.read(shard, shard.Size())
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	e, err := parseEntry(append(encodeEntry(1, []int{2}, 0, 0, 0, 0), 0x3a, 0))
	if err != nil || !e.partitioned {
		t.Errorf("slices: %+v %v", e, err)
	}
}
