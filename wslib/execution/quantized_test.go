package execution

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gomlx/compute"

	"weightsep/wslib/network"
	"weightsep/wslib/page"
	"weightsep/xla/xlatest"
)

var (
	precisions   = []page.Precision{page.Float32, page.Int8, page.Int4, page.Int2}
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
	fill := func(pages int, p page.Precision) []byte {
		values := make([]float32, pages*s.Size)
		for i := range values {
			if p.Quantized() {
				values[i] = p.Round(2 * (rng.Float32() - 0.5) * (p.Limit() + 0.5))
			} else {
				values[i] = float32(rng.NormFloat64())
			}
		}
		return p.Pack(values, s.Size)
	}
	shared, exclusive := s.Precisions()
	s.Pages = fill(s.Shared, shared)
	for i := range s.Networks {
		m := &s.Networks[i]
		m.Exclusive = fill(len(m.Table.Exclusive()), exclusive)
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
	return &page.Set{Format: page.Format{Size: 13, Shared: 300}, Pages: make([]byte, 300*13*4),
		Networks: []page.Member{
			{Name: "a", Weights: 60, Table: page.Table{Shared: 300, Entries: []int32{7, 300, 7, 299, 301}},
				Exclusive: make([]byte, 26*4)},
			{Name: "b", Weights: 13, Table: page.Table{Shared: 300, Entries: []int32{255}},
				Exclusive: []byte{}},
		}}
}

func TestGatherOfPackedPagesIsBitExact(t *testing.T) {
	nets, set := ten(t)
	set.Networks = set.Networks[:2]
	for name, set := range map[string]*page.Set{"pages of 512": set, "pages of 13": oddPages()} {
		nets := netsOf(set, nets)
		for _, p := range precisions {
			for _, f := range scaleFormats {
				t.Run(fmt.Sprint(name, " ", p, " ", f), func(t *testing.T) {
					s := quantized(set, p, f)
					verify(t, s, nets)
				})
			}
		}
	}
}

// Networks with and without exclusive pages, and each way of storing them beside
// each other.
func TestGatherOfMixedPrecisionsIsBitExact(t *testing.T) {
	ten, set := ten(t)
	set.Networks = set.Networks[:2]
	test := func(set *page.Set, p, own page.Precision, f page.ScaleFormat) func(*testing.T) {
		nets := netsOf(set, ten)
		return func(t *testing.T) {
			verify(t, mixed(set, p, own, f), nets)
		}
	}
	for _, p := range precisions {
		for _, own := range precisions {
			if p != own {
				t.Run(fmt.Sprint("pages of 13 ", p, " ", own), test(oddPages(), p, own, page.ScaleFloat16))
			}
		}
	}
	for _, c := range [][2]page.Precision{{page.Int2, page.Int8}, {page.Int4, page.Int8},
		{page.Int8, page.Float32}, {page.Float32, page.Int8}, {0, page.Int4}} {
		t.Run(fmt.Sprint("pages of 512 ", c[0], " ", c[1]), test(set, c[0], c[1], page.ScaleLog8))
	}
}

// Networks with keys and without.
func TestGatherWithKeysIsBitExact(t *testing.T) {
	ten, set := ten(t)
	set.Networks = set.Networks[:2]
	rng := rand.New(rand.NewPCG(8, 1))
	test := func(set *page.Set, p, own page.Precision, f page.ScaleFormat) func(*testing.T) {
		nets := netsOf(set, ten)
		return func(t *testing.T) {
			s := mixed(set, p, own, f)
			s.KeyPrecision = page.Int2
			m := &s.Networks[0]
			weights := make([]float32, m.Weights)
			for i := range weights {
				weights[i] = 4*rng.Float32() - 2
			}
			plain := s.Weights(0)
			m.Keys = m.Table.PackKeys(weights, s.Size)
			for i, w := range s.Weights(0) {
				want := plain[i]
				if int(m.Table.Entries[i/s.Size]) < s.Shared {
					want *= page.Int2.Round(weights[i])
				}
				if w != want {
					t.Fatalf("weight %d is %v, want %v", i, w, want)
				}
			}
			verify(t, s, nets)
		}
	}
	for _, c := range []struct {
		p, own page.Precision
		f      page.ScaleFormat
	}{{page.Float32, 0, page.ScaleFloat32}, {page.Float32, page.Int8, page.ScaleLog8},
		{page.Int4, 0, page.ScaleFloat16}, {page.Int2, page.Int8, page.ScaleLog8},
		{page.Int8, page.Float32, page.ScaleFloat32}} {
		t.Run(fmt.Sprint("pages of 13 ", c.p, " ", c.own), test(oddPages(), c.p, c.own, c.f))
		t.Run(fmt.Sprint("pages of 512 ", c.p, " ", c.own), test(set, c.p, c.own, c.f))
	}
}

// netsOf are networks of a set's weights: those of oddPages, or the first of ten.
func netsOf(set *page.Set, ten []*network.Network) []*network.Network {
	if set.Networks[0].Name != "a" {
		return ten[:len(set.Networks)]
	}
	dense := func(name string, in, out int) *network.Network {
		return network.Describe(name, network.Described{Shape: [3]int{1, 1, in}, Dense: []int{in, out},
			Activation: network.LeakyActivation})
	}
	return []*network.Network{dense("a", 19, 3), dense("b", 12, 1)}
}

// verify compares all weights that an engine switches to with those of the set, bit for bit, on a device
// whose memory is the host's and on one whose is not, and sees that it would notice a page that is another.
func verify(t *testing.T, s *page.Set, nets []*network.Network) {
	t.Helper()
	other := s.Clone()
	turn(other.Pages, used(s.Networks[0]), s.Precision, s.Size)
	for _, b := range []compute.Backend{xlatest.Backend(t), copying(t)} {
		e, err := Open(b, s, nets, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		if err := e.Verify(s); err != nil {
			t.Errorf("memory of the host %t: %v", e.inHost(), err)
		}
		if err := e.Verify(other); err == nil {
			t.Errorf("memory of the host %t: another page was not noticed", e.inHost())
		}
	}
}

// turn changes the first value of a page.
func turn(pages []byte, k int, p page.Precision, size int) {
	first := &pages[k*p.Bytes(size)]
	if p.Quantized() {
		*first ^= 1
		return
	}
	first = &pages[4*k*size+3] // the sign
	*first ^= 0x80
}

// used is a shared page that a network uses, with a scale that is not 0.
func used(m page.Member) int {
	for k, e := range m.Table.Entries {
		if int(e) < m.Table.Shared && (m.Scales == nil || m.Scales[k] != 0) {
			return int(e)
		}
	}
	return -1
}

func TestOpenRefusesWhatIsNoCode(t *testing.T) {
	s := quantized(oddPages(), page.Int4, page.ScaleFloat32)
	s.Pages[1] = 0x80
	if _, err := Open(xlatest.Backend(t), s, netsOf(s, nil), Options{}); err == nil ||
		!strings.Contains(err.Error(), "page 0: value 3 is -8") {
		t.Errorf("error %v, want value and place", err)
	}
}
