package execution

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"weightsep/wslib/network"
	"weightsep/wslib/page"
	"weightsep/wslib/score"
	"weightsep/xla/xlatest"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
)

// BenchmarkSwitch switches among the ten networks, stored in each way, and copies as many float32 weights
// in memory, the bound, by turns. It reports the ratio of the medians, of all networks and of the worst.
func BenchmarkSwitch(b *testing.B) {
	nets, set := ten(b)
	var weights [][]float32
	for i := range nets {
		weights = append(weights, set.Weights(i))
	}
	plain := set.Clone()
	for i := range plain.Networks {
		plain.Networks[i].Scales = nil
	}
	sets := map[string]*page.Set{"float32": plain}
	for _, p := range precisions {
		s := quantized(set, p, page.ScaleLog8)
		if p != page.Float32 {
			sets[p.String()] = s
		}
		s = s.Clone()
		s.KeyPrecision = page.Int2
		for i := range s.Networks {
			m := &s.Networks[i]
			m.Keys = m.Table.PackKeys(weights[i], s.Size)
		}
		sets[p.String()+" with keys"] = s
	}
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		e := open(b, sets[name], nets, Options{})
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			dst, k := make([]float32, 1<<17), 0
			copies, switches := make([][]time.Duration, 10), make([][]time.Duration, 10)
			for b.Loop() {
				i := k % 10
				k++
				start := time.Now()
				copy(dst, weights[i])
				copied := time.Now()
				if err := e.Switch(nets[i].Name); err != nil {
					b.Fatal(err)
				}
				copies[i] = append(copies[i], copied.Sub(start))
				switches[i] = append(switches[i], time.Since(copied))
			}
			worst := 0.0
			for i := range nets {
				worst = max(worst, float64(median(switches[i]))/float64(median(copies[i])))
			}
			all, bound := median(slices.Concat(switches...)), median(slices.Concat(copies...))
			b.ReportMetric(float64(all)/float64(bound), "copies")
			b.ReportMetric(worst, "worst")
			b.ReportMetric(float64(all), "switch-ns")
			b.ReportMetric(float64(bound), "copy-ns")
		})
	}
}

// BenchmarkRun runs networks after a switch, and with weights of their own.
func BenchmarkRun(b *testing.B) {
	nets, set := ten(b)
	set = quantized(set, page.Int2, page.ScaleLog8)
	nets, set.Networks = nets[:3], set.Networks[:3]
	for _, batch := range []int{1, 10, 100} {
		e := open(b, set, nets, Options{Batches: []int{1, 10, 100}})
		for _, n := range nets {
			x, out := random(batch*n.Samples(), 1), make([]float32, batch*n.Outputs())
			if err := e.Run(context.Background(), n.Name, out, x); err != nil { // compiles
				b.Fatal(err)
			}
			b.Run(fmt.Sprint(n.Name, " ", batch, " switched"), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := e.Run(context.Background(), n.Name, out, x); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		for i, n := range nets {
			c, err := score.New(xlatest.Backend(b), n, batch)
			if err != nil {
				b.Fatal(err)
			}
			on := network.Values{Weights: set.Weights(i)}.On()
			x, to := random(batch*n.Samples(), 1), make([]float32, batch*n.Outputs())
			in, _, err := room(xlatest.Backend(b),
				shapes.Make(dtypes.Float32, append([]int{batch}, n.Input()...)...))
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
