package overlapping

import (
	"math"
	"slices"
	"testing"
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
