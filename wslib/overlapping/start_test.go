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
	s, err := p.StartSet(NormalizedPages, 1)
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

func TestRandomPagesHaveTheNetworksMagnitude(t *testing.T) {
	p, _ := New(512, 2)
	w := make([]float32, 1024)
	for i := range w {
		w[i] = 0.3
		if i >= 512 {
			w[i] = -0.02
		}
	}
	if _, err := p.Add(Network{Name: "a", Weights: w, Fisher: make([]float32, 1024)}); err != nil {
		t.Fatal(err)
	}
	s, err := p.StartSet(RandomPages, 3)
	if err != nil {
		t.Fatal(err)
	}
	got := s.Weights(0)
	for page, want := range []float64{0.3, 0.02} {
		if r := float64(rms(got[page*512 : page*512+512])); math.Abs(r/want-1) > 0.15 {
			t.Errorf("page %d has root mean square %v, want about %v", page, r, want)
		}
	}
	again, _ := p.StartSet(RandomPages, 3)
	other, _ := p.StartSet(RandomPages, 4)
	if !slices.Equal(s.Pages, again.Pages) || slices.Equal(s.Pages, other.Pages) {
		t.Error("the seed does not decide the pages")
	}
	if _, err := p.StartSet("zero", 1); err == nil {
		t.Error("unknown start accepted")
	}
}

// By hand: two networks on one shared page. Root mean squares are 2.5^0.5 times 1 and 0.1
// of weights 1, -2 and 0.2, 0.1; one of the first network's two pages is exclusive.
func TestSignedPagesByHand(t *testing.T) {
	p, _ := New(2, 1)
	for _, n := range []Network{
		{Name: "a", Weights: []float32{1, -2, 5, -7}, Exclusive: []int{1}},
		{Name: "b", Weights: []float32{-0.2, -0.1}},
	} {
		n.Fisher = make([]float32, len(n.Weights))
		if _, err := p.Add(n); err != nil {
			t.Fatal(err)
		}
		p.Average()
	}
	s, err := p.StartSet(SignedPages, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	// The mean of 1 and 2, and of 2 and 1, in fifths of the root mean square.
	for i, want := range [][]float32{{1.5, -1.5, 5, -7}, {-0.15, -0.15}} {
		got := s.Weights(i)
		for k := range want {
			if math.Abs(float64(got[k]/want[k])-1) > 1e-5 {
				t.Errorf("%s: weights %v, want %v", s.Networks[i].Name, got, want)
				break
			}
		}
	}
	if r := rms(s.Pages); math.Abs(float64(r)-0.2*1.5/math.Sqrt(2.5)) > 1e-5 {
		t.Errorf("root mean square of the shared page %v, want %v", r, 0.2*1.5/math.Sqrt(2.5))
	}
}

// By hand: keys of two bits. Of weights 1, -2 and -0.2, -0.1 those above the root mean square,
// 2.5^0.5 and a tenth of it, have keys of 1.5, the others of 0.5. Both values of the shared page
// are, in units of the root mean square over 2.5^0.5, (1 0.5 + 2 1.5) / (0.5² + 1.5²) = 1.4.
func TestKeyedPagesByHand(t *testing.T) {
	p, _ := New(2, 1)
	for _, n := range []Network{{Name: "a", Weights: []float32{1, -2}}, {Name: "b", Weights: []float32{-0.2, -0.1}}} {
		n.Fisher = make([]float32, len(n.Weights))
		if _, err := p.Add(n); err != nil {
			t.Fatal(err)
		}
		p.Average()
	}
	s, err := p.StartSet(KeyedPages, 1)
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
	for _, keys := range []page.Precision{page.Int1, page.Int2} {
		if start := KeyedStart(keys); start.Keys() != keys {
			t.Errorf("start %q for keys of %v", start, keys)
		}
	}
}

// Optimized networks with keys go on, and are joined, with keys of their precision only.
func TestKeysOfOnePrecision(t *testing.T) {
	n := Network{Name: "a", Weights: []float32{1, -2, 3, -4}, Fisher: make([]float32, 4)}
	p, _ := New(2, 2)
	if _, err := p.Add(n); err != nil {
		t.Fatal(err)
	}
	old, err := p.StartSet(SignedPages, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, take := range []func(*page.Set, Start, uint64) (*page.Set, error){p.Continue, p.Extend} {
		if _, err := take(old, KeyedPages, 1); err == nil || !strings.Contains(err.Error(), "keys of int1, the others would start with keys of int2") {
			t.Errorf("signs go on as keys of two bits: %v", err)
		}
		for _, start := range []Start{SignedPages, NormalizedPages} {
			s, err := take(old, start, 1)
			if err != nil || s.Validate() != nil || s.KeyPrecision != page.Int1 {
				t.Errorf("start %s: keys of %v, %v", start, s.KeyPrecision, err)
			}
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
	for _, start := range []Start{SignedPages, KeyedPages} {
		s, err := p.StartSet(start, 1)
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range s.Weights(0) {
			if math.Abs(float64(v-w[k])) > 1e-6 {
				t.Errorf("%s: weight %d is %v, want %v", start, k, v, w[k])
			}
		}
	}
}
