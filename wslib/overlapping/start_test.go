package overlapping

import (
	"math"
	"slices"
	"strings"
	"testing"

	"weightsep/wslib/page"
)

// Two networks whose one sharable page is the same but for a factor: from page and
// scale, both come out in proportion, and larger by sqrt 2, because the sum of two
// pages is divided as if they were independent. The page is padded.
func TestNormalizedPagesKeepProportions(t *testing.T) {
	p, _ := New(6, 1)
	a := []float32{1, -2, 3, -4}
	b := []float32{0.1, -0.2, 0.3, -0.4}
	f := []float32{1, 1, 1, 1}
	for name, w := range map[string][]float32{"a": a, "b": b} {
		if _, err := p.Add(Network{Name: name, Weights: w, Fisher: f}); err != nil {
			t.Fatal(err)
		}
		p.Average()
	}
	s, err := p.StartSet(0)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range s.Networks {
		want := p.Members[i].Weights
		got := s.Weights(i)
		for k := range want {
			if math.Abs(float64(got[k]/want[k])-math.Sqrt2) > 1e-5 {
				t.Errorf("%s: weights %v, want %v times sqrt 2", m.Name, got, want)
			}
		}
	}
}

// By hand: keys of two bits. Of weights 1, -2 and -0.2, -0.1 those above the root mean square,
// 2.5^0.5 and a tenth of it, have keys of 1.5, the others of 0.5. Both values of the shared page
// are, in units of the root mean square over 2.5^0.5, (1 0.5 + 2 1.5) / (0.5² + 1.5²) = 1.4.
func TestKeyedPagesByHand(t *testing.T) {
	p, _ := New(2, 1)
	for _, n := range []Network{{Name: "a", Weights: []float32{1, -2}},
		{Name: "b", Weights: []float32{-0.2, -0.1}}} {
		n.Fisher = make([]float32, len(n.Weights))
		if _, err := p.Add(n); err != nil {
			t.Fatal(err)
		}
		p.Average()
	}
	s, err := p.StartSet(page.Int2)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]float32{{0.7, -2.1}, {-0.21, -0.07}} {
		got := s.Weights(i)
		for k := range want {
			if math.Abs(float64(got[k]/want[k])-1) > 1e-5 {
				t.Errorf("%s: weights %v, want %v", s.Networks[i].Name, got, want)
				break
			}
		}
	}
	if _, err := p.StartSet(page.Int4); err == nil ||
		!strings.Contains(err.Error(), "keys of int4, want int2") {
		t.Errorf("keys of 4 bits: %v", err)
	}
}

// Optimized networks with keys go on with them, and are joined, whether the others start with
// keys or without.
func TestKeysGoOn(t *testing.T) {
	n := Network{Name: "a", Weights: []float32{1, -2, 3, -4}, Fisher: make([]float32, 4)}
	p, _ := New(2, 2)
	if _, err := p.Add(n); err != nil {
		t.Fatal(err)
	}
	old, err := p.StartSet(page.Int2)
	if err != nil {
		t.Fatal(err)
	}
	for _, keys := range []page.Precision{0, page.Int2} {
		s, err := p.Extend(old, keys)
		if err != nil || s.Validate() != nil || s.KeyPrecision != page.Int2 ||
			!slices.Equal(s.Networks[0].Keys, old.Networks[0].Keys) {
			t.Errorf("keys of %v: %+v, %v", keys, s, err)
		}
	}
}

// A page that one network has to itself is its weights, whatever their keys; a page of zeros
// stays zeros.
func TestPagesWithKeysAloneAreExact(t *testing.T) {
	p, _ := New(3, 3)
	w := []float32{0.3, -0.1, 0, 0, 0, 0, -4, 5}
	if _, err := p.Add(Network{Name: "a", Weights: w, Fisher: make([]float32, len(w))}); err != nil {
		t.Fatal(err)
	}
	s, err := p.StartSet(page.Int2)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range s.Weights(0) {
		if math.Abs(float64(v-w[k])) > 1e-6 {
			t.Errorf("weight %d is %v, want %v", k, v, w[k])
		}
	}
	// The exclusive page and the shared ones have the same magnitude.
	q, _ := New(2, 1)
	if _, err := q.Add(Network{Name: "a", Weights: []float32{1, -2, 5, -7}, Exclusive: []int{1},
		Fisher: make([]float32, 4)}); err != nil {
		t.Fatal(err)
	}
	if s, err = q.StartSet(page.Int2); err != nil {
		t.Fatal(err)
	}
	if r := rms(s.ExclusiveValues(0)); math.Abs(float64(r)-0.2) > 1e-6 ||
		math.Abs(float64(s.Weights(0)[3]+7)) > 1e-5 {
		t.Errorf("exclusive page of root mean square %v, want 0.2; weights %v", r, s.Weights(0))
	}
}
