package execution

import (
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/datasets"
	"weightsep/datasets/npy"
	"weightsep/wslib/network"
	"weightsep/wslib/network/networktest"
	"weightsep/wslib/overlapping"
	"weightsep/wslib/page"
	"weightsep/wslib/score"
	"weightsep/wslib/separation"
	"weightsep/xla"
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

func TestGatherIsBitExact(t *testing.T) {
	_, set := ten(t)
	d, err := NewDevice(xlatest.Backend(t), set)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Verify(); err != nil {
		t.Error(err)
	}
	// Verify can fail: pages that changed behind the device's back are noticed.
	page.PutFloats(set.Pages[4*5:], []float32{7})
	if err := d.Verify(); err == nil {
		t.Error("a changed page was not noticed")
	}
}

func TestLogitsAgree(t *testing.T) {
	b := xlatest.Backend(t)
	nets, set := ten(t)
	d, err := NewDevice(b, set)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for i, n := range nets {
		w, err := d.Switch(i)
		if err != nil {
			t.Fatal(err)
		}
		c, err := score.New(b, n, 4)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(8, 8))
		x := make([]float32, 4*n.Samples())
		for k := range x {
			x[k] = rng.Float32()
		}
		in := tensors.FromFlatDataAndDimensions(x, append([]int{4}, n.Input()...)...)
		// From the pages inside one graph, as a device without a switch would.
		m := set.Networks[i]
		pages := append(set.SharedValues(), set.ExclusiveValues(i)...)
		scales := m.Scales
		if scales == nil {
			scales = make([]float32, len(m.Table.Entries))
			for k := range scales {
				scales[k] = 1
			}
		}
		got, err := ExecOnce(b, func(pages, table, scales, x *Node) *Node {
			weights := xla.FlatWeights(Mul(xla.GatherPages(pages, table), InsertAxes(scales, -1)), m.Weights)
			return n.Forward(network.Binding{Weights: weights}, x).Output()
		}, tensors.FromFlatDataAndDimensions(pages, len(pages)/set.Size, set.Size), m.Table.Entries,
			scales, in)
		if err != nil {
			t.Fatal(err)
		}
		want, err := c.Run([]*tensors.Tensor{w}, in)
		if err != nil {
			t.Fatal(err)
		}
		a, z := tensors.MustCopyFlatData[float32](got), tensors.MustCopyFlatData[float32](want)
		for k := range a {
			if math.Abs(float64(a[k]-z[k])) > 1e-5 {
				t.Errorf("%s: logit %d is %v from pages in the graph, %v after a switch", n.Name, k,
					a[k], z[k])
			}
		}
		c.Close()
	}
}

func benchSetup(t testing.TB) ([]*score.Scorer, []*datasets.Split, []Subject) {
	b := xlatest.Backend(t)
	nets, set := ten(t)
	nets = nets[1:3] // mnist, fmnist: small images
	set.Networks = set.Networks[1:3]
	d, err := NewDevice(b, set)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	files := &Files{Backend: b}
	var scorers []*score.Scorer
	var tests []*datasets.Split
	var accuracy []float64
	for i, n := range nets {
		data, err := datasets.Open(context.Background(), "fmnist",
			datasets.Options{StandInTrain: 20, StandInTest: 50})
		if err != nil {
			t.Fatal(err)
		}
		tests = append(tests, data.Test)
		c, err := score.New(b, n, 25)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		scorers = append(scorers, c)
		w := set.Weights(i)
		a, err := c.Score(context.Background(), network.Values{Weights: w}.On(), data.Test)
		if err != nil {
			t.Fatal(err)
		}
		accuracy = append(accuracy, a)
		path := filepath.Join(t.TempDir(), n.Name+".npy")
		if err := npy.Write(path, w); err != nil {
			t.Fatal(err)
		}
		files.Paths, files.Weights = append(files.Paths, path), append(files.Weights, len(w))
	}
	return scorers, tests, []Subject{{Switcher: d, Accuracy: accuracy},
		{Switcher: files, Accuracy: accuracy}}
}

func TestBench(t *testing.T) {
	quiet := func(int, int) {}
	scorers, tests, subjects := benchSetup(t)
	r, err := Bench(context.Background(), scorers, tests, subjects, 12, 4, quiet)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for k, e := range r[0].Executions {
		seen[e.Network]++
		if e.Network != r[1].Executions[k].Network {
			t.Errorf("execution %d is %s separated, %s from files", k, e.Network, r[1].Executions[k].Network)
		}
	}
	if len(r[0].Executions) != 12 || len(seen) != 2 {
		t.Errorf("networks executed: %v, want 12 of both", seen)
	}
	for _, x := range r {
		if x.Switch <= 0 || x.Execute <= 0 || x.MedianSwitch <= 0 || x.MedianSwitch > x.Switch {
			t.Errorf("timings %+v", x)
		}
	}
	subjects[1].Accuracy = []float64{-1, -1}
	if _, err := Bench(context.Background(), scorers, tests, subjects,
		1, 0, quiet); err == nil || !strings.Contains(err.Error(), "offline") {
		t.Errorf("wrong accuracy: %v", err)
	}
	subjects[0].Switcher = &Files{Backend: xlatest.Backend(t), Paths: []string{"no/such.npy", "no/such.npy"},
		Weights: []int{1, 1}}
	if _, err := Bench(context.Background(), scorers, tests, subjects,
		1, 0, quiet); err == nil || !strings.Contains(err.Error(), "no/such.npy") {
		t.Errorf("missing file: %v", err)
	}
}

// BenchmarkSwitch compares a switch from pages with one from a checkpoint file.
func BenchmarkSwitch(b *testing.B) {
	_, _, subjects := benchSetup(b)
	for i, name := range []string{"pages", "file"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				w, err := subjects[i].Switcher.Switch(0)
				if err != nil {
					b.Fatal(err)
				}
				w.FinalizeAll()
			}
		})
	}
}
