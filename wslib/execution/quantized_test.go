package execution

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"weightsep/wslib/page"
	"weightsep/xla/xlatest"
)

var (
	precisions   = []page.Precision{page.Float32, page.Int16, page.Int8, page.Int4, page.Int2, page.Int1}
	scaleFormats = []page.ScaleFormat{page.ScaleFloat32, page.ScaleFloat16, page.ScaleLog8}
)

// quantized is a set of random code values, every one of the precision among them,
// with scales of both signs and very different sizes.
func quantized(set *page.Set, p page.Precision, f page.ScaleFormat) *page.Set {
	return mixed(set, p, 0, f)
}

// mixed is such a set with exclusive pages of a precision of their own.
func mixed(set *page.Set, p, own page.Precision, f page.ScaleFormat) *page.Set {
	s := set.Clone()
	s.Precision, s.ExclusivePrecision, s.ScaleFormat = p, own, f
	rng := rand.New(rand.NewPCG(uint64(p), 5))
	fill := func(values []float32, p page.Precision) {
		for i := range values {
			if p.Quantized() {
				values[i] = p.Round(2 * (rng.Float32() - 0.5) * (p.Limit() + 0.5))
			} else {
				values[i] = float32(rng.NormFloat64())
			}
		}
	}
	shared, exclusive := s.Format().Precisions()
	fill(s.Pages, shared)
	for i := range s.Networks {
		m := &s.Networks[i]
		fill(m.Exclusive, exclusive)
		m.Scales = make([]float32, len(m.Table.Entries))
		for k := range m.Scales {
			m.Scales[k] = f.Round(float32(rng.NormFloat64()) / float32(int(1)<<rng.IntN(14)))
		}
		m.Scales[0] = f.Round(3e-6) // subnormal as a half, 0 in log8
	}
	return s
}

// oddPages is a small set with pages of 13 values, which end within a byte, one of
// them named twice and two exclusive.
func oddPages() *page.Set {
	return &page.Set{Size: 13, Shared: 300, Pages: make([]float32, 300*13), Networks: []page.Member{
		{Name: "a", Weights: 60, Table: page.Table{Shared: 300, Entries: []int32{7, 300, 7, 299, 301}}, Exclusive: make([]float32, 26)},
		{Name: "b", Weights: 13, Table: page.Table{Shared: 300, Entries: []int32{255}}, Exclusive: []float32{}},
	}}
}

func TestGatherOfPackedPagesIsBitExact(t *testing.T) {
	_, set := ten(t)
	set.Networks = set.Networks[:2]
	b := xlatest.Backend(t)
	for name, set := range map[string]*page.Set{"pages of 512": set, "pages of 13": oddPages()} {
		for _, p := range precisions {
			for _, f := range scaleFormats {
				t.Run(fmt.Sprint(name, " ", p, " ", f), func(t *testing.T) {
					s := quantized(set, p, f)
					d, err := NewDevice(b, s)
					if err != nil {
						t.Fatal(err)
					}
					defer d.Close()
					if err := d.Verify(); err != nil {
						t.Error(err)
					}
					// Packed pages are the device's own: another value behind its back is noticed.
					at := used(s.Networks[0]) * s.Size
					old := s.Pages[at]
					if s.Pages[at] = p.Round(-old); s.Pages[at] == old {
						s.Pages[at] = 1
					}
					if err := d.Verify(); err == nil {
						t.Error("a changed page was not noticed")
					}
				})
			}
		}
	}
}

// Networks with and without exclusive pages, and each way of storing them beside
// each other.
func TestGatherOfMixedPrecisionsIsBitExact(t *testing.T) {
	_, set := ten(t)
	set.Networks = set.Networks[:2]
	b := xlatest.Backend(t)
	test := func(set *page.Set, p, own page.Precision, f page.ScaleFormat) func(*testing.T) {
		return func(t *testing.T) {
			s := mixed(set, p, own, f)
			m := &s.Networks[0]
			m.Scales[m.Table.Exclusive()[0]] = -1 // not 0, which would hide a change below
			d, err := NewDevice(b, s)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			if err := d.Verify(); err != nil {
				t.Error(err)
			}
			// Shared and exclusive pages that change are noticed: both are compared.
			for name, value := range map[string]*float32{"shared": &s.Pages[used(*m)*s.Size], "exclusive": &m.Exclusive[0]} {
				old := *value
				*value = old + 1
				if err := d.Verify(); err == nil {
					t.Errorf("a changed %s page was not noticed", name)
				}
				*value = old
			}
		}
	}
	for _, p := range precisions {
		for _, own := range precisions {
			if p != own {
				t.Run(fmt.Sprint("pages of 13 ", p, " ", own), test(oddPages(), p, own, page.ScaleFloat16))
			}
		}
	}
	for _, c := range [][2]page.Precision{{page.Int2, page.Int8}, {page.Int4, page.Int8}, {page.Int8, page.Float32}, {page.Float32, page.Int8}, {0, page.Int4}} {
		t.Run(fmt.Sprint("pages of 512 ", c[0], " ", c[1]), test(set, c[0], c[1], page.ScaleLog8))
	}
}

// Networks with keys and without, on the device and in place.
func TestGatherWithKeysIsBitExact(t *testing.T) {
	_, set := ten(t)
	set.Networks = set.Networks[:2]
	b := xlatest.Backend(t)
	rng := rand.New(rand.NewPCG(8, 1))
	test := func(set *page.Set, p, own page.Precision, f page.ScaleFormat, keys page.Precision) func(*testing.T) {
		return func(t *testing.T) {
			s := mixed(set, p, own, f)
			s.KeyPrecision = keys
			m := &s.Networks[0]
			weights := make([]float32, m.Weights)
			for i := range weights {
				weights[i] = 4*rng.Float32() - 2
			}
			plain := s.Weights(0)
			m.Keys = m.Table.PackKeys(weights, s.Size, keys)
			d, err := NewDevice(b, s)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			if err := d.Verify(); err != nil {
				t.Error(err)
			}
			for i, w := range s.Weights(0) {
				want := plain[i]
				if int(m.Table.Entries[i/s.Size]) < s.Shared {
					want *= keys.Round(weights[i])
				}
				if w != want {
					t.Fatalf("weight %d is %v, want %v", i, w, want)
				}
			}
		}
	}
	for _, c := range []struct {
		p, own page.Precision
		f      page.ScaleFormat
	}{{page.Float32, 0, page.ScaleFloat32}, {page.Float32, page.Int8, page.ScaleLog8}, {page.Int4, 0, page.ScaleFloat16}, {page.Int2, page.Int8, page.ScaleLog8}, {page.Int1, page.Float32, page.ScaleFloat32}} {
		for _, keys := range []page.Precision{page.Int1, page.Int2} {
			t.Run(fmt.Sprint("pages of 13 ", c.p, " ", c.own, " ", keys), test(oddPages(), c.p, c.own, c.f, keys))
			t.Run(fmt.Sprint("pages of 512 ", c.p, " ", c.own, " ", keys), test(set, c.p, c.own, c.f, keys))
		}
	}
}

// used is a shared page that a network uses, with a scale that is not 0.
func used(m page.Member) int {
	for k, e := range m.Table.Entries {
		if int(e) < m.Table.Shared && m.Scales[k] != 0 {
			return int(e)
		}
	}
	return -1
}

func TestDeviceRefusesWhatIsNoCode(t *testing.T) {
	s := quantized(oddPages(), page.Int4, page.ScaleFloat32)
	s.Pages[3] = 0.5
	if _, err := NewDevice(xlatest.Backend(t), s); err == nil || !strings.Contains(err.Error(), "value 3 is 0.5") {
		t.Errorf("error %v, want value and place", err)
	}
}

// BenchmarkSwitchPrecision switches to a network of 127 pages that are stored in
// each precision.
func BenchmarkSwitchPrecision(b *testing.B) {
	_, set := ten(b)
	set.Networks = set.Networks[:1]
	for _, p := range precisions {
		b.Run(p.String(), func(b *testing.B) {
			d, err := NewDevice(xlatest.Backend(b), quantized(set, p, page.ScaleFloat16))
			if err != nil {
				b.Fatal(err)
			}
			defer d.Close()
			for b.Loop() {
				w, err := d.Switch(0)
				if err != nil {
					b.Fatal(err)
				}
				w.FinalizeAll()
			}
		})
	}
}
