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

var precisions = []Precision{Float32, Int8, Int4, Int2}

// codes lists the code values of a quantized precision, rising, from the words of
// its description.
func codes(p Precision) []float32 {
	if p == Int2 {
		return []float32{-1.5, -0.5, 0.5, 1.5}
	}
	limit := map[Precision]int{Int8: 127, Int4: 7}[p]
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
		if p.Limit() != all[len(all)-1] || p.Limit() != -all[0] {
			t.Errorf("%v: codes to %v, want to %v", p, p.Limit(), all[len(all)-1])
		}
		xs := []float32{0, float32(math.Copysign(0, -1)), -0.2, 1e30, -1e30, float32(math.Inf(1)),
			float32(math.Inf(-1)), 1, -1, 0.5, 1.5, 2.5}
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
	}{{Int8, 2.5, 2}, {Int8, 3.5, 4}, {Int4, -0.5, 0}, {Int2, 1, 1.5}, {Int2, -1, -0.5}, {Float32, 0.3, 0.3},
		{0, 0.3, 0.3}} {
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
		case Int2:
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
		for _, n := range []int{1, 2, 3, 7, 8, 9, 13, 31, 512} {
			values := make([]float32, n)
			for i := range values {
				values[i] = p.Round((2*rng.Float32() - 1) * (min(p.Limit(), 1e6) + 0.4))
			}
			packed := p.Pack(values, n)
			if len(packed) != p.Bytes(n) || !bytes.Equal(packed, bits(p, values)) {
				t.Errorf("%v: %v packed %x, want %x", p, values, packed, bits(p, values))
				continue
			}
			if err := p.CheckPacked(packed, n); err != nil {
				t.Error(err)
			}
			if got := p.Unpack(packed, n); !slices.Equal(got, values) {
				t.Errorf("%v: %v unpacked %v", p, values, got)
			}
		}
		if !p.Quantized() {
			continue
		}
		all := codes(p)
		if got := p.Unpack(p.Pack(all, len(all)), len(all)); !slices.Equal(got, all) {
			t.Errorf("%v: not every code value comes back", p)
		}
	}
	nan := float32(math.NaN())
	for _, c := range []struct { // worked by hand
		p      Precision
		values []float32
		want   []byte
	}{
		{Int8, []float32{-127, 5}, []byte{0x81, 5}},
		{Int4, []float32{1, -1, 7}, []byte{0xf1, 7}},
		{Int2, []float32{-1.5, -0.5, 0.5, 1.5, 0.5}, []byte{0xe4, 2}},
		{Int4, []float32{99, 0.4, nan}, []byte{7, 0}}, // the nearest
		{Int2, []float32{-9, nan}, []byte{8}},
		{0, []float32{1}, []byte{0, 0, 0x80, 0x3f}},
	} {
		if got := c.p.Pack(c.values, len(c.values)); !bytes.Equal(got, c.want) {
			t.Errorf("%v: %v packed %x, want %x", c.p, c.values, got, c.want)
		}
	}
}

// Pages start at a byte even where 13 values of a page end within one; of 45, sixteen are decoded at a
// time, twice. The oracle goes one weight at a time through the values before they were packed.
func TestGatherOneByOne(t *testing.T) {
	for _, p := range precisions {
		for _, own := range append(precisions, 0) {
			t.Run(fmt.Sprintf("%v, own %d", p, own), func(t *testing.T) {
				gatherOneByOne(t, 13, p, own)
				gatherOneByOne(t, 45, p, own)
			})
		}
	}
}

func gatherOneByOne(t *testing.T, size int, p, own Precision) {
	t.Helper()
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
		return values, p.Pack(values, size)
	}
	shared, a := random(p, 3)
	exclusive, b := random(own, 2)
	values := append(shared, exclusive...) // page 3 is the first exclusive one
	for _, scales := range [][]float32{{0.1, -3, 1, 0, 7e-8}, nil} {
		for n := 4*size + 1; n <= 5*size; n++ { // last pages of every length
			got := make([]float32, n)
			tab.gather(got, 0, 5, f, a, b, scales, nil)
			for i := range got {
				want := values[int(tab.Entries[i/size])*size+i%size]
				if scales != nil {
					want *= scales[i/size]
				}
				if math.Float32bits(got[i]) != math.Float32bits(want) {
					t.Fatalf("weight %d of %d is %v, want %v", i, n, got[i], want)
				}
			}
		}
	}
}

func TestPrecisionErrors(t *testing.T) {
	minusZero := float32(math.Copysign(0, -1))
	floats := PackFloats([]float32{1, 2, float32(math.NaN()), 4})
	long := make([]byte, Int4.Bytes(1000))
	long[999/2] = 0x80
	for _, c := range []struct {
		err  error
		want string
	}{
		{Precision(3).Validate(), "3 bits"},
		{Precision(-1).Validate(), "-1 bits"},
		{Precision(16).Validate(), "16 bits"},
		{Int8.Check([]float32{127, 128}), "value 1 is 128"},
		{Int4.Check([]float32{7, 0.5}), "value 1 is 0.5"},
		{Int4.Check([]float32{7, minusZero}), "value 1 is -0"},
		{Int2.Check([]float32{1.5, 0}), "value 1 is 0"},
		{Int2.Check([]float32{1.5, float32(math.NaN())}), "value 1 is NaN"},
		{Int8.CheckPacked([]byte{1, 0x80, 1}, 3), "page 0: value 1 is -128, want -127..127"},
		{Int4.CheckPacked([]byte{0x81, 1}, 3), "page 0: value 1 is -8"},
		{Int4.CheckPacked([]byte{1, 0x11}, 3), "page 0: last byte is 0x11"},
		{Int2.CheckPacked([]byte{0x40}, 3), "page 0: last byte is 0x40"},
		{Int4.CheckPacked([]byte{1, 1, 0x81, 1}, 3), "page 1: value 1 is -8"},
		{Int4.CheckPacked(long, 1000), "page 0: value 999 is -8"},
		{Int4.CheckPacked(make([]byte, 3), 3), "3 bytes, want 2 for each page of 3 values of int4"},
		{Float32.CheckPacked(floats, 2), "page 1: value 0 is NaN"},
		{Float32.CheckPacked(PackFloats([]float32{float32(math.Inf(-1))}), 1), "page 0: value 0 is -Inf"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("error %v, want %q", c.err, c.want)
		}
	}
	if got := Floats(PackFloats([]float32{0.25, minusZero})); got[0] != 0.25 ||
		!math.Signbit(float64(got[1])) || len(Floats(nil)) != 0 {
		t.Errorf("floats come back as %v", got)
	}
}

// BenchmarkGather gathers 128 pages of 512 with scales: from
// pages packed in each precision.
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
	for _, p := range precisions {
		for i := range values {
			values[i] = p.Round((2*rng.Float32() - 1) * p.Limit())
		}
		packed := p.Pack(values, size)
		b.Run(p.String(), func(b *testing.B) {
			for b.Loop() {
				t.gather(dst, 0, pages, Format{Size: size, Precision: p}, packed, nil, scales, nil)
			}
		})
	}
}
