package entropy

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// drawn are values of a zero-mean normal distribution in steps, of which fewer are zeros the finer they
// are.
func drawn(rng *rand.Rand, n int, deviation float64) []int8 {
	v := make([]int8, n)
	for i := range v {
		v[i] = int8(max(-127, min(127, math.Round(rng.NormFloat64()*deviation))))
	}
	return v
}

// entropy of values in bytes, from how often each is there.
func entropyOf(values []int8) float64 {
	counts := map[int8]int{}
	for _, v := range values {
		counts[v]++
	}
	bits := 0.0
	for _, n := range counts {
		bits -= float64(n) * math.Log2(float64(n)/float64(len(values)))
	}
	return bits / 8
}

func decoded(t *testing.T, parts []Part, data []byte) {
	t.Helper()
	got := slices.Clone(parts)
	for i := range got {
		got[i].Values = make([]int8, len(parts[i].Values))
	}
	if err := Decode(got, data); err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if !slices.Equal(got[i].Values, parts[i].Values) {
			t.Fatalf("part %d of %d values comes back otherwise", i, len(parts[i].Values))
		}
	}
}

// Values come back as they were, all of them, of any shape.
func TestRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var all []int8
	for v := -127; v <= 127; v++ {
		all = append(all, int8(v))
	}
	for _, parts := range [][]Part{
		nil,
		{{Shape: []int{1}}},
		{{Shape: []int{7}, Values: make([]int8, 7)}},
		{{Shape: []int{255}, Values: all}, {Kind: 3, Shape: []int{3, 100}, First: 17, Values: all}},
		{{Shape: []int{3, 3, 8, 32}, Values: drawn(rng, 2304, 0.4)},
			{Kind: 1, Shape: []int{64, 10}, First: 5, Values: drawn(rng, 600, 30)},
			{Shape: []int{64, 10}, First: 605, Values: drawn(rng, 35, 0.1)}},
	} {
		data := Encode(parts)
		decoded(t, parts, data)
		if len(data) == 0 {
			continue
		}
		if err := Decode(parts, append(slices.Clone(data), 1, 2, 3, 4, 5, 6, 7, 8, 9)); err == nil {
			t.Error("bytes after the values are no error")
		}
	}
	for range 200 {
		n := 1 + rng.IntN(300)
		first := rng.IntN(10)
		parts := []Part{{Kind: rng.IntN(Kinds), Shape: []int{1 + rng.IntN(5), 310}, First: first,
			Values: drawn(rng, n, math.Exp(4*rng.Float64()-2))}}
		decoded(t, parts, Encode(parts))
	}
}

// Values without any order take little more than their entropy.
func TestSizeIsEntropy(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct{ deviation, more float64 }{
		{0.2, 1.05}, {0.3, 1.02}, {0.5, 1.01}, {1, 1.01}, {3, 1.02}, {30, 1.02},
	} {
		values := drawn(rng, 64_000, c.deviation)
		size, least := len(Encode([]Part{{Shape: []int{500, 128}, Values: values}})), entropyOf(values)
		t.Logf("deviation %v: %d bytes, entropy %.0f, %.3f times", c.deviation, size, least, float64(size)/least)
		if float64(size) > c.more*least+16 {
			t.Errorf("deviation %v: %d bytes, the entropy is %.0f", c.deviation, size, least)
		}
	}
}

// Where rows, columns or stretches differ, values take less than their entropy without regard to place,
// and about the sum of the entropies of what differs.
func TestContextsAreWorthTheirName(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	const rows, width = 400, 128
	for _, c := range []struct {
		name string
		half func(i int) int
	}{
		{"columns", func(i int) int { return i % width % 2 }},
		{"rows", func(i int) int { return i / width % 2 }},
		{"halves", func(i int) int { return 2 * i / (rows * width) }},
	} {
		values, groups := make([]int8, rows*width), map[float64][]int8{}
		for i := range values {
			d := []float64{0.1, 0.6}[c.half(i)]
			values[i] = drawn(rng, 1, d)[0]
			groups[d] = append(groups[d], values[i])
		}
		least := 0.0
		for _, g := range groups {
			least += entropyOf(g)
		}
		size := float64(len(Encode([]Part{{Shape: []int{rows, width}, Values: values}})))
		t.Logf("%s: %.0f bytes, entropy %.0f, without regard to place %.0f", c.name, size, least,
			entropyOf(values))
		if size > 1.06*least {
			t.Errorf("%s: %.0f bytes, the entropies are %.0f", c.name, size, least)
		}
	}
}

// The logistic function, and its inverse.
func TestSquash(t *testing.T) {
	for x := -most; x <= most; x++ {
		want := 65536 / (1 + math.Exp(-float64(x)/256))
		if got := float64(squash(x)); math.Abs(got-want) > 0.501 || got < 1 || got > 65535 {
			t.Fatalf("squash(%d) = %v, want %.2f", x, got, want)
		}
	}
	for p := 1; p < 65536; p++ {
		x := int(logOdds[p])
		if x < most && squash(x) < p || x > -most && squash(x-1) >= p {
			t.Fatalf("the logarithm of the odds of %d is %d: its squash is %d, before it %d", p, x, squash(x),
				squash(x-1))
		}
	}
}

func TestRefuses(t *testing.T) {
	for _, p := range []Part{
		{Kind: Kinds, Shape: []int{1}}, {Kind: -1, Shape: []int{1}}, {Shape: []int{0}}, {Shape: []int{-1, -1}},
		{Shape: []int{2, 3}, First: 3, Values: make([]int8, 4)}, {Shape: []int{2}, First: -1},
		{Shape: []int{1 << 20, 1 << 20}, Values: make([]int8, 1)},
	} {
		if err := Decode([]Part{p}, nil); err == nil {
			t.Errorf("%+v is decoded", p)
		}
	}
}

// Any bytes give an error or values, at once.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{}, byte(3))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff}, byte(1))
	f.Add(Encode([]Part{{Shape: []int{5, 8}, Values: drawn(rand.New(rand.NewPCG(7, 8)), 40, 3)}}), byte(0))
	f.Fuzz(func(t *testing.T, data []byte, kind byte) {
		parts := []Part{{Kind: int(kind) % Kinds, Shape: []int{5, 8}, Values: make([]int8, 30)},
			{Shape: []int{7}, Values: make([]int8, 7)}}
		if Decode(parts, data) != nil {
			return
		}
		decoded(t, parts, Encode(parts))
	})
}

func BenchmarkEncode(b *testing.B) {
	values := drawn(rand.New(rand.NewPCG(9, 9)), 64_000, 0.5)
	b.SetBytes(64_000)
	for b.Loop() {
		Encode([]Part{{Shape: []int{500, 128}, Values: values}})
	}
}
