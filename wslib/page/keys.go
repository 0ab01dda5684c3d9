package page

import (
	"fmt"
	"math"

	"weightsep/wslib/npy"
)

// PackKeys stores keys: for each weight on a shared page a code value of a network's own,
// that the value of the page is multiplied by. Keys of [Int1] are signs, so that networks share
// magnitudes only; of [Int2], signs and one of two magnitudes.
//
// values are flat, one for each weight, and may end within the last page; [Precision.Round] gives
// their code values, and those of weights on exclusive pages do not matter. The keys are packed as
// [Precision.Pack] does it, in rising page order, [pages on shared ones, p.Bytes(size)]; bits
// beyond the last weight are 0.
func (t Table) PackKeys(values []float32, size int, p Precision) []byte {
	var keys []byte
	for b, e := range t.Entries {
		if int(e) >= t.Shared {
			continue
		}
		row := make([]byte, p.Bytes(size))
		for j, v := range values[b*size : min((b+1)*size, len(values))] {
			at := j * p.Bits()
			row[at/8] |= p.code(p.Round(v)) << (at % 8)
		}
		keys = append(keys, row...)
	}
	return keys
}

// KeyRows says which row of [Table.PackKeys] is that of each page; exclusive pages, which
// have none, name the row after the last.
func (t Table) KeyRows() []int32 {
	rows, next, last := make([]int32, len(t.Entries)), int32(0), int32(len(t.Entries)-len(t.Exclusive()))
	for b, e := range t.Entries {
		if rows[b] = last; int(e) < t.Shared {
			rows[b] = next
			next++
		}
	}
	return rows
}

// ApplyKeys multiplies gathered weights by their keys. dst is as [Table.Gather] leaves it,
// keys as from [Table.PackKeys]; nil changes nothing.
func (t Table) ApplyKeys(dst []float32, keys []byte, size int, p Precision) {
	if keys == nil {
		return
	}
	width := p.Bytes(size)
	for b, e := range t.Entries {
		if int(e) < t.Shared {
			p.multiply(dst[b*size:min((b+1)*size, len(dst))], keys[:width])
			keys = keys[width:]
		}
	}
}

// multiply multiplies values by the packed keys of a page, of Int1 or Int2.
func (p Precision) multiply(dst []float32, keys []byte) {
	if p == Int1 {
		multiply1(dst, keys)
	} else {
		multiply2(dst, keys)
	}
}

// multiply1 turns the sign of the values whose bit is 0.
func multiply1(dst []float32, keys []byte) {
	const negative = 1 << 31
	for len(dst) >= 8 && len(keys) >= 1 {
		v, b := (*[8]float32)(dst), ^uint32(keys[0])
		v[0] = math.Float32frombits(math.Float32bits(v[0]) ^ b<<31)
		v[1] = math.Float32frombits(math.Float32bits(v[1]) ^ b<<30&negative)
		v[2] = math.Float32frombits(math.Float32bits(v[2]) ^ b<<29&negative)
		v[3] = math.Float32frombits(math.Float32bits(v[3]) ^ b<<28&negative)
		v[4] = math.Float32frombits(math.Float32bits(v[4]) ^ b<<27&negative)
		v[5] = math.Float32frombits(math.Float32bits(v[5]) ^ b<<26&negative)
		v[6] = math.Float32frombits(math.Float32bits(v[6]) ^ b<<25&negative)
		v[7] = math.Float32frombits(math.Float32bits(v[7]) ^ b<<24&negative)
		dst, keys = dst[8:], keys[1:]
	}
	for i := range dst {
		dst[i] = math.Float32frombits(math.Float32bits(dst[i]) ^ ^uint32(keys[0])<<(31-i)&negative)
	}
}

func multiply2(dst []float32, keys []byte) {
	value := [4]float32{-1.5, -0.5, 0.5, 1.5}
	for len(dst) >= 4 && len(keys) >= 1 {
		v, b := (*[4]float32)(dst), keys[0]
		v[0] *= value[b&3]
		v[1] *= value[b>>2&3]
		v[2] *= value[b>>4&3]
		v[3] *= value[b>>6]
		dst, keys = dst[4:], keys[1:]
	}
	for i := range dst {
		dst[i] *= value[keys[0]>>(2*i)&3]
	}
}

// checkKeys reports keys that do not fit the network's table, or a bit set where there is
// no weight.
func (m Member) checkKeys(size int, p Precision) error {
	if m.Keys == nil {
		return nil
	}
	if m.Scales == nil {
		return fmt.Errorf("keys, but no scales")
	}
	if p == 0 {
		return fmt.Errorf("keys, but no precision of keys")
	}
	shared := len(m.Table.Entries) - len(m.Table.Exclusive())
	width := p.Bytes(size)
	if len(m.Keys) != shared*width {
		return fmt.Errorf("%d bytes of keys, want %d for each of %d pages on shared ones", len(m.Keys), width, shared)
	}
	row := 0
	for b, e := range m.Table.Entries {
		if int(e) >= m.Table.Shared {
			continue
		}
		weights := min(size, m.Weights-b*size)
		for k, bits := range m.Keys[row*width : (row+1)*width] {
			if bits&^byte(1<<max(0, min(8, weights*p.Bits()-8*k))-1) != 0 {
				return fmt.Errorf("keys of page %d: a bit is set beyond its %d weights", b, weights)
			}
		}
		row++
	}
	return nil
}

// validateKeys reports a precision that keys cannot have; 0 is that of no keys.
func (p Precision) validateKeys() error {
	if p != 0 && p != Int1 && p != Int2 {
		return fmt.Errorf("keys of %v, want %v or %v", p, Int1, Int2)
	}
	return nil
}

func writeKeys(path string, m Member, size int, p Precision) error {
	width := p.Bytes(size)
	return npy.Write(path, m.Keys, len(m.Keys)/width, width)
}

// readKeys reads the keys of a network with the given table.
func readKeys(path string, t Table, size int, p Precision) ([]byte, error) {
	keys, err := readRows(path, npy.Read[uint8], len(t.Entries)-len(t.Exclusive()), p.Bytes(size))
	if keys == nil {
		keys = []byte{}
	}
	return keys, err
}
