package firmware

import (
	"math/rand/v2"
	"testing"
)

// Nothing overwrites a value that is needed later: layers that write their names into memory find those of
// all that they read, in graphs of any layers.
func TestMemory(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	saved, inPlace := 0, 0
	for range 2000 {
		m := &model{sample: &value{shape: shape{1, 1, 9}}}
		values := []*value{m.sample}
		any := func() *value { return values[max(rng.IntN(len(values)), rng.IntN(len(values)))] }
		for range 1 + rng.IntN(12) {
			s := shape{1 + rng.IntN(2), 1, 1 + rng.IntN(4)}
			l := newLayer([]string{convolution, largest, mean, sum}[rng.IntN(4)], "", any(), s, s)
			l.to.chw = rng.IntN(3) == 0
			if l.kind == sum {
				l.with = any()
			}
			m.layers, values = append(m.layers, l), append(values, l.to)
		}
		m.output = values[len(values)-1]
		m.place()
		owner, total := make([]*value, m.memory), 1
		for i, l := range m.layers {
			for _, v := range []*value{l.from, l.with} {
				if v == nil || v == m.sample {
					continue
				}
				for k, o := range owner[v.at:][:v.size()] {
					if o != v {
						t.Fatalf("layer %d reads %d of a value at %d that is overwritten", i, k, v.at)
					}
				}
			}
			if l.to == m.output {
				continue
			}
			for _, v := range []*value{l.from, l.with} {
				if v == nil || v == m.sample || v.at >= l.to.at+l.to.size() || l.to.at >= v.at+v.size() {
					continue
				}
				inPlace++ // the layer reads what it writes: the same values one by one
				if l.kind != sum && l.kind != mean || v.at != l.to.at || v.size() != l.to.size() || v.chw != l.to.chw {
					t.Fatalf("layer %d, %s, writes to %v what it reads from %v", i, l.kind, *l.to, *v)
				}
			}
			total += l.to.size()
			for k := range l.to.size() {
				owner[l.to.at+k] = l.to
			}
		}
		if m.memory < total {
			saved++
		}
	}
	t.Logf("of 2000 graphs %d share memory, %d layers write in place", saved, inPlace)
	if saved < 500 || inPlace < 100 {
		t.Error("want more graphs that share memory")
	}
}
