package page

import (
	"encoding/binary"
	"fmt"

	"weightsep/wslib/npy"
)

// write stores pages of size values.
func (p Precision) write(path string, values []float32, size int) error {
	pages := len(values) / size
	switch p.Bits() {
	case 32:
		return npy.Write(path, values, pages, size)
	case 16:
		return npy.Write(path, convert[int16](values), pages, size)
	case 8:
		return npy.Write(path, convert[int8](values), pages, size)
	}
	packed, err := p.PackPages(values, size)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return npy.Write(path, packed, pages, p.Bytes(size))
}

// read is the inverse of write for the given number of pages, any if negative.
func (p Precision) read(path string, pages, size int) ([]float32, error) {
	switch p.Bits() {
	case 32:
		return readRows(path, npy.ReadFloats, pages, size)
	case 16:
		codes, err := readRows(path, npy.Read[int16], pages, size)
		return p.codes(path, convert[float32](codes), err)
	case 8:
		codes, err := readRows(path, npy.Read[int8], pages, size)
		return p.codes(path, convert[float32](codes), err)
	}
	packed, err := readRows(path, npy.Read[uint8], pages, p.Bytes(size))
	if err != nil {
		return nil, err
	}
	values := make([]float32, len(packed)/p.Bytes(size)*size)
	if err := p.UnpackPages(values, packed, size); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return values, nil
}

// codes checks what was read: the smallest integer of a type is no code value.
func (p Precision) codes(path string, values []float32, err error) ([]float32, error) {
	if err != nil {
		return nil, err
	}
	if err := p.Check(values); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return values, nil
}

func readRows[T any](path string, read func(string) ([]T, []int, error), rows, width int) ([]T, error) {
	values, shape, err := read(path)
	if err != nil {
		return nil, err
	}
	if rows < 0 && len(values) == 0 { // an empty matrix is stored as (0,)
		return values, nil
	}
	if len(shape) != 2 || shape[1] != width || rows >= 0 && shape[0] != rows {
		want := fmt.Sprintf("[%d %d]", rows, width)
		if rows < 0 {
			want = fmt.Sprintf("[E %d]", width)
		}
		return nil, fmt.Errorf("read %s: shape %v, want %s", path, shape, want)
	}
	return values, nil
}

// write stores one scale for each page.
func (f ScaleFormat) write(path string, scales []float32) error {
	if f.Bytes() == 4 {
		return npy.Write(path, scales)
	}
	packed, err := f.Pack(scales)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if f.Bytes() == 1 {
		return npy.Write(path, packed)
	}
	halves := make([]uint16, len(scales))
	for i := range halves {
		halves[i] = binary.LittleEndian.Uint16(packed[2*i:])
	}
	return npy.Write(path, halves)
}

// read is the inverse of write.
func (f ScaleFormat) read(path string, n int) ([]float32, error) {
	var packed []byte
	var err error
	switch f.Bytes() {
	case 4:
		scales, _, err := npy.ReadFloats(path)
		if err != nil {
			return nil, err
		}
		return scales, CheckWeights(path, scales, n)
	case 2:
		var halves []uint16
		halves, _, err = npy.Read[uint16](path)
		for _, h := range halves {
			packed = binary.LittleEndian.AppendUint16(packed, h)
		}
	default:
		packed, _, err = npy.Read[uint8](path)
	}
	if err != nil {
		return nil, err
	}
	scales := make([]float32, n)
	if err := f.Unpack(scales, packed); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return scales, nil
}

// write stores the table in its width.
func (t Table) write(path string) error {
	switch t.Width() {
	case 1:
		return npy.Write(path, convert[uint8](t.Entries))
	case 2:
		return npy.Write(path, convert[uint16](t.Entries))
	}
	return npy.Write(path, t.Entries)
}

func convert[To, From npy.Value](values []From) []To {
	out := make([]To, len(values))
	for i, v := range values {
		out[i] = To(v)
	}
	return out
}
