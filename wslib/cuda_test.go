package wslib_test

import (
	"context"
	"math"
	"testing"

	"weightsep/wslib"
	"weightsep/wslib/network"
	"weightsep/xla/xlatest"
)

// Two steps of training give a GPU's pages outputs as the CPU's have.
func TestCUDATraining(t *testing.T) {
	xlatest.CUDA(t)
	ctx := context.Background()
	x := points(20, 50).Inputs
	var outputs [][]float32
	for _, backend := range []string{"cpu", "cuda"} {
		dense := wslib.Network{Name: "dense", Train: points(1, 600), Test: points(2, 100),
			Described: &network.Described{Shape: [3]int{1, 1, 2}, Dense: []int{2, 40, 2},
				Activation: network.LeakyActivation}, Weights: ramp(2*40 + 40 + 40*2 + 2)}
		p, err := wslib.Pack(ctx, []wslib.Network{dense, described("dots", 3)},
			wslib.Options{Ratio: 2, PageSize: 64, Steps: 2, Backend: backend})
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Run(ctx, "dense", x)
		if err != nil {
			t.Fatal(err)
		}
		outputs = append(outputs, got)
		p.Close()
	}
	for k, w := range outputs[0] {
		if math.Abs(float64(outputs[1][k]-w)) > 1e-2 {
			t.Fatalf("output %d is %v on the GPU, %v on the CPU", k, outputs[1][k], w)
		}
	}
}

func ramp(n int) []float32 {
	w := make([]float32, n)
	for i := range w {
		w[i] = float32(i%7-3) / 10
	}
	return w
}
