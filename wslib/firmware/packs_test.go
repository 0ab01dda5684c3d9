package firmware

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"weightsep/wslib/network"
	"weightsep/wslib/network/networktest"
	"weightsep/wslib/pack"
	"weightsep/wslib/page"
	"weightsep/wslib/page/pagetest"
	"weightsep/wslib/pipeline"
)

// small is a pack of pages of 13: networks of 60 and of 26 weights.
func small(f page.Format) (*pack.File, []*network.Network) {
	s := pagetest.Example(f)
	s.Networks[0].State = nil
	b := &s.Networks[1]
	b.Name, b.Weights, b.Table.Entries = "b-1.x", 26, []int32{255, 3}
	b.Scales = append(b.Scales, f.ScaleFormat.Round(3))
	a := network.Describe("a", network.Described{Shape: [3]int{5, 6, 1}, Dense: []int{4, 4, 4},
		Convs: []network.Conv{{Height: 3, Width: 3, In: 1, Out: 2}}, Activation: network.SigmoidActivation})
	x := network.Describe(b.Name, network.Described{Shape: [3]int{1, 6, 2}, Dense: []int{12, 2},
		Activation: network.LeakyActivation})
	return &pack.File{Set: s, Networks: make([]pack.Network, 2)},
		[]*network.Network{a.WithOrder(network.BiasesFirst), x}
}

// formats are all precisions of pages beside each other, with all formats of scales, with keys and without.
func formats() (all []page.Format) {
	precisions := []page.Precision{page.Float32, page.Int8, page.Int4, page.Int2}
	for _, p := range precisions {
		for _, own := range precisions {
			for _, f := range []page.ScaleFormat{page.ScaleFloat32, page.ScaleFloat16, page.ScaleLog8} {
				for _, keys := range []page.Precision{0, page.Int2} {
					all = append(all, page.Format{
						Precision: p, ExclusivePrecision: own, ScaleFormat: f, KeyPrecision: keys})
				}
			}
		}
	}
	return all
}

// everyFormat is one program of a pack of each format, and one without scales.
func everyFormat(t *testing.T) *program {
	p := newProgram(t)
	for i, format := range formats() {
		f, nets := small(format)
		p.add(t, fmt.Sprint("p", i), f, nets)
	}
	f, nets := small(page.Format{})
	for i := range f.Set.Networks {
		f.Set.Networks[i].Scales = nil
	}
	p.add(t, "plain", f, nets)
	return p
}

// trained is a pack of the ten networks: joint-5.8 of float32 pages with keys, joint-32 of 2 bits.
func trained(t *testing.T, name string) (*pack.File, []*network.Network) {
	t.Helper()
	f, err := pack.Open(filepath.Join("..", "..", "results", name, "pack.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	nets, err := pipeline.InPack(nil, f, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f, nets
}

// initial is a pack of untrained networks with all pages their own, in either order of weights.
func initial(t *testing.T, names ...string) (*pack.File, []*network.Network) {
	nets, err := network.Select(network.Ten(), names...)
	if err != nil {
		t.Fatal(err)
	}
	s := &page.Set{Format: page.Format{Size: page.DefaultSize, Shared: 1},
		Pages: make([]byte, 4*page.DefaultSize)}
	for i, n := range nets {
		if i%2 == 0 {
			nets[i] = n.WithOrder(network.BiasesFirst)
		}
		w := page.Form(networktest.Initial(t, nets[i], 3), s.Size)
		m := page.Member{Name: n.Name, Weights: n.Weights(), Table: page.Table{Shared: 1},
			Exclusive: page.PackFloats(w)}
		for e := range len(w) / s.Size {
			m.Table.Entries = append(m.Table.Entries, int32(1+e))
		}
		s.Networks = append(s.Networks, m)
	}
	return &pack.File{Set: s, Networks: make([]pack.Network, len(nets))}, nets
}

// random is a pack of a network of any sizes, in pages of any size.
func random(rng *rand.Rand, f page.Format) (*pack.File, []*network.Network) {
	d := network.Described{Shape: [3]int{1 + rng.IntN(14), 1 + rng.IntN(14), 1 + rng.IntN(3)},
		Activation: []network.Activation{network.SigmoidActivation, network.LeakyActivation}[rng.IntN(2)]}
	h, w, c := d.Shape[0], d.Shape[1], d.Shape[2]
	for range 3 {
		k := network.Conv{Height: 1 + rng.IntN(4), Width: 1 + rng.IntN(4), In: c, Out: 1 + rng.IntN(9)}
		if h > k.Height && w > k.Width {
			d.Convs = append(d.Convs, k)
			h, w, c = (h-k.Height+1)/2, (w-k.Width+1)/2, k.Out
		}
	}
	d.Dense = []int{h * w * c}
	for range rng.IntN(3) {
		d.Dense = append(d.Dense, 1+rng.IntN(40))
	}
	d.Dense = append(d.Dense, 2+rng.IntN(9))
	n := network.Describe("n", d)
	if rng.IntN(2) == 0 {
		n = n.WithOrder(network.BiasesFirst)
	}
	return packOf(rng, f, n)
}

// packOf is a pack of a network with random weights, in pages of any size.
func packOf(rng *rand.Rand, f page.Format, n *network.Network) (*pack.File, []*network.Network) {
	f.Size, f.Shared = 1+rng.IntN(40), 1+rng.IntN(9)
	values := func(n int, limit float32) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = (2*rng.Float32() - 1) * limit
		}
		return v
	}
	shared, own := f.Precisions()
	m := page.Member{Name: n.Name, Weights: n.Weights(), Table: page.Table{Shared: f.Shared}}
	pages := page.Count(m.Weights, f.Size)
	for range pages {
		e := rng.IntN(f.Shared + 1)
		if e == f.Shared {
			e += len(m.Table.Exclusive())
		}
		m.Table.Entries = append(m.Table.Entries, int32(e))
		p := shared
		if e >= f.Shared {
			p = own
		}
		m.Scales = append(m.Scales, f.ScaleFormat.Round(0.3*(2*rng.Float32()-1)/min(p.Limit(), 1e3)))
	}
	exclusive := len(m.Table.Exclusive())
	m.Exclusive = own.Pack(values(exclusive*f.Size, min(own.Limit(), 1e3)), f.Size)
	if f.KeyPrecision != 0 && exclusive < pages {
		m.Keys = m.Table.PackKeys(values(m.Weights, 2), f.Size)
	}
	return &pack.File{Set: &page.Set{Format: f, Networks: []page.Member{m},
		Pages: shared.Pack(values(f.Shared*f.Size, min(shared.Limit(), 1e3)), f.Size)}}, []*network.Network{n}
}

// keep is a pack of some of the networks.
func keep(t *testing.T, f *pack.File, nets []*network.Network, names ...string) (*pack.File,
	[]*network.Network) {
	t.Helper()
	set, err := f.Set.Keep(names...)
	if err != nil {
		t.Fatal(err)
	}
	nets, err = network.Select(nets, names...)
	if err != nil {
		t.Fatal(err)
	}
	return &pack.File{Set: set}, nets
}
