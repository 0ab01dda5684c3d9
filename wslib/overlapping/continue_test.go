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

// Networks that are optimized keep their weights, whoever joins or leaves.
func TestContinueKeepsWeights(t *testing.T) {
	p, old, c := optimized(t)
	if _, err := p.Add(c); err != nil {
		t.Fatal(err)
	}
	more, err := p.Continue(old, 0)
	if err != nil {
		t.Fatal(err)
	}
	p = without(t, p, "a")
	fewer, err := p.Continue(old, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*page.Set{more, fewer} {
		if err := s.Validate(); err != nil || s.Precision.Quantized() || s.Index("c") < 0 {
			t.Fatalf("%d networks of %v: %v", len(s.Networks), s.Precision, err)
		}
		for i, m := range s.Networks {
			k := old.Index(m.Name)
			if k < 0 {
				continue
			}
			want := old.Weights(k)
			for j, w := range s.Weights(i) {
				if math.Abs(float64(w-want[j])) > 1e-6*math.Abs(float64(w)) {
					t.Fatalf("network %s: weight %d is %v, was %v", m.Name, j, w, want[j])
				}
			}
		}
	}
	if len(more.Networks) != 3 || len(fewer.Networks) != 2 {
		t.Errorf("%d and %d networks", len(more.Networks), len(fewer.Networks))
	}
	if old.Precision != page.Int2 || old.Validate() != nil {
		t.Error("the optimized set was changed")
	}
}

func TestContinueRefusesOtherPages(t *testing.T) {
	p, old, _ := optimized(t)
	moved := old.Clone()
	entries := append([]int32(nil), moved.Networks[0].Table.Entries...)
	entries[0], entries[2] = entries[2], entries[0]
	moved.Networks[0].Table.Entries = entries
	if _, err := p.Continue(moved, 0); err == nil || !strings.Contains(err.Error(), "network a") {
		t.Errorf("another table: %v", err)
	}
	q, err := New(8, 7)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.Continue(old, 0); err == nil || !strings.Contains(err.Error(), "6 of 8") {
		t.Errorf("another number of pages: %v", err)
	}
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
