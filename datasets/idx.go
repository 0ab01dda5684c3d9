package datasets

import (
	"encoding/binary"
	"fmt"
	"io"
)

// idxUnsignedByte is the element type of the idx files used here.
const idxUnsignedByte = 8

// maxIDX bounds the elements of an idx file: 2 GiB, forty times MNIST's images.
const maxIDX = 1 << 31

// idx is an array of unsigned bytes, the last dimension changing fastest.
type idx struct {
	dims []int
	data []byte
}

// parseIDX reads an idx file of unsigned bytes with the given number of dimensions.
// The format: two zero bytes, the element type, the number of dimensions, each
// dimension as a big-endian uint32, the elements. The reader must end there.
func parseIDX(r io.Reader, rank int) (*idx, error) {
	head, err := readFull(r, 4)
	if err != nil {
		return nil, fmt.Errorf("magic number: %w", err)
	}
	want := uint32(idxUnsignedByte<<8 | rank)
	if found := binary.BigEndian.Uint32(head); found != want {
		return nil, fmt.Errorf("magic number: expected %#08x, found %#08x", want, found)
	}
	head, err = readFull(r, 4*rank)
	if err != nil {
		return nil, fmt.Errorf("dimensions: %w", err)
	}
	a := &idx{dims: make([]int, rank)}
	n := int64(1)
	for i := range a.dims {
		d := binary.BigEndian.Uint32(head[4*i:])
		// Checking at every factor keeps the product from overflowing.
		if n *= int64(d); n > maxIDX || d > maxIDX {
			return nil, fmt.Errorf("dimension %d: expected at most %d elements in all, found %d by here",
				i, maxIDX, n)
		}
		a.dims[i] = int(d)
	}
	if a.data, err = readFull(r, int(n)); err != nil {
		return nil, fmt.Errorf("elements: %w", err)
	}
	if err := readEnd(r); err != nil {
		return nil, err
	}
	return a, nil
}
