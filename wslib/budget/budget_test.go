package budget

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"testing"

	"weightsep/wslib/network"
	"weightsep/wslib/page"
)

func ten() []int {
	var n []int
	for _, net := range network.Ten() {
		n = append(n, net.Weights())
	}
	return n
}

// stored counts what a set of the plan stores.
func stored(t *testing.T, weights []int, size int, p Plan) page.Stored {
	t.Helper()
	return packed(t, weights, size, p).Stored()
}

// packed builds a set of the plan.
func packed(t *testing.T, weights []int, size int, p Plan) *page.Set {
	t.Helper()
	s := &page.Set{Format: p.Format}
	fill := func(pages int, p page.Precision) []byte {
		return p.Pack(slices.Repeat([]float32{0.2}, pages*size), size)
	}
	s.Pages = fill(p.Shared, p.Precision)
	next := 0
	for i, n := range weights {
		m := page.Member{Name: string(rune('a' + i)), Weights: n, Table: page.Table{Shared: p.Shared},
			Scales: make([]float32, page.Count(n, size))}
		for b := range m.Scales {
			if b < p.Exclusive[i] {
				m.Table.Entries = append(m.Table.Entries, int32(p.Shared+b))
			} else {
				m.Table.Entries = append(m.Table.Entries, int32(next%p.Shared))
				next++
			}
		}
		m.Exclusive = fill(p.Exclusive[i], p.ExclusivePrecision)
		if p.KeyPrecision != 0 {
			m.Keys = m.Table.PackKeys(make([]float32, n), size)
		}
		s.Networks = append(s.Networks, m)
	}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	return s
}

// What a plan announces is what a set of it takes, within the budget, and one more
// shared page would not fit.
func TestPlansFillTheirBudgets(t *testing.T) {
	weights := ten()
	for _, ratio := range []float64{2, 5.8, 12.37, 20, 32, 50, 60, 80, 100} {
		for _, precision := range []page.Precision{0, page.Float32, page.Int8, page.Int4, page.Int2} {
			total, err := Ratio(weights, ratio)
			if err != nil {
				t.Fatal(err)
			}
			p, err := Choose(weights, 512, Budget{Total: total, Precision: precision})
			if err != nil {
				t.Fatal(err)
			}
			got := stored(t, weights, 512, p)
			if got.Total > total {
				t.Errorf("ratio %v, %v: %+v stores %d bytes of %d", ratio, precision, p, got.Total, total)
			}
			if got.Total > p.Bytes || precision != 0 && p.Precision != precision {
				t.Errorf("ratio %v, %v: %+v, stored %+v", ratio, precision, p, got)
			}
			room := total - got.Total
			// every page has its own; entries of a byte end
			full := p.Shared+sum(p.Exclusive) == 1310 || p.entries() == 256
			if !full && room >= p.Precision.Bytes(512)+1310 {
				t.Errorf("ratio %v, %v: %d bytes left of %d, %+v", ratio, precision, room, total, p)
			}
		}
	}
}

// Precision falls with the budget, and never below 2 bits by itself.
func TestPrecisionFallsWithTheBudget(t *testing.T) {
	last := 32
	for ratio := 1.0; ratio < 150; ratio *= 1.2 {
		total, _ := Ratio(ten(), ratio)
		p, err := Choose(ten(), 512, Budget{Total: total})
		if err != nil {
			t.Fatal(err)
		}
		if b := p.Precision.Bits(); b > last || b < 2 {
			t.Errorf("ratio %.1f: %d bits after %d", ratio, b, last)
		} else {
			last = b
		}
	}
	if last != 2 {
		t.Errorf("%d bits at the end, want 2", last)
	}
}

// Crowded float32 pages come with keys unless they are ruled out; others do not, unless asked
// for. They count in what is announced.
func TestKeysAreBudgeted(t *testing.T) {
	for _, c := range []struct {
		ratio     float64
		precision page.Precision
		ask       page.Precision
		want      page.Precision
	}{
		{5.8, page.Float32, 0, page.Int2}, {1.5, page.Float32, 0, 0},
		{5.8, page.Float32, NoKeys, 0}, {5.8, page.Float32, page.Int2, page.Int2},
		{1.5, page.Float32, page.Int2, page.Int2}, {5.8, page.Int8, 0, 0},
		{10, page.Int4, page.Int2, page.Int2}, {10, page.Float32, 0, 0}, {29, page.Float32, 0, 0},
		{5.8, 0, 0, 0},
	} {
		total, _ := Ratio(ten(), c.ratio)
		p, err := Choose(ten(), 512, Budget{Total: total, Precision: c.precision, Keys: c.ask})
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		s := stored(t, ten(), 512, p)
		if p.KeyPrecision != c.want || s.Total > total || s.Total != p.Bytes ||
			s.Total-s.Exclusive-s.Keys != p.Level1 {
			t.Errorf("%+v: %+v stores %+v", c, p, s)
		}
		room := p.Precision.Bytes(512) + 1310
		if p.Shared+sum(p.Exclusive) < 1310 && p.entries() != 256 && total-s.Total >= room {
			t.Errorf("%+v: %d bytes left of %d", c, total-s.Total, total)
		}
	}
}

// By hand: one page each, the others to the largest load a page, 8/2, 8/3, … to the
// first network; with 5 pages it is full, and the second gets 2/2 and 2/3.
func TestExclusivePagesFollowLoads(t *testing.T) {
	for _, c := range []struct{ pages, exclusive, first, second int }{{8, 10, 7, 1}, {5, 10, 5, 3},
		{8, 3, 0, 0}, {2, 100, 2, 2}} {
		n := networks{of: []int{c.pages, c.pages, c.pages, c.pages}, size: 512, loads: []float64{8, 2, 1, 1}}
		got := n.share(c.exclusive)
		rest := min(c.pages, (c.exclusive-c.first-c.second)/2)
		if c.first == 0 {
			rest = 0
		}
		if want := []int{c.first, c.second, rest, rest}; !slices.Equal(got, want) {
			t.Errorf("%d of networks with %d pages: %v, want %v", c.exclusive, c.pages, got, want)
		}
	}
	for _, loads := range [][]float64{{1, 2}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 0},
		{math.NaN(), 1, 1, 1, 1, 1, 1, 1, 1, 1}} {
		if _, err := Choose(ten(), 512, Budget{Total: 100_000, Loads: loads}); err == nil ||
			!strings.Contains(err.Error(), "loads") {
			t.Errorf("loads %v: %v", loads, err)
		}
	}
	p, err := Choose(ten(), 512, Budget{Total: 83_000, Loads: []float64{8, 3, 8, 6, 1, 1, 1, 1, 1, 1}})
	if err != nil {
		t.Fatal(err)
	}
	if s := stored(t, ten(), 512, p); s.Total > 83_000 || s.Total != p.Bytes ||
		p.ExclusiveRange() != "1 to 8" {
		t.Errorf("%+v stores %+v", p, s)
	}
}

// Where each page has a page of its own, what is left makes pages exclusive, which have more bits: of 20,000
// bytes 200 are scales and table, 97 pages of 2 bits and 3 of 8 take 13,952, and 15 times 384 are left.
func TestBytesThatAreLeft(t *testing.T) {
	p, err := Choose([]int{51200}, 512, Budget{Total: 20000, Precision: page.Int2})
	if err != nil {
		t.Fatal(err)
	}
	if p.Shared != 82 || p.Exclusive[0] != 18 || p.ExclusivePrecision != page.Int8 || p.Bytes != 19912 {
		t.Errorf("%+v, want 82 shared pages of 2 bits, 18 exclusive ones of 8, 19912 bytes", p)
	}
	// With room for all pages in 8 bits, who asks for 2 wants no more of 8 than else.
	p, err = Choose([]int{51200}, 512, Budget{Total: 1e6, Precision: page.Int2})
	if err != nil || p.Shared != 97 || p.Exclusive[0] != 3 {
		t.Errorf("%+v (%v), want 97 shared pages, 3 exclusive ones", p, err)
	}
}

func TestBudgetsThatCannotBeMet(t *testing.T) {
	for _, c := range []struct {
		b    Budget
		want string
	}{
		{Budget{Total: 2000}, "2000 bytes"},
		{Budget{Total: 100_000, Precision: 3}, "3 bits"},
	} {
		if _, err := Choose(ten(), 512, c.b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want an error with %q", c.b, err, c.want)
		}
	}
	if _, err := Ratio(ten(), 0); err == nil {
		t.Error("ratio 0 accepted")
	}
}

// Four networks join six that are packed and stay: together they keep to the budget, and
// fill it.
func TestPlansBesidePackedNetworks(t *testing.T) {
	weights := ten()
	for _, ratio := range []float64{5.8, 20, 32, 60} {
		total, _ := Ratio(weights[:6], ratio)
		ask := Budget{Total: total}
		if ratio < 10 { // with keys
			ask.Precision = page.Float32
		}
		first, err := Choose(weights[:6], 512, ask)
		if err != nil {
			t.Fatal(err)
		}
		if (first.KeyPrecision == page.Int2) != (ratio < 10) {
			t.Fatalf("ratio %v: keys of %v", ratio, first.KeyPrecision)
		}
		old := packed(t, weights[:6], 512, first)
		total, _ = Ratio(weights, ratio)
		p, err := Choose(weights[6:], 512, Budget{Total: total, Precision: first.Precision,
			ExclusivePrecision: first.ExclusivePrecision, ScaleFormat: first.ScaleFormat,
			Keys: cmp.Or(first.KeyPrecision, NoKeys), Held: HeldBy(old)})
		if err != nil {
			t.Fatal(err)
		}
		if p.Shared <= old.Shared || p.ExclusivePrecision != first.ExclusivePrecision {
			t.Fatalf("ratio %v: %+v after %+v", ratio, p, first)
		}
		// Pages are counted alone, so the ten packed by both plans take what the set would.
		both := p
		both.Exclusive = append(slices.Clone(first.Exclusive), p.Exclusive...)
		got := stored(t, weights, 512, both)
		if got.Total != p.Bytes || got.Total > total || total-got.Total >= p.Precision.Bytes(512)+1310 {
			t.Errorf("ratio %v: %+v stores %d bytes of %d", ratio, p, got.Total, total)
		}
		if _, err := Choose(weights[6:], 512,
			Budget{Total: old.Stored().Total, Precision: first.Precision,
				ExclusivePrecision: first.ExclusivePrecision, ScaleFormat: first.ScaleFormat,
				Keys: cmp.Or(first.KeyPrecision, NoKeys), Held: HeldBy(old)}); err == nil {
			t.Errorf("ratio %v: four more networks in no more bytes: no error", ratio)
		}
	}
	if _, err := Choose(weights, 512, Budget{Total: 1 << 20, Held: Held{Shared: 1}}); err == nil ||
		!strings.Contains(err.Error(), "precision") {
		t.Errorf("without the precision of those that are packed: %v", err)
	}
}

// Networks of few pages have one at least to share, and more bytes never fit less.
func TestFewPages(t *testing.T) {
	for _, weights := range [][]int{{1000, 1000}, {600}, {512, 100, 40}} {
		fitted := false
		for total := 200; total < 12_000; total += 37 {
			p, err := Choose(weights, 512, Budget{Total: total})
			if err != nil {
				if fitted {
					t.Fatalf("%v in %d bytes: %v", weights, total, err)
				}
				continue
			}
			fitted = true
			if got := stored(t, weights, 512, p).Total; p.Shared < 1 || got > total {
				t.Fatalf("%v in %d bytes: %+v takes %d", weights, total, p, got)
			}
		}
		if !fitted {
			t.Errorf("%v fit no number of bytes", weights)
		}
	}
	if _, err := Choose([]int{1000}, 512, Budget{Total: 4000, ExclusivePrecision: 5}); err == nil ||
		!strings.Contains(err.Error(), "5 bits") {
		t.Errorf("exclusive pages of 5 bits: %v", err)
	}
}
