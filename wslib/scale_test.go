package wslib_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"weightsep/wslib"
	"weightsep/wslib/network"
	"weightsep/wslib/pack"
)

// copies is a pack of n networks of 65,402 weights, the architecture of mnist: one, with exclusive pages
// of its own for each.
func copies(t testing.TB, n int) string {
	t.Helper()
	mnist := network.Ten()[1]
	w, _, err := mnist.Initial(1)
	if err != nil {
		t.Fatal(err)
	}
	one, err := wslib.Pack(context.Background(), []wslib.Network{{Name: "n0", Weights: w,
		Described: mnist.Model.(*network.Described)}}, wslib.Options{Ratio: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	path := filepath.Join(t.TempDir(), "pack.safetensors")
	if err := one.Save(path); err != nil {
		t.Fatal(err)
	}
	f, err := pack.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < n; i++ {
		m := f.Set.Clone().Networks[0]
		m.Name = fmt.Sprintf("n%d", i)
		m.Scales[0] = float32(i) / 1024
		f.Set.Networks, f.Networks = append(f.Set.Networks, m), append(f.Networks, f.Networks[0])
	}
	if err := f.Save(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// With a hundred times the networks, a pack takes the same memory on the device and to work in, compiles
// nothing more, and runs each network as itself.
func TestManyNetworks(t *testing.T) {
	ctx := context.Background()
	few, err := wslib.Open(ctx, copies(t, 3))
	if err != nil {
		t.Fatal(err)
	}
	defer few.Close()
	many, err := wslib.Open(ctx, copies(t, 300))
	if err != nil {
		t.Fatal(err)
	}
	defer many.Close()
	a, b := few.Engine().Memory(), many.Engine().Memory()
	if a.Device != b.Device || a.Working != b.Working || b.Host != 100*a.Host {
		t.Errorf("memory %+v of 3 networks, %+v of 300", a, b)
	}
	x := points(3, 784/2).Inputs[:784]
	var last []float32
	for _, name := range []string{"n0", "n1", "n299", "n2"} {
		got, err := many.Run(ctx, name, x)
		if err != nil || slices.Equal(got, last) {
			t.Fatalf("%s: outputs %v, as before (%v)", name, got, err)
		}
		last = got
	}
	if want, err := few.Run(ctx, "n2", x); err != nil || !slices.Equal(last, want) {
		t.Errorf("n2 gives %v among 300, %v among 3 (%v)", last, want, err)
	}
}

func TestClosed(t *testing.T) {
	ctx := context.Background()
	p, err := wslib.Open(ctx, copies(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	p.Close()
	_, run := p.Run(ctx, "n0", make([]float32, 784))
	_, add := p.Add(ctx, described("more", 1), wslib.Options{})
	for what, err := range map[string]error{"run": run, "add": add,
		"save": p.Save(filepath.Join(t.TempDir(), "x"))} {
		if err == nil {
			t.Errorf("%s after Close: no error", what)
		}
	}
}

// BenchmarkOpen opens packs of many networks, and switches among them.
func BenchmarkOpen(b *testing.B) {
	ctx := context.Background()
	for _, n := range []int{10, 100, 1000} {
		path := copies(b, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				p, err := wslib.Open(ctx, path)
				if err != nil {
					b.Fatal(err)
				}
				p.Close()
			}
		})
		p, err := wslib.Open(ctx, path)
		if err != nil {
			b.Fatal(err)
		}
		names, e, k := p.Names(), p.Engine(), 0
		b.Run(fmt.Sprint(n, " switch"), func(b *testing.B) {
			for b.Loop() {
				if err := e.Switch(names[k%n]); err != nil {
					b.Fatal(err)
				}
				k += 7
			}
		})
		b.Logf("%d networks: %+v", n, e.Memory())
		p.Close()
	}
}
