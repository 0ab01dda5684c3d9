package page

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var scaleFormats = []ScaleFormat{ScaleFloat32, ScaleFloat16, ScaleLog8}

func TestHalvesByHand(t *testing.T) {
	for _, c := range []struct {
		v    float64
		bits uint16
		back float64
	}{
		{0, 0, 0},
		{1, 0x3c00, 1},
		{-2, 0xc000, -2},
		{0.333251953125, 0x3555, 0.333251953125},
		{65504, 0x7bff, 65504},
		{-1e6, 0xfbff, -65504},                      // beyond the largest
		{1 + 0x1p-11, 0x3c00, 1},                    // tie to even, down
		{1 + 0x3p-11, 0x3c02, 1 + 0x1p-9},           // tie to even, up
		{2 - 0x1p-12, 0x4000, 2},                    // carries into the exponent
		{0x1p-14, 0x0400, 0x1p-14},                  // smallest normal
		{0x1p-14 - 0x1p-26, 0x0400, 0x1p-14},        // up to it
		{0x1.8p-24, 0x0002, 0x1p-23},                // subnormal tie
		{0x1p-25, 0, 0},                             // tie with 0
		{-0x1.2p-25, 0x8001, -0x1p-24},              // smallest
		{math.Inf(1), 0x7bff, 65504},                // no infinite scale
		{math.Copysign(0, -1), 0x8000, 0},           // -0 is kept
		{float64(float32(0.1)), 0x2e66, 0x1.998p-4}, // 0.0999755859375
	} {
		if got := halfBits(float32(c.v)); got != c.bits {
			t.Errorf("half of %v is %#04x, want %#04x", c.v, got, c.bits)
		}
		if got := ScaleFloat16.Round(float32(c.v)); float64(got) != c.back {
			t.Errorf("Round(%v) is %v, want %v", c.v, got, c.back)
		}
	}
}

// All finite halves by the formula of the standard: nearest by search, and each
// rounds to itself.
func TestHalvesAgainstAll(t *testing.T) {
	var all []float64
	for h := range 0x7c00 {
		exp, m := h>>10, float64(h&0x3ff)
		v := (1 + m/1024) * math.Pow(2, float64(exp-15))
		if exp == 0 {
			v = m / 1024 * math.Pow(2, -14)
		}
		if got := halfBits(float32(v)); int(got) != h {
			t.Fatalf("half of %v is %#04x, want %#04x", v, got, h)
		}
		if got := halfValue(uint16(h)); float64(got) != v {
			t.Fatalf("half %#04x is %v, want %v", h, got, v)
		}
		all = append(all, v)
	}
	rng := rand.New(rand.NewPCG(7, 8))
	for range 20000 {
		v := float32(rng.NormFloat64() * math.Pow(2, float64(rng.IntN(40)-26)))
		a := math.Abs(float64(v))
		i, _ := slices.BinarySearch(all, a)
		want := all[min(i, len(all)-1)]
		if i > 0 && a-all[i-1] < math.Abs(want-a) {
			want = all[i-1]
		}
		if got := ScaleFloat16.Round(v); math.Abs(float64(got)-float64(v)) > math.Abs(want-a) {
			t.Fatalf("Round(%v) is %v, %v is nearer", v, got, want)
		}
	}
}

func TestLog8ByHand(t *testing.T) {
	for _, c := range []struct{ v, back float64 }{
		{0, 0},
		{1, 1}, {-2, -2}, {0.5, 0.5},
		{1.04, 1}, {1.05, 1.0905077}, // the border is 2^(1/16) = 1.0443
		{-0.7, -0.70710678},
		{3, 3.0844216},
		{100, 3.6680162}, {math.Inf(-1), -3.6680162},
		{6.6570e-5, 6.6559311e-5}, // 2^(-111/8)
		{-5e-5, -6.6559311e-5},
		{3.4e-5, 6.6559311e-5}, {3.3e-5, 0}, {-1e-30, 0},
	} {
		got := float64(ScaleLog8.Round(float32(c.v)))
		if math.Abs(got-c.back) > 1e-7*math.Abs(c.back) {
			t.Errorf("Round(%v) is %v, want %v", c.v, got, c.back)
		}
	}
	packed := ScaleLog8.Pack([]float32{0, 1, 2, 0.5, -1, ScaleLog8.Round(9), ScaleLog8.Round(6e-5)})
	if want := []byte{0, 112, 120, 104, 0x80 | 112, 127, 1}; !slices.Equal(packed, want) {
		t.Errorf("packed %v; want %v", packed, want)
	}
	for b := range 256 {
		if b == 0x80 {
			continue
		}
		one := ScaleLog8.Unpack([]byte{byte(b)})
		if err := ScaleLog8.Check(one); err != nil {
			t.Fatal(err)
		}
		if m := b & 0x7f; m > 0 {
			want := math.Pow(2, float64(m-112)/8)
			if got := math.Abs(float64(one[0])); math.Abs(got-want) > 1e-7*want || one[0] < 0 != (b > 127) {
				t.Errorf("byte %#02x is %v, want %v", b, one[0], want)
			}
		}
		if again := ScaleLog8.Pack(one); again[0] != byte(b) {
			t.Errorf("byte %#02x comes back as %x", b, again)
		}
	}
}

func TestScaleFormats(t *testing.T) {
	values := []float32{0, 1, -2, 0.5, 0.0001, 12345.678}
	for i, f := range scaleFormats {
		rounded := make([]float32, len(values))
		for k, v := range values {
			rounded[k] = f.Round(v)
		}
		packed, err := f.Pack(rounded), f.Check(rounded)
		if err != nil || len(packed) != []int{4, 2, 1}[i]*len(values) ||
			f.Bytes()*len(values) != len(packed) {
			t.Errorf("%s: %d bytes, %v", f, len(packed), err)
		}
		if got := f.Unpack(packed); !slices.Equal(got, rounded) {
			t.Errorf("%s: %v came back as %v", f, rounded, got)
		}
		if nan := f.Round(float32(math.NaN())); nan == nan {
			t.Errorf("%s: Round(NaN) is %v", f, nan)
		}
	}
	pack := func(f ScaleFormat, v float32) error { return f.Check([]float32{1, v}) }
	for _, c := range []struct {
		err  error
		want string
	}{
		{ScaleFormat("float64").Validate(), `"float64"`},
		{pack(ScaleFloat16, 0.1), "scale 1 is 0.1"},
		{pack(ScaleFloat16, float32(math.Inf(1))), "scale 1 is +Inf"},
		{pack(ScaleLog8, 0.1), "scale 1 is 0.1"},
		{pack(ScaleLog8, float32(math.Copysign(0, -1))), "scale 1 is -0"},
		{pack(ScaleLog8, float32(math.NaN())), "scale 1 is NaN"},
		{ScaleLog8.Check(ScaleLog8.Unpack([]byte{1, 0x80})), "scale 1 is -0"},
		{ScaleFloat16.Check(ScaleFloat16.Unpack([]byte{0, 0, 0, 0x7c})), "scale 1 is 65536"},
		{ScaleFloat16.Check(ScaleFloat16.Unpack([]byte{0, 0, 1, 0xfe})), "scale 1 is -98"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("error %v, want %q", c.err, c.want)
		}
	}
}
