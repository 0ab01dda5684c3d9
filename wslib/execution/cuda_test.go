package execution

import (
	"context"
	"math"
	"testing"

	"weightsep/wslib/network"
	"weightsep/wslib/page"
	"weightsep/xla/xlatest"
)

// A GPU gathers and decodes all ten networks bit for bit, from pages of each precision, with keys and
// without, and switches to them.
func TestCUDAGather(t *testing.T) {
	b := xlatest.CUDA(t)
	nets, set := ten(t)
	for _, p := range precisions {
		for _, keys := range []bool{false, true} {
			s := quantized(set, p, page.ScaleLog8)
			if keys {
				s.KeyPrecision = page.Int2
				for i := range s.Networks {
					m := &s.Networks[i]
					m.Keys = m.Table.PackKeys(set.Weights(i), s.Size)
				}
			}
			e, err := Open(b, s, nets, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := e.Verify(s); err != nil {
				t.Errorf("%v, keys %t: %v", p, keys, err)
			}
			e.Close()
		}
	}
}

// A GPU's outputs are the CPU's, within 1e-4.
func TestCUDARun(t *testing.T) {
	b := xlatest.CUDA(t)
	nets, set := ten(t)
	e, err := Open(b, set, nets, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for i, n := range nets {
		x, got := random(2*n.Samples(), uint64(i)), make([]float32, 2*n.Outputs())
		if err := e.Run(context.Background(), n.Name, got, x); err != nil {
			t.Fatal(err)
		}
		for k, w := range offline(t, n, network.Values{Weights: set.Weights(i)}, 2, x) {
			if math.Abs(float64(got[k]-w)) > 1e-4 {
				t.Fatalf("%s: output %d is %v, the CPU's %v", n.Name, k, got[k], w)
			}
		}
	}
}
