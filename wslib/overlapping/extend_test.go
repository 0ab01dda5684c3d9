package overlapping

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"weightsep/wslib/page"
)

// optimized is a plan of two networks and a set of it as optimization leaves it: code
// values, other scales.
func optimized(t *testing.T) (*Plan, *page.Set, Network) {
	t.Helper()
	rng := rand.New(rand.NewPCG(4, 4))
	random := func(name string, weights int) Network {
		n := Network{Name: name, Exclusive: []int{1}}
		for range weights {
			n.Weights, n.Fisher = append(n.Weights, float32(rng.NormFloat64())),
				append(n.Fisher, rng.Float32())
		}
		return n
	}
	p, err := New(8, 6)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []Network{random("a", 43), random("b", 30)} {
		if _, err := p.Add(n); err != nil {
			t.Fatal(err)
		}
	}
	set, err := p.StartSet(0)
	if err != nil {
		t.Fatal(err)
	}
	code := func(v []float32, q page.Precision, step float64) []byte {
		for i, x := range v {
			v[i] = float32(float64(x) / step)
		}
		return q.Pack(v, set.Size)
	}
	for i := range set.Networks {
		set.Networks[i].Exclusive = code(set.ExclusiveValues(i), page.Int8, 0.01)
		for b := range set.Networks[i].Scales {
			set.Networks[i].Scales[b] = 0.1 + rng.Float32()
		}
	}
	set.Pages = code(set.SharedValues(), page.Int2, 0.05)
	set.Precision, set.ExclusivePrecision = page.Int2, page.Int8
	if err := set.Validate(); err != nil {
		t.Fatal(err)
	}
	return p, set, random("c", 37)
}

// Networks that are held are, in the extended set, as they are stored.
func TestExtendKeepsWhatIsStored(t *testing.T) {
	p, old, c := optimized(t)
	q, err := New(8, 9)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range p.Members {
		place := func(_ *Plan, _ Network, sharable []int) (placed []int) {
			for _, b := range sharable {
				placed = append(placed, int(old.Networks[i].Table.Entries[b]))
			}
			return placed
		}
		if _, err := q.AddWith(m.Network, place); err != nil {
			t.Fatal(err)
		}
	}
	c.Exclusive = []int{0, 2}
	if _, err := q.AddWith(c, func(*Plan, Network, []int) []int { return []int{8, 6, 0} }); err != nil {
		t.Fatal(err)
	}
	s, err := q.Extend(old, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	for k := range old.Networks {
		if got, want := s.Weights(k), old.Weights(k); !slices.Equal(got, want) {
			t.Errorf("network %s: %v, was %v", old.Networks[k].Name, got, want)
		}
	}
	// c's own pages start as anywhere; on a held page its scale brings the page to its magnitude.
	if got := s.Weights(2)[8:16]; !slices.Equal(got, c.Weights[8:16]) {
		for i := range got {
			if math.Abs(float64(got[i]-c.Weights[8+i])) > 1e-6 {
				t.Fatalf("page 1 of c starts from %v, want %v", got, c.Weights[8:16])
			}
		}
	}
	if got, want := rms(s.Weights(2)[32:37]), rms(c.Weights[32:37]); math.Abs(float64(got/want-1)) > 0.6 {
		t.Errorf("page 4 of c, on a held page, has magnitude %v, its weights %v", got, want)
	}
	if _, err := p.Extend(old, 0); err != nil {
		t.Errorf("nobody joins: %v", err)
	}
	q = without(t, q, "a")
	if _, err := q.Extend(old, 0); err == nil || !strings.Contains(err.Error(), "network a") {
		t.Errorf("a held network is not in the plan: %v", err)
	}
}

// without is a plan's networks on the same pages, but for one.
func without(t *testing.T, p *Plan, name string) *Plan {
	t.Helper()
	q, err := New(p.PageSize, p.Shared)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range p.Members {
		place := func(_ *Plan, _ Network, sharable []int) (placed []int) {
			for _, b := range sharable {
				placed = append(placed, int(m.Table.Entries[b]))
			}
			return placed
		}
		if m.Name == name {
			continue
		}
		if _, err := q.AddWith(m.Network, place); err != nil {
			t.Fatal(err)
		}
	}
	return q
}
