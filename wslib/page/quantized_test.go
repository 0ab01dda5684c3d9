package page

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// stored is a set of 300 shared pages of 13 values: a's table names one of them
// twice and two pages of its own, b's fits in bytes.
func stored(p Precision, f ScaleFormat) *Set { return storedMixed(p, 0, f) }

// storedMixed is such a set with exclusive pages of a precision of their own.
func storedMixed(p, own Precision, f ScaleFormat) *Set {
	rng := rand.New(rand.NewPCG(uint64(p), 9))
	values := func(p Precision, pages int) []byte {
		v := make([]float32, pages*13)
		for i := range v {
			v[i] = (2*rng.Float32() - 1) * min(p.Limit(), 9)
		}
		return p.Pack(v, 13)
	}
	scales := func(v ...float32) []float32 {
		for i := range v {
			v[i] = f.Round(v[i])
		}
		return v
	}
	ofOwn := own
	if own == 0 {
		ofOwn = p
	}
	return &Set{Format: Format{13, 300, p, own, f, 0}, Pages: values(p, 300), Networks: []Member{
		{Name: "a", Weights: 60, Table: Table{300, []int32{7, 300, 7, 299, 301}},
			Exclusive: values(ofOwn, 2), Scales: scales(1, 0.3, -2, 0, 1e-3)},
		{Name: "b", Weights: 13, Table: Table{300, []int32{255}}, Exclusive: []byte{}, Scales: scales(0.7)},
	}}
}

func TestStoredByHand(t *testing.T) {
	s := stored(Int4, ScaleLog8)
	// 7 bytes hold 13 values of 4 bits. a's 5 entries reach 301 and take 2 bytes each,
	// b's one 1; 6 scales of a byte. 73 weights separately.
	b := s.Stored()
	if b.Shared != 2100 || b.Exclusive != 14 || b.Tables != 11 || b.Scales != 6 || b.Total != 2131 ||
		b.Separate != 292 {
		t.Errorf("%+v", b)
	}
	if b.RatioWeights != 73.0/(302*13) || b.RatioBytes != 292.0/2131 || b.RatioLevel1 != 292.0/2117 {
		t.Errorf("%+v", b)
	}
	for _, c := range []struct{ shared, own, bytesShared, bytesOwn int }{
		{2, 8, 300 * 4, 2 * 13}, // 26 bits are 4 bytes
		{4, 8, 300 * 7, 2 * 13},
		{8, 32, 300 * 13, 2 * 52},
		{32, 8, 300 * 52, 2 * 13},
		{0, 2, 300 * 52, 2 * 4},
	} {
		b := storedMixed(Precision(c.shared), Precision(c.own), ScaleLog8).Stored()
		if b.Shared != c.bytesShared || b.Exclusive != c.bytesOwn ||
			b.Total != c.bytesShared+c.bytesOwn+11+6 || b.RatioWeights != 73.0/(302*13) {
			t.Errorf("%d bits shared, %d exclusive: %+v", c.shared, c.own, b)
		}
	}
	for _, c := range []struct {
		entry int32
		width int
	}{{0, 1}, {255, 1}, {256, 2}, {65535, 2}, {65536, 4}} {
		if got := (Table{Shared: 1 << 20, Entries: []int32{3, c.entry, 1}}).Width(); got != c.width {
			t.Errorf("entry %d takes %d bytes, want %d", c.entry, got, c.width)
		}
	}
}

func TestSetRefusesWhatIsNotStored(t *testing.T) {
	for want, change := range map[string]func(*Set){
		"3 bits":                func(s *Set) { s.Precision = 3 },
		`"half"`:                func(s *Set) { s.ScaleFormat = "half" },
		"page 2: value 3 is -8": func(s *Set) { s.Pages[2*7+1] = 0x80 },
		"b: no scales":          func(s *Set) { s.Networks[1].Scales = nil },
		"page 1: last byte":     func(s *Set) { s.Networks[0].Exclusive[13] = 0xff },
		"2099 bytes of shared pages, want 300 of 13 values of int4, " +
			"2100 bytes": func(s *Set) { s.Pages = s.Pages[1:] },
		"13 bytes of exclusive pages, its table has 2 of 13 " +
			"values of int4": func(s *Set) { s.Networks[0].Exclusive = s.Networks[0].Exclusive[1:] },
		"a: state: weight 1 is NaN": func(s *Set) {
			s.Networks[0].State = []float32{1,
				float32(math.NaN())}
		},
		"b: scale 0 is +Inf": func(s *Set) {
			s.ScaleFormat, s.Networks[1].Scales[0] = "",
				float32(math.Inf(1))
		},
		"b: scale 0 is 0.9": func(s *Set) { s.Networks[1].Scales[0] = 0.9 },
	} {
		s := stored(Int4, ScaleLog8)
		change(s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	for want, change := range map[string]func(*Set){
		"exclusive pages: precision of 3 bits":               func(s *Set) { s.ExclusivePrecision = 3 },
		"b: no scales, which pages of float32 and int8 need": func(s *Set) { s.Networks[1].Scales = nil },
		"a: exclusive pages: page 0: value 1 is -128":        func(s *Set) { s.Networks[0].Exclusive[1] = 0x80 },
		"pages: a: page 0 has infinite weights": func(s *Set) {
			*s = *example()
			s.Pages, s.Networks[0].Scales[0] = PackFloats([]float32{1, 2, 3e38, 4}), 2
		},
		"shared pages: page 0: value 3 is NaN": func(s *Set) {
			PutFloats(s.Pages[12:],
				[]float32{float32(math.NaN())})
		},
	} {
		s := storedMixed(Float32, Int8, ScaleLog8)
		change(s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	s := storedMixed(Int8, Float32, "")
	PutFloats(s.Networks[0].Exclusive, []float32{0.1234})
	if err := s.Validate(); err != nil {
		t.Errorf("float32 exclusive pages beside int8: %v", err)
	}
}

// A state counts in all that is stored, not in level 1, and goes where its network goes.
func TestState(t *testing.T) {
	s := stored(Int4, ScaleLog8)
	before := s.Stored()
	s.Networks[0].State = []float32{0.5, 0, -3}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	if b := s.Stored(); b.State != 12 || b.Total != before.Total+12 || b.Level1() != before.Level1() {
		t.Errorf("%+v, before %+v", b, before)
	}
	kept, err := s.Keep("a")
	if err != nil || !slices.Equal(kept.Networks[0].State, s.Networks[0].State) {
		t.Errorf("kept %v, %v", kept.Networks[0].State, err)
	}
	if kept.Networks[0].State[0] = 9; s.Networks[0].State[0] != 0.5 {
		t.Error("a kept network shares its state")
	}
}
