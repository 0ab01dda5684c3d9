package page

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var precisions = []Precision{Float32, Int16, Int8, Int4, Int2, Int1}

// codes lists the code values of a quantized precision, rising, from the words of
// its description.
func codes(p Precision) []float32 {
	switch p {
	case Int2:
		return []float32{-1.5, -0.5, 0.5, 1.5}
	case Int1:
		return []float32{-1, 1}
	}
	limit := map[Precision]int{Int16: 32767, Int8: 127, Int4: 7}[p]
	var all []float32
	for c := -limit; c <= limit; c++ {
		all = append(all, float32(c))
	}
	return all
}

func TestRoundAgainstAllCodes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, p := range precisions[1:] {
		all := codes(p)
		if p.Levels() != len(all) || p.Limit() != all[len(all)-1] || p.Limit() != -all[0] {
			t.Errorf("%v: %d levels to %v, want %d to %v", p, p.Levels(), p.Limit(), len(all), all[len(all)-1])
		}
		xs := []float32{0, float32(math.Copysign(0, -1)), -0.2, 1e30, -1e30, float32(math.Inf(1)), float32(math.Inf(-1)), 1, -1, 0.5, 1.5, 2.5}
		for range 300 {
			xs = append(xs, (2*rng.Float32()-1)*1.2*p.Limit())
		}
		for _, x := range xs {
			got := p.Round(x)
			if !slices.Contains(all, got) || got == 0 && math.Signbit(float64(got)) {
				t.Errorf("%v: Round(%v) is %v, no code value", p, x, got)
			}
			clamped := max(all[0], min(x, all[len(all)-1]))
			for _, c := range all {
				if math.Abs(float64(c)-float64(clamped)) < math.Abs(float64(got)-float64(clamped)) {
					t.Fatalf("%v: Round(%v) is %v, %v is nearer", p, x, got, c)
				}
			}
		}
		if nan := p.Round(float32(math.NaN())); nan == nan {
			t.Errorf("%v: Round(NaN) is %v", p, nan)
		}
	}
	for _, c := range []struct {
		p    Precision
		x, y float32
	}{{Int8, 2.5, 2}, {Int8, 3.5, 4}, {Int4, -0.5, 0}, {Int2, 1, 1.5}, {Int2, -1, -0.5}, {Int1, 0, 1}, {Float32, 0.3, 0.3}, {0, 0.3, 0.3}} {
		if got := c.p.Round(c.x); got != c.y {
			t.Errorf("%v: Round(%v) is %v, want %v", c.p, c.x, got, c.y)
		}
	}
}

// bits packs by the description, bit by bit: bit k of value i is bit i*bits+k of
// the bytes.
func bits(p Precision, values []float32) []byte {
	packed := make([]byte, (len(values)*int(p)+7)/8)
	for i, v := range values {
		var code uint64
		switch p {
		case Float32:
			code = uint64(math.Float32bits(v))
		case Int2, Int1:
			code = uint64(slices.Index(codes(p), v))
		default:
			code = uint64(int64(v)) // two's complement
		}
		for k := range int(p) {
			at := i*int(p) + k
			packed[at/8] |= byte(code>>k&1) << (at % 8)
		}
	}
	return packed
}

func TestPackBitByBit(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, p := range precisions {
		for _, n := range []int{0, 1, 2, 3, 7, 8, 9, 13, 31, 512} {
			values := make([]float32, n)
			for i := range values {
				values[i] = p.Round((2*rng.Float32() - 1) * (min(p.Limit(), 1e6) + 0.4))
			}
			packed, err := p.Pack(values)
			if err != nil || len(packed) != p.Bytes(n) || !bytes.Equal(packed, bits(p, values)) {
				t.Errorf("%v: %v packed %x, %v; want %x", p, values, packed, err, bits(p, values))
				continue
			}
			got := make([]float32, n)
			if err := p.Unpack(got, packed); err != nil || !slices.Equal(got, values) {
				t.Errorf("%v: %v unpacked %v, %v", p, values, got, err)
			}
		}
		if !p.Quantized() {
			continue
		}
		all := codes(p)
		packed, err := p.Pack(all)
		got := make([]float32, len(all))
		if err != nil || p.Unpack(got, packed) != nil || !slices.Equal(got, all) {
			t.Errorf("%v: not every code value comes back: %v", p, err)
		}
	}
	for _, c := range []struct { // worked by hand
		p      Precision
		values []float32
		want   []byte
	}{
		{Int16, []float32{-2, 258}, []byte{0xfe, 0xff, 2, 1}},
		{Int8, []float32{-127, 5}, []byte{0x81, 5}},
		{Int4, []float32{1, -1, 7}, []byte{0xf1, 7}},
		{Int2, []float32{-1.5, -0.5, 0.5, 1.5, 0.5}, []byte{0xe4, 2}},
		{Int1, []float32{1, -1, -1, 1, 1, -1, -1, -1, 1}, []byte{0x19, 1}},
		{0, []float32{1}, []byte{0, 0, 0x80, 0x3f}},
	} {
		if got, err := c.p.Pack(c.values); err != nil || !bytes.Equal(got, c.want) {
			t.Errorf("%v: %v packed %x, %v; want %x", c.p, c.values, got, err, c.want)
		}
	}
}

// Pages start at a byte even where 13 values of a page end within one.
func TestGatherPackedEqualsGather(t *testing.T) {
	for _, p := range precisions {
		for _, own := range append(precisions, 0) {
			t.Run(fmt.Sprintf("%v, own %d", p, own), func(t *testing.T) { gatherPackedEqualsGather(t, p, own) })
		}
	}
}

func gatherPackedEqualsGather(t *testing.T, p, own Precision) {
	const size = 13
	rng := rand.New(rand.NewPCG(5, 6))
	tab := Table{Shared: 3, Entries: []int32{2, 3, 2, 0, 4}}
	f := Format{Size: size, Shared: 3, Precision: p, ExclusivePrecision: own}
	if own == 0 {
		own = p
	}
	random := func(p Precision, pages int) ([]float32, []byte) {
		values := make([]float32, pages*size)
		for i := range values {
			values[i] = p.Round((2*rng.Float32() - 1) * min(p.Limit(), 1e6))
		}
		packed, err := p.PackPages(values, size)
		if err != nil || len(packed) != pages*p.Bytes(size) {
			t.Fatalf("%v: %d bytes, %v", p, len(packed), err)
		}
		return values, packed
	}
	for _, scales := range [][]float32{{0.1, -3, 1, 0, 7e-8}, nil} {
		shared, a := random(p, 3)
		exclusive, b := random(own, 2)
		for n := 4*size + 1; n <= 5*size; n++ { // last pages of every length
			got, want := make([]float32, n), make([]float32, n)
			tab.GatherPacked(got, f, a, b, scales)
			tab.Gather(want, shared, exclusive, scales, size)
			for i := range want {
				if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
					t.Fatalf("weight %d of %d is %v, want %v", i, n, got[i], want[i])
				}
			}
		}
	}
}

func TestPrecisionErrors(t *testing.T) {
	dst := make([]float32, 3)
	minusZero := float32(math.Copysign(0, -1))
	pack := func(p Precision, v float32) error { _, err := p.Pack([]float32{p.Limit(), v}); return err }
	_, page := Int8.PackPages([]float32{0, 0, 0, 0.5}, 2)
	for _, c := range []struct {
		err  error
		want string
	}{
		{Precision(3).Validate(), "3 bits"},
		{Precision(-1).Validate(), "-1 bits"},
		{Precision(64).Unpack(dst, nil), "64 bits"},
		{pack(Int8, 128), "value 1 is 128"},
		{pack(Int4, 0.5), "value 1 is 0.5"},
		{pack(Int4, minusZero), "value 1 is -0"},
		{pack(Int2, 0), "value 1 is 0"},
		{pack(Int1, float32(math.NaN())), "value 1 is NaN"},
		{page, "page 1: value 1 is 0.5"},
		{Int8.Unpack(dst, []byte{1, 0x80, 1}), "value 1 is -128"},
		{Int16.Unpack(dst, []byte{1, 0, 0, 0x80, 1, 0}), "value 1 is -32768"},
		{Int4.Unpack(dst, []byte{0x81, 1}), "value 1 is -8"},
		{Int4.Unpack(dst, []byte{1, 0x11}), "last byte is 0x11"},
		{Int2.Unpack(dst, []byte{0x40}), "last byte is 0x40"},
		{Int1.Unpack(dst, []byte{8}), "last byte is 0x08"},
		{Int1.Unpack(dst, []byte{1, 1}), "2 bytes, 3 values of int1 need 1"},
		{Int4.UnpackPages(make([]float32, 6), []byte{1, 1, 0x81, 1}, 3), "page 1: value 1 is -8"},
		{Int4.UnpackPages(make([]float32, 6), make([]byte, 3), 3), "3 bytes, 2 pages of int4 need 2 each"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("error %v, want %q", c.err, c.want)
		}
	}
}

// BenchmarkGather gathers 128 pages of 512 with scales: from float32 values, and
// from pages packed in each precision.
func BenchmarkGather(b *testing.B) {
	const pages, size = 128, 512
	rng := rand.New(rand.NewPCG(1, 1))
	t := Table{Shared: pages}
	scales := make([]float32, pages)
	for i := range pages {
		t.Entries = append(t.Entries, int32(rng.IntN(pages)))
		scales[i] = rng.Float32()
	}
	values, dst := make([]float32, pages*size), make([]float32, pages*size)
	b.Run("values", func(b *testing.B) {
		for b.Loop() {
			t.Gather(dst, values, nil, scales, size)
		}
	})
	for _, p := range precisions {
		for i := range values {
			values[i] = p.Round((2*rng.Float32() - 1) * p.Limit())
		}
		packed, err := p.PackPages(values, size)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(p.String(), func(b *testing.B) {
			for b.Loop() {
				t.GatherPacked(dst, Format{Size: size, Precision: p}, packed, nil, scales)
			}
		})
	}
}
