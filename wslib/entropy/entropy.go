// Package entropy stores small integers, as code values of quantized weights, in as few bytes as it can:
// an adaptive binary arithmetic coder, whose probabilities are mixed from several contexts. It needs no
// tables beside the bytes: encoder and decoder learn the same statistics as they go, in integers, so that
// every machine decodes the same values.
package entropy

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// Part is a run of values of one kind in one layer, in row-major order. All but Values is known to
// whoever decodes.
type Part struct {
	Kind   int   // 0 to Kinds-1: parts of one kind share statistics
	Shape  []int // of the layer
	First  int   // place of the first value in the layer
	Values []int8
}

// Kinds is the number of kinds of parts.
const Kinds = 4

// Encode returns the values of parts in order. Shapes of parts are not stored. It panics if a part does
// not lie in its layer, or for a value of -128.
func Encode(parts []Part) []byte {
	for _, p := range parts {
		if err := p.check(); err != nil {
			panic(err)
		}
	}
	c := coder{high: math.MaxUint32}
	code(&c, parts)
	// As many bytes as tell the interval apart: the decoder reads zeros after them.
	for k := 1; k <= 4; k++ {
		end := c.high &^ (1<<(32-8*k) - 1)
		if end >= c.low {
			for ; k > 0; k-- {
				c.data = append(c.data, byte(end>>24))
				end <<= 8
			}
			break
		}
	}
	for len(c.data) > 0 && c.data[len(c.data)-1] == 0 {
		c.data = c.data[:len(c.data)-1]
	}
	return c.data
}

// Decode replaces the values of parts by those that Encode was given. Other bytes than Encode's give an
// error or other values.
func Decode(parts []Part, data []byte) error {
	for _, p := range parts {
		if err := p.check(); err != nil {
			return err
		}
	}
	c := coder{high: math.MaxUint32, data: data, decodes: true}
	for range 4 {
		c.next()
	}
	code(&c, parts)
	if c.at < len(data) {
		return fmt.Errorf("entropy: %d bytes, of which the values take %d", len(data), c.at)
	}
	if n := len(data); n > 0 && data[n-1] == 0 {
		return errors.New("entropy: the last byte is 0, which Encode leaves out")
	}
	return nil
}

func (p Part) check() error {
	size := 1
	for _, d := range p.Shape {
		if d < 1 || size > math.MaxInt32/d {
			return fmt.Errorf("entropy: a layer of shape %v", p.Shape)
		}
		size *= d
	}
	if p.Kind < 0 || p.Kind >= Kinds || p.First < 0 || p.First+len(p.Values) > size {
		return fmt.Errorf("entropy: %d values of kind %d from %d on in a layer of shape %v, want them in it "+
			"and a kind below %d", len(p.Values), p.Kind, p.First, p.Shape, Kinds)
	}
	return nil
}

// coder is the arithmetic coder: an interval that each bit narrows to its part of it.
type coder struct {
	low, high uint32 // both in it
	value     uint32 // what is decoded: 32 bits of data
	data      []byte
	at        int // bytes of data that were read
	decodes   bool
}

// next reads a byte; after the data there are zeros.
func (c *coder) next() {
	c.value <<= 8
	if c.at < len(c.data) {
		c.value |= uint32(c.data[c.at])
		c.at++
	}
}

// bit codes a bit that is 1 with a probability of p / 65536, p from 1 to 65535: it returns the bit, which
// a decoder reads.
func (c *coder) bit(bit, p int) int {
	middle := c.low + uint32(uint64(c.high-c.low)*uint64(p)>>16)
	if c.decodes {
		bit = 0
		if c.value <= middle {
			bit = 1
		}
	}
	if bit == 1 {
		c.high = middle
	} else {
		c.low = middle + 1
	}
	for (c.low^c.high)>>24 == 0 {
		if c.decodes {
			c.next()
		} else {
			c.data = append(c.data, byte(c.low>>24))
		}
		c.low, c.high = c.low<<8, c.high<<8|0xff
	}
	return bit
}

// code encodes or decodes the values of parts.
func code(c *coder, parts []Part) {
	m := newModel(c)
	for _, p := range parts {
		m.begin(p)
		for i, v := range p.Values {
			m.place(p, i)
			if got := m.value(int(v)); c.decodes {
				p.Values[i] = int8(got)
			}
		}
	}
}

// A value is coded as bits: the number of bits of its magnitude, one by one (none; no more than one; …),
// its sign, and its magnitude below the highest bit. A node names the bit: what is known of the value
// before it.
const (
	nodeSign  = 8   // 0 to 7: more than so many bits?
	nodeBits  = 16  // and on: below the highest bit, by length and what is known of the magnitude
	nodes     = 144 // the last is that of the last bit of 127
	middles   = 17  // nodes that contexts of many values tell apart: all before nodeBits, all others
	smalls    = 4   // those of contexts of few values: 0, 1, sign, all others
	maxLength = 7
)

// model has the probabilities of the next bit in each of some contexts.
type model struct {
	*coder
	tables  [contexts][]counter
	weights [Kinds * nodes][contexts]int32 // of the mixture, 1 is 1<<16

	base  [contexts]int // of the value's contexts in the tables
	signs int           // context of the sign among nearby ones
	kind  int
}

// contexts of a value, each with a table: magnitudes and signs nearby, its kind, column, row and page,
// and the sum of magnitudes around.
const (
	nearby = iota
	alone
	column
	row
	stretchOf // of 256 values
	around
	contexts
)

func newModel(c *coder) *model {
	m := &model{coder: c}
	for k := range m.weights {
		for i := range m.weights[k] {
			m.weights[k][i] = 1 << 16 / contexts
		}
	}
	m.tables[nearby] = newCounters(Kinds * nearbys * middles)
	m.tables[alone] = newCounters(Kinds * nodes)
	m.tables[around] = newCounters(Kinds * arounds * smalls)
	return m
}

const (
	nearbys = 4*3*4*3 + 27 // and of signs
	arounds = 16
)

// begin forgets columns, rows and pages.
func (m *model) begin(p Part) {
	width := p.Shape[len(p.Shape)-1]
	m.tables[column] = newCounters(width * smalls)
	m.tables[row] = newCounters(((p.First%width+len(p.Values))/width + 1) * smalls)
	m.tables[stretchOf] = newCounters((len(p.Values)/256 + 1) * smalls)
	m.kind = p.Kind
}

// place looks at what surrounds value i of a part.
func (m *model) place(p Part, i int) {
	width := p.Shape[len(p.Shape)-1]
	slab := width
	if n := len(p.Shape); n > 1 {
		slab *= p.Shape[n-2]
	}
	at := func(back int) int {
		if back > i {
			return 0
		}
		return int(p.Values[i-back])
	}
	magnitude := func(v, most int) int { return min(max(v, -v), most) }
	sign := func(v int) int { return min(max(v, -1), 1) + 1 }
	left, before, above, far := at(1), at(2), at(width), at(slab)
	near := ((magnitude(left, 3)*3+magnitude(before, 2))*4+magnitude(above, 3))*3 + magnitude(far, 2)
	sum := 2*(magnitude(left, 3)+magnitude(above, 3)) + magnitude(before, 3) + magnitude(at(3), 3)
	if width > 2 {
		sum += magnitude(at(width-1), 3) + magnitude(at(width+1), 3)
	}
	at0 := p.First%width + i
	m.base = [contexts]int{
		nearby: (p.Kind*nearbys + near) * middles, alone: p.Kind * nodes, column: at0 % width * smalls,
		row: at0 / width * smalls, stretchOf: i / 256 * smalls,
		around: (p.Kind*arounds + min(sum, arounds-1)) * smalls,
	}
	m.signs = (p.Kind*nearbys + 4*3*4*3 + (sign(left)*3+sign(above))*3 + sign(far)) * middles
}

// value codes a value.
func (m *model) value(v int) int {
	magnitude := max(v, -v)
	length := 0
	for length < maxLength && m.bit(flag(bits.Len(uint(magnitude)) > length), length) == 1 {
		length++
	}
	if length == 0 {
		return 0
	}
	negative := m.bit(flag(v < 0), nodeSign)
	got := 1
	for k := length - 2; k >= 0; k-- {
		got = got<<1 | m.bit(magnitude>>k&1, nodeBits+1<<(length-1)+got)
	}
	if negative == 1 {
		return -got
	}
	return got
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// bit codes a bit of a node, with the mixture of the contexts' probabilities: weights multiply their
// logarithms of odds, and follow what would have made the bit shorter.
func (m *model) bit(bit, node int) int {
	middle, small := min(node, middles-1), min(node, smalls-1)
	if node == nodeSign {
		small = 2
	}
	var counters [contexts]*counter
	var inputs [contexts]int32
	weights := &m.weights[m.kind*nodes+node]
	sum := int64(0)
	for i, base := range m.base {
		switch {
		case i == nearby && node == nodeSign:
			base = m.signs + node
		case i == nearby:
			base += middle
		case i == alone:
			base += node
		default:
			base += small
		}
		c := &m.tables[i][base]
		if c.n == 0 { // what it has yet to learn it takes from the kind
			c.p = m.tables[alone][m.base[alone]+node].p
		}
		counters[i] = c
		inputs[i] = int32(logOdds[c.p>>16])
		sum += int64(inputs[i]) * int64(weights[i])
	}
	p := squash(int(sum >> 16))
	bit = m.coder.bit(bit, p)
	fault := int64(bit<<16 - p)
	for i := range weights {
		weights[i] += int32((int64(inputs[i])*fault*rate + 1<<15) >> 16)
		counters[i].count(bit, priors[i])
	}
	return bit
}

// rate is that of the weights' learning.
const rate = 2

// counter is a probability of 1 in 32 bits, from how many bits it is, and their mean at first, of later
// ones more of the last.
type counter struct{ p, n uint32 }

// window is how many bits count for most of a probability.
const window = 400

func newCounters(n int) []counter {
	c := make([]counter, n)
	for i := range c {
		c[i].p = 1 << 31
	}
	return c
}

// priors are as how many bits the first probability counts.
var priors = [contexts]uint32{nearby: 8, alone: 1, column: 16, row: 16, stretchOf: 16, around: 8}

func (c *counter) count(bit int, prior uint32) {
	target := int64(bit) * math.MaxUint32
	c.p = uint32(int64(c.p) + (target-int64(c.p))/int64(c.n+prior+1))
	c.n = min(c.n+1, window)
}

// most bounds logarithms of odds, in parts of 256.
const most = 2800

// squashed are 65536 / (1 + e^(-x/256)) for x from -most to most. Multiplications and divisions are
// rounded one by one, as they are on every machine.
var squashed = func() (s [2*most + 1]int) {
	factor := 1.0039138893383475734 // e^(1/256)
	power := 1.0
	for x := 0; x <= most; x++ {
		low := int(float64(65536/float64(1+power)) + 0.5)
		s[most-x], s[most+x] = low, 65536-low
		power = float64(power * factor)
	}
	return s
}()

func squash(x int) int { return squashed[max(-most, min(most, x))+most] }

// logOdds is the inverse of squash: of p the least x whose squash is p at least.
var logOdds = func() (l [65536]int16) {
	next := 0
	for x := -most; x <= most; x++ {
		for v := squash(x); next <= v && next < len(l); next++ {
			l[next] = int16(x)
		}
	}
	for ; next < len(l); next++ {
		l[next] = most
	}
	return l
}()
