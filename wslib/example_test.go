package wslib_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/model"

	"weightsep/wslib"
	"weightsep/wslib/network"
)

// Two networks of one's own, a GoMLX function and a described one, in an eighth of their bytes.
func Example() {
	ctx := context.Background()
	rings := wslib.Network{Name: "rings", Function: mlp, Input: []int{2},
		Train: points(1, 2000), Test: points(2, 400)}
	dense := network.Described{Shape: [3]int{1, 1, 2}, Dense: []int{2, 64, 2}, Activation: "leaky"}
	dots := wslib.Network{Name: "dots", Described: &dense,
		Train: points(3, 2000), Test: points(4, 400)}
	packed, err := wslib.Pack(ctx, []wslib.Network{rings, dots}, wslib.Options{Ratio: 8, Steps: 300})
	if err != nil {
		panic(err)
	}
	defer packed.Close()
	file := filepath.Join(os.TempDir(), "two.safetensors")
	if err := packed.Save(file); err != nil {
		panic(err)
	}
	again, err := wslib.Open(ctx, file, rings) // the file has all of dots, but not the code of rings
	if err != nil {
		panic(err)
	}
	defer again.Close()
	stored, separate := again.Bytes()
	outputs, err := again.Run(ctx, "rings", []float32{0, 0, 1, 1})
	if err != nil {
		panic(err)
	}
	fmt.Println(again.Names(), separate >= 8*stored, outputs[0] > outputs[1], outputs[2] > outputs[3])
	for _, n := range packed.Report.Networks {
		fmt.Println(n.Name, n.Before.Test > 0.9, n.After.Test > 0.9)
	}
	// Output:
	// [rings dots] true true false
	// rings true true
	// dots true true
}

func mlp(scope *model.Scope, x *graph.Node) *graph.Node {
	h := graph.Tanh(layers.Dense(scope.In("first"), x, true, 64))
	return layers.Dense(scope.In("last"), graph.Tanh(layers.Dense(scope.In("second"), h, true, 64)), true, 2)
}

// points of a square, of class 1 outside of a circle.
func points(seed uint64, n int) (s wslib.Samples) {
	r := rand.New(rand.NewPCG(seed, 1))
	for range n {
		x, y := r.Float32()*2-1, r.Float32()*2-1
		label := int32(0)
		if x*x+y*y > 0.6 {
			label = 1
		}
		s.Inputs, s.Labels = append(s.Inputs, x, y), append(s.Labels, label)
	}
	return s
}
