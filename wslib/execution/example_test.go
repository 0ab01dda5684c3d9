package execution_test

import (
	"context"
	"fmt"

	"weightsep/wslib/execution"
	"weightsep/wslib/network"
	"weightsep/wslib/page"
	"weightsep/xla"
)

// Two networks of three weights, y = ax + by + c, share their page of a and b; c is each one's own.
// A run switches where it has to.
func ExampleEngine_Run() {
	ctx := context.Background()
	set := &page.Set{Format: page.Format{Size: 2, Shared: 1}, Pages: page.PackFloats([]float32{2, 3})}
	var nets []*network.Network
	for name, c := range map[string]float32{"plus": 10, "minus": -10} {
		set.Networks = append(set.Networks, page.Member{Name: name, Weights: 3,
			Table:     page.Table{Shared: 1, Entries: []int32{0, 1}},
			Exclusive: page.PackFloats([]float32{c, 0})})
		nets = append(nets, network.Describe(name, network.Described{Shape: [3]int{1, 1, 2},
			Dense: []int{2, 1}, Activation: network.LeakyActivation}))
	}
	backend, _, err := xla.Open(ctx, xla.Options{Name: "go"}) // needs no plugin
	if err != nil {
		panic(err)
	}
	engine, err := execution.Open(backend, set, nets, execution.Options{})
	if err != nil {
		panic(err)
	}
	defer engine.Close()
	for _, name := range []string{"plus", "minus"} {
		outputs := make([]float32, 2)
		if err := engine.Run(ctx, name, outputs, []float32{1, 1, 0, 4}); err != nil {
			panic(err)
		}
		fmt.Println(name, outputs)
	}
	// Output:
	// plus [15 22]
	// minus [-5 2]
}
