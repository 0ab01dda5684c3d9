package tfcheckpoint

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

const (
	footerSize  = 48                 // two handles, padding, magic number
	trailerSize = 5                  // after each block: compression, checksum
	tableMagic  = 0xdb4775248b80fb57 // last 8 bytes, little-endian
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// maskCRC is how checksums are stored: a checksum of data that contains its own
// checksum would be weak.
func maskCRC(crc uint32) uint32 { return (crc>>15 | crc<<17) + 0xa282ead8 }

// handle is where a block lies in a table, without its trailer.
type handle struct{ offset, size uint64 }

// parseHandle takes a handle, two varints of the shortest form, off the front of
// b. A longer form is a damaged footer, which has no checksum.
func parseHandle(b []byte) (h handle, rest []byte, err error) {
	for _, v := range []*uint64{&h.offset, &h.size} {
		x, n := binary.Uvarint(b)
		if n <= 0 || n > 1 && b[n-1] == 0 {
			return handle{}, nil, fmt.Errorf("damaged block handle")
		}
		*v, b = x, b[n:]
	}
	return h, b, nil
}

// eachPair calls visit with the keys and values of a table, in the order of the
// table. Neither may be kept.
//
// Blocks have to lie in the file in their order, as writers put them: so none is
// read twice, however often a hostile index names it.
func eachPair(table []byte, visit func(key, value []byte) error) error {
	body := len(table) - footerSize
	if body < 0 || binary.LittleEndian.Uint64(table[len(table)-8:]) != tableMagic {
		return fmt.Errorf("not the index of a checkpoint: no table footer in %d bytes (truncated or "+
			"damaged)",
			len(table))
	}
	meta, rest, err := parseHandle(table[body : len(table)-8])
	if err != nil {
		return fmt.Errorf("footer: %w", err)
	}
	index, rest, err := parseHandle(rest)
	if err != nil {
		return fmt.Errorf("footer: %w", err)
	}
	for _, b := range rest {
		if b != 0 {
			return fmt.Errorf("footer: damaged padding")
		}
	}
	blocks := table[:body]
	if _, err := readBlock(blocks, meta); err != nil {
		return fmt.Errorf("metaindex: %w", err)
	}
	top, err := readBlock(blocks, index)
	if err != nil {
		return fmt.Errorf("index block: %w", err)
	}
	end := uint64(0)
	err = eachBlockPair(top, func(_, value []byte) error {
		h, rest, err := parseHandle(value)
		if err != nil {
			return err
		}
		if len(rest) > 0 {
			return fmt.Errorf("%d bytes after a block handle", len(rest))
		}
		if h.offset < end {
			return fmt.Errorf("block at byte %d begins before byte %d, the end of the one before",
				h.offset, end)
		}
		block, err := readBlock(blocks, h)
		if err != nil {
			return err
		}
		end = h.offset + h.size + trailerSize
		if err := eachBlockPair(block, visit); err != nil {
			return fmt.Errorf("block at byte %d: %w", h.offset, err)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("index block: %w", err)
	}
	return nil
}

// readBlock gives the contents of a block whose checksum it has verified.
func readBlock(blocks []byte, h handle) ([]byte, error) {
	size := uint64(len(blocks))
	if h.offset > size || h.size > size-h.offset || size-h.offset-h.size < trailerSize {
		return nil, fmt.Errorf("block of %d bytes at byte %d does not fit into %d bytes", h.size,
			h.offset, size)
	}
	stored := blocks[h.offset : h.offset+h.size+trailerSize]
	block, kind, sum := stored[:h.size], stored[h.size], stored[h.size+1:]
	got, want := maskCRC(crc32.Checksum(stored[:h.size+1], castagnoli)), binary.LittleEndian.Uint32(sum)
	if got != want {
		return nil, fmt.Errorf("block at byte %d: checksum 0x%08x, want 0x%08x (damaged)", h.offset,
			got, want)
	}
	switch kind {
	case 0:
		return block, nil
	case 1:
		return nil, fmt.Errorf("block at byte %d: compressed with snappy, want no compression", h.offset)
	}
	return nil, fmt.Errorf("block at byte %d: compression type %d, want none", h.offset, kind)
}

// eachBlockPair calls visit with the keys and values of a block: pairs, offsets
// of restart points, their number. A pair is three varints (bytes that the key
// shares with the one before, further bytes of the key, bytes of the value), then
// the rest of the key and the value. Restart points, where nothing is shared,
// serve binary search, which this reader does without.
func eachBlockPair(block []byte, visit func(key, value []byte) error) error {
	if len(block) < 4 {
		return fmt.Errorf("%d bytes, want the number of restart points", len(block))
	}
	pairs := block[:len(block)-4]
	restarts := uint64(binary.LittleEndian.Uint32(block[len(pairs):]))
	if 4*restarts > uint64(len(pairs)) {
		return fmt.Errorf("%d restart points do not fit into %d bytes", restarts, len(block))
	}
	pairs = pairs[:uint64(len(pairs))-4*restarts]
	var key []byte
	for len(pairs) > 0 {
		var sizes [3]uint64
		for i := range sizes {
			v, n := binary.Uvarint(pairs)
			if n <= 0 {
				return fmt.Errorf("damaged sizes after key %.100q", key)
			}
			sizes[i], pairs = v, pairs[n:]
		}
		shared, own, value, left := sizes[0], sizes[1], sizes[2], uint64(len(pairs))
		if shared > uint64(len(key)) || own > left || value > left-own {
			return fmt.Errorf("pair after key %.100q: %d shared, %d own and %d value bytes do not fit",
				key, shared, own, value)
		}
		key = append(key[:shared], pairs[:own]...)
		if err := visit(key, pairs[own:own+value]); err != nil {
			return err
		}
		pairs = pairs[own+value:]
	}
	return nil
}
