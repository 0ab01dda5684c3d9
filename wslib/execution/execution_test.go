package execution

import (
	"math/rand/v2"
	"testing"

	"weightsep/wslib/network"
	"weightsep/wslib/network/networktest"
	"weightsep/wslib/overlapping"
	"weightsep/wslib/page"
	"weightsep/wslib/separation"
	_ "weightsep/xla/keepmemory"
	"weightsep/xla/xlatest"
)

// ten builds pages for the ten networks from random Fisher information, scales
// for every other network.
func ten(t testing.TB) ([]*network.Network, *page.Set) {
	t.Helper()
	o := separation.Defaults()
	o.Margin = 0.9
	p, err := overlapping.New(page.DefaultSize, o.Shared)
	if err != nil {
		t.Fatal(err)
	}
	nets := network.Ten()
	for i, n := range nets {
		rng := rand.New(rand.NewPCG(uint64(i), 2))
		f := make([]float32, n.Weights())
		for k := range f {
			f[k] = rng.Float32()
		}
		own, err := separation.Separate(separation.Density(f, page.DefaultSize), o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Add(overlapping.Network{Name: n.Name, Weights: networktest.Initial(t, n, uint64(i)),
			Fisher: f, Exclusive: own}); err != nil {
			t.Fatal(err)
		}
		p.Average()
	}
	set := p.Set(true)
	for i := range set.Networks {
		rng := rand.New(rand.NewPCG(uint64(i), 3))
		if i%2 == 0 {
			set.Networks[i].Scales = nil
		}
		for k := range set.Networks[i].Scales {
			set.Networks[i].Scales[k] = float32(0.5 + rng.Float64())
		}
	}
	return nets, set
}

func TestMain(m *testing.M) { xlatest.Main(m) }
