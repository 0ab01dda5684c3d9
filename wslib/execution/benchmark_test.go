package execution

import (
	"context"
	"fmt"
	"testing"

	"weightsep/wslib/network"
	"weightsep/wslib/page"
	"weightsep/wslib/score"
	"weightsep/xla/xlatest"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
)

// BenchmarkSwitch switches among the ten networks, stored in each way, beside a copy of as many
// float32 weights: the bound.
func BenchmarkSwitch(b *testing.B) {
	nets, set := ten(b)
	var weights [][]float32
	for i := range nets {
		weights = append(weights, set.Weights(i))
	}
	dst, k := make([]float32, 1<<17), 0
	b.Run("copy", func(b *testing.B) {
		for b.Loop() {
			copy(dst, weights[k%10])
			k++
		}
	})
	for _, p := range precisions {
		s := quantized(set, p, page.ScaleLog8)
		if p == page.Float32 {
			for i := range s.Networks {
				s.Networks[i].Scales = nil
			}
		}
		for _, keys := range []bool{false, true} {
			if keys {
				s = quantized(set, p, page.ScaleLog8)
				s.KeyPrecision = page.Int2
				for i := range s.Networks {
					m := &s.Networks[i]
					m.Keys = m.Table.PackKeys(weights[i], s.Size)
				}
			}
			e := open(b, s, nets, Options{})
			b.Run(fmt.Sprintf("%v keys %t", p, keys), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := e.Switch(nets[k%10].Name); err != nil {
						b.Fatal(err)
					}
					k++
				}
			})
		}
	}
}

// BenchmarkRun runs networks after a switch, in place, and with weights of their own.
func BenchmarkRun(b *testing.B) {
	nets, set := ten(b)
	set = quantized(set, page.Int2, page.ScaleLog8)
	nets, set.Networks = nets[:3], set.Networks[:3]
	for _, batch := range []int{1, 10, 100} {
		for _, mode := range []Mode{Switched, InPlace} {
			e := open(b, set, nets, Options{Batches: []int{1, 10, 100}, Mode: mode})
			for _, n := range nets {
				x, out := random(batch*n.Samples(), 1), make([]float32, batch*n.Outputs())
				if err := e.Run(context.Background(), n.Name, out, x); err != nil { // compiles
					b.Fatal(err)
				}
				b.Run(fmt.Sprint(n.Name, " ", batch, " ", mode), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						if err := e.Run(context.Background(), n.Name, out, x); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
		for i, n := range nets {
			c, err := score.New(xlatest.Backend(b), n, batch)
			if err != nil {
				b.Fatal(err)
			}
			on := network.Values{Weights: set.Weights(i)}.On()
			x, to := random(batch*n.Samples(), 1), make([]float32, batch*n.Outputs())
			in, _, err := room(xlatest.Backend(b), shapes.Make(dtypes.Float32, append([]int{batch}, n.Input()...)...))
			if err != nil {
				b.Fatal(err)
			}
			run := func() {
				err := tensors.MutableFlatData(in, func(v []float32) { copy(v, x) })
				if err != nil {
					b.Fatal(err)
				}
				out, err := c.Run(on, in)
				if err == nil {
					err = tensors.ConstFlatData(out, func(v []float32) { copy(to, v) })
					out.FinalizeAll()
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			run() // compiles
			b.Run(fmt.Sprint(n.Name, " ", batch, " own"), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					run()
				}
			})
			c.Close()
		}
	}
}
