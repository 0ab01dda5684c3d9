package execution

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"weightsep/datasets"
	"weightsep/wslib/network"
	"weightsep/wslib/page"
	"weightsep/wslib/score"
	"weightsep/xla/xlatest"
)

func open(t testing.TB, s *page.Set, nets []*network.Network, o Options) *Engine {
	t.Helper()
	e, err := Open(xlatest.Backend(t), s, nets, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// offline are outputs of a network with weights of its own.
func offline(t testing.TB, n *network.Network, v network.Values, batch int, x []float32) []float32 {
	t.Helper()
	c, err := score.New(xlatest.Backend(t), n, batch)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	split, err := datasets.NewSplit(n.Samples(), x, make([]int32, len(x)/n.Samples()))
	if err != nil {
		t.Fatal(err)
	}
	on := v.On()
	defer network.Free(on...)
	out, err := c.Outputs(context.Background(), on, split)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func random(n int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 8))
	x := make([]float32, n)
	for i := range x {
		x[i] = r.Float32()
	}
	return x
}

func TestGatherIsBitExact(t *testing.T) {
	nets, set := ten(t)
	verify(t, set, nets)
}

// Networks are compared by name: a set may have some of the engine's, in another order.
func TestVerifyFindsByName(t *testing.T) {
	nets, set := ten(t)
	nets, set.Networks = nets[1:3], set.Networks[1:3]
	e := open(t, set, nets, Options{})
	for _, names := range [][]string{{"fmnist"}, {"fmnist", "mnist"}} {
		kept, err := set.Keep(names...)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Verify(kept); err != nil {
			t.Errorf("%v: %v", names, err)
		}
	}
	other := set.Clone()
	other.Networks[1].Name = "nobody"
	if err := e.Verify(other); err == nil || !strings.Contains(err.Error(), `no network "nobody"`) {
		t.Errorf("error %v, want the name", err)
	}
}

// Outputs of all networks, in turn, are those of a network with weights of its own.
func TestRunAgrees(t *testing.T) {
	nets, set := ten(t)
	e := open(t, set, nets, Options{})
	for i, n := range nets {
		x := random(2*n.Samples(), uint64(i))
		agrees(t, e, n, x, offline(t, n, network.Values{Weights: set.Weights(i)}, 2, x))
	}
}

func agrees(t *testing.T, e *Engine, n *network.Network, x, want []float32) {
	t.Helper()
	got := make([]float32, len(want))
	if err := e.Run(context.Background(), n.Name, got, x); err != nil {
		t.Fatal(err)
	}
	for k, w := range want {
		if math.Abs(float64(got[k]-w)) > 1e-5 {
			t.Fatalf("%s: output %d is %v, want %v", n.Name, k, got[k], w)
		}
	}
}

// Samples are split into batches.
func TestBatches(t *testing.T) {
	nets, set := ten(t)
	nets, set.Networks = nets[1:3], set.Networks[1:3]
	e := open(t, set, nets, Options{Batches: []int{4, 1}})
	x := random(6*784, 1) // 4, 1 and 1
	for i, n := range nets {
		agrees(t, e, n, x, offline(t, n, network.Values{Weights: set.Weights(i)}, 6, x))
	}
}

// State is each network's own: it goes where the network goes.
func TestState(t *testing.T) {
	n := stateful(t, "a")
	set := &page.Set{Format: page.Format{Size: 4, Shared: 2, Precision: page.Int8},
		Pages: []byte{1, 2, 3, 4, 5, 6, 7, 8}}
	var nets []*network.Network
	for i, name := range []string{"a", "b"} {
		m := *n
		m.Name = name
		nets = append(nets, &m)
		set.Networks = append(set.Networks, page.Member{Name: name, Weights: n.Weights(),
			Table: page.Table{Shared: 2, Entries: []int32{int32(i)}}, Scales: []float32{0.5},
			State: []float32{float32(10 * (i + 1)), 1}})
	}
	e := open(t, set, nets, Options{})
	for range 3 {
		for i, name := range e.Names() {
			var out [2]float32
			if err := e.Run(context.Background(), name, out[:], []float32{3, 4}); err != nil {
				t.Fatal(err)
			}
			// weights 0.5 times (1, 2) or (5, 6), and the state is added.
			w := 0.5 * float32(1+4*i)
			if want := [2]float32{3*w + float32(10*(i+1)), 4*(w+0.5) + 1}; out != want {
				t.Errorf("%s: %v, want %v", name, out, want)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	nets, set := ten(t)
	nets = nets[:2]
	set.Networks = set.Networks[:2]
	b := xlatest.Backend(t)
	fails := func(want string) func(any, error) {
		return func(_ any, err error) {
			t.Helper()
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %q", err, want)
			}
		}
	}
	fails("1 networks for a set of 2")(Open(b, set, nets[:1], Options{}))
	fails("network 0 of the set is cifar10")(Open(b, set, []*network.Network{nets[1], nets[0]}, Options{}))
	fails("batches of [2]")(Open(b, set, nets, Options{Batches: []int{2}}))
	broken := set.Clone()
	broken.Networks[0].Table.Entries = append([]int32{int32(-1)}, set.Networks[0].Table.Entries[1:]...)
	fails("entry 0 is -1")(Open(b, broken, nets, Options{}))
	broken = set.Clone()
	page.PutFloats(broken.Pages, []float32{float32(math.NaN())})
	fails("NaN")(Open(b, broken, nets, Options{}))
	broken = set.Clone()
	broken.Pages = broken.Pages[4:]
	fails("bytes of shared pages")(Open(b, broken, nets, Options{}))

	e := open(t, set, nets, Options{})
	ctx := context.Background()
	fails(`no network "nobody", there are [cifar10 mnist]`)(nil, e.Switch("nobody"))
	fails(`no network "nobody"`)(nil, e.Run(ctx, "nobody", nil, nil))
	fails(`no network "nobody"`)(nil, e.Weights(nil, "nobody"))
	fails("room for 3 weights, want 65402")(nil, e.Weights(make([]float32, 3), "mnist"))
	fails("783 values in and 10 out, want 784 and 10")(nil, e.Run(ctx, "mnist", make([]float32, 10),
		make([]float32, 783)))
	fails("784 values in and 9 out")(nil, e.Run(ctx, "mnist", make([]float32, 9), make([]float32, 784)))
	fails("0 values in")(nil, e.Run(ctx, "mnist", nil, nil))
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	if err := e.Run(canceled, "mnist", make([]float32, 10), make([]float32, 784)); err != context.Canceled {
		t.Errorf("canceled: %v", err)
	}
	e.Close()
	e.Close()
	for _, err := range []error{e.Switch("mnist"),
		e.Run(ctx, "mnist", make([]float32, 10), make([]float32, 784)),
		e.Weights(make([]float32, nets[1].Weights()), "mnist")} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
	if m := e.Memory(); m != (Memory{}) {
		t.Errorf("after Close: %+v", m)
	}
}

// Whatever a model function panics with is an error of every call.
func TestPanics(t *testing.T) {
	n, err := network.FromFunction(xlatest.Backend(t), "a", []int{2}, func(s *model.Scope, x *Node) *Node {
		if x.Shape().Dimensions[0] == 1 {
			panic("only two")
		}
		w := s.VariableWithValue("w", []float32{1, 1}).NodeValue(x.Graph())
		return Mul(x, InsertAxes(w, 0))
	})
	if err != nil {
		t.Fatal(err)
	}
	set := statefulSet(n)
	set.Networks[0].State = nil
	e := open(t, set, []*network.Network{n}, Options{})
	for range 2 {
		var out [2]float32
		if err := e.Run(context.Background(), "a", out[:], []float32{3, 4}); err == nil ||
			!strings.Contains(err.Error(), "only two") {
			t.Errorf("%v", err)
		}
	}
	e.Close()
}

func TestMemoryByHand(t *testing.T) {
	s := quantized(oddPages(), page.Int4, page.ScaleLog8)
	nets := netsOf(s, nil)
	e := open(t, s, nets, Options{Batches: []int{1, 3}})
	// 300 shared pages of 13 values of 4 bits are 7 bytes each; a has two of its own. Room is for 60
	// weights; tables and scales of 5 and 1 entries are 8 bytes each.
	want := Memory{Device: 2100, Working: 240, Host: 14 + 48}
	if m := e.Memory(); m != want {
		t.Errorf("%+v, want %+v", m, want)
	}
	if err := e.Run(context.Background(), "b", make([]float32, 1), make([]float32, 12)); err != nil {
		t.Fatal(err)
	}
	want.Working += 4 * 12 // a sample
	if m := e.Memory(); m != want {
		t.Errorf("after a run %+v, want %+v", m, want)
	}
}

func TestSwitchAllocatesNothing(t *testing.T) {
	nets, set := ten(t)
	set = quantized(set, page.Int2, page.ScaleLog8)
	e := open(t, set, nets, Options{})
	before := e.Memory()
	k := 0
	if n := testing.AllocsPerRun(100_000, func() {
		if err := e.Switch(nets[k%10].Name); err != nil {
			t.Fatal(err)
		}
		k++
	}); n != 0 {
		t.Errorf("%v allocations a switch, want 0", n)
	}
	if after := e.Memory(); after != before {
		t.Errorf("%+v after 100,000 switches, %+v before", after, before)
	}
}

// stateful is a network of two weights that adds its state of two values.
func stateful(t testing.TB, name string) *network.Network {
	t.Helper()
	n, err := network.FromFunction(xlatest.Backend(t), name, []int{2}, func(s *model.Scope, x *Node) *Node {
		g := x.Graph()
		w := s.VariableWithValue("w", []float32{1, 1})
		add := s.VariableWithValue("add", []float32{0, 0}).SetTrainable(false)
		return Add(Mul(x, InsertAxes(w.NodeValue(g), 0)), InsertAxes(add.NodeValue(g), 0))
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
