package page

import (
	"fmt"
	"slices"
)

// PackKeys stores keys: for each weight on a shared page a code value of [Int2] of a network's
// own, that the value of the page is multiplied by: a sign, and one of two magnitudes.
//
// values are flat, one for each weight, and may end within the last page; [Precision.Round] gives
// their code values, and those of weights on exclusive pages do not matter. The keys are packed as
// [Precision.Pack] does it, in rising page order, [pages on shared ones, Int2.Bytes(size)]; bits
// beyond the last weight are 0.
func (t Table) PackKeys(values []float32, size int) []byte {
	var keys []byte
	for _, b := range t.pages(false) {
		row := make([]byte, Int2.Bytes(size))
		for j, v := range values[b*size : min((b+1)*size, len(values))] {
			row[j/4] |= Int2.code(v) << (2 * (j % 4))
		}
		keys = append(keys, row...)
	}
	return keys
}

// KeyRows says which row of [Table.PackKeys] is that of each page; exclusive pages, which
// have none, name the row after the last.
func (t Table) KeyRows() []int32 {
	shared := t.pages(false)
	rows := slices.Repeat([]int32{int32(len(shared))}, len(t.Entries))
	for row, b := range shared {
		rows[b] = int32(row)
	}
	return rows
}

// checkKeys returns an error for keys that do not fit the network's table, or a bit that is set
// where there is no weight.
func (m Member) checkKeys(f Format) error {
	if m.Keys == nil {
		return nil
	}
	if m.Scales == nil {
		return fmt.Errorf("keys, but no scales")
	}
	if f.KeyPrecision == 0 {
		return fmt.Errorf("keys, but no precision of keys")
	}
	shared, width := m.Table.pages(false), f.KeyPrecision.Bytes(f.Size)
	if len(m.Keys) != len(shared)*width {
		return fmt.Errorf("%d bytes of keys, want %d for each of %d pages on shared ones",
			len(m.Keys), width, len(shared))
	}
	for row, b := range shared {
		weights := min(f.Size, m.Weights-b*f.Size)
		for k, bits := range m.Keys[row*width : (row+1)*width] {
			if bits&^byte(1<<max(0, min(8, 2*weights-8*k))-1) != 0 {
				return fmt.Errorf("keys of page %d: a bit is set beyond its %d weights", b, weights)
			}
		}
	}
	return nil
}
