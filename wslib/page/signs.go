package page

import (
	"fmt"
	"math"

	"weightsep/wslib/npy"
)

// PackSigns is the signs of the weights that lie on shared pages, a bit each, 1 for a
// negative one: what a network keeps of its own where it shares magnitudes only. They are in
// rising page order, [pages on shared ones, Int1.Bytes(size)], weight j of a page in bit j%8 of
// byte j/8; bits beyond the last weight are 0. weights are flat, and may end within the last
// page; 0 counts as positive.
func (t Table) PackSigns(weights []float32, size int) []byte {
	var signs []byte
	for b, e := range t.Entries {
		if int(e) >= t.Shared {
			continue
		}
		row := make([]byte, Int1.Bytes(size))
		for j, w := range weights[b*size : min((b+1)*size, len(weights))] {
			if w < 0 {
				row[j/8] |= 1 << (j % 8)
			}
		}
		signs = append(signs, row...)
	}
	return signs
}

// SignRows says which row of [Table.PackSigns] is that of each page; exclusive pages, which
// have none, name the row after the last.
func (t Table) SignRows() []int32 {
	rows, next, last := make([]int32, len(t.Entries)), int32(0), int32(len(t.Entries)-len(t.Exclusive()))
	for b, e := range t.Entries {
		if rows[b] = last; int(e) < t.Shared {
			rows[b] = next
			next++
		}
	}
	return rows
}

// ApplySigns turns the sign of those gathered weights whose bit is set. dst is as [Table.Gather]
// leaves it, signs as from [Table.PackSigns]; nil changes nothing.
func (t Table) ApplySigns(dst []float32, signs []byte, size int) {
	if signs == nil {
		return
	}
	width := Int1.Bytes(size)
	for b, e := range t.Entries {
		if int(e) >= t.Shared {
			continue
		}
		flip(dst[b*size:min((b+1)*size, len(dst))], signs[:width])
		signs = signs[width:]
	}
}

// flip turns the signs of the values whose bit is set, without a branch for each.
func flip(dst []float32, bits []byte) {
	const negative = 1 << 31
	for len(dst) >= 8 && len(bits) >= 1 {
		v, b := (*[8]float32)(dst), uint32(bits[0])
		v[0] = math.Float32frombits(math.Float32bits(v[0]) ^ b<<31)
		v[1] = math.Float32frombits(math.Float32bits(v[1]) ^ b<<30&negative)
		v[2] = math.Float32frombits(math.Float32bits(v[2]) ^ b<<29&negative)
		v[3] = math.Float32frombits(math.Float32bits(v[3]) ^ b<<28&negative)
		v[4] = math.Float32frombits(math.Float32bits(v[4]) ^ b<<27&negative)
		v[5] = math.Float32frombits(math.Float32bits(v[5]) ^ b<<26&negative)
		v[6] = math.Float32frombits(math.Float32bits(v[6]) ^ b<<25&negative)
		v[7] = math.Float32frombits(math.Float32bits(v[7]) ^ b<<24&negative)
		dst, bits = dst[8:], bits[1:]
	}
	for i := range dst {
		dst[i] = math.Float32frombits(math.Float32bits(dst[i]) ^ uint32(bits[0])<<(31-i)&negative)
	}
}

// checkSigns reports signs that do not fit the network's table, or a bit set where there is
// no weight.
func (m Member) checkSigns(size int) error {
	if m.Signs == nil {
		return nil
	}
	if m.Scales == nil {
		return fmt.Errorf("signs, but no scales")
	}
	shared := len(m.Table.Entries) - len(m.Table.Exclusive())
	width := Int1.Bytes(size)
	if len(m.Signs) != shared*width {
		return fmt.Errorf("%d bytes of signs, want %d for each of %d pages on shared ones", len(m.Signs), width, shared)
	}
	row := 0
	for b, e := range m.Table.Entries {
		if int(e) >= m.Table.Shared {
			continue
		}
		weights := min(size, m.Weights-b*size)
		for k, bits := range m.Signs[row*width : (row+1)*width] {
			if bits&^byte(1<<max(0, min(8, weights-8*k))-1) != 0 {
				return fmt.Errorf("signs of page %d: a bit is set beyond its %d weights", b, weights)
			}
		}
		row++
	}
	return nil
}

func writeSigns(path string, m Member, size int) error {
	width := Int1.Bytes(size)
	return npy.Write(path, m.Signs, len(m.Signs)/width, width)
}

// readSigns reads the signs of a network with the given table.
func readSigns(path string, t Table, size int) ([]byte, error) {
	signs, err := readRows(path, npy.Read[uint8], len(t.Entries)-len(t.Exclusive()), Int1.Bytes(size))
	if signs == nil {
		signs = []byte{}
	}
	return signs, err
}
