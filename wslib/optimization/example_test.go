package optimization_test

import (
	"fmt"

	"weightsep/wslib/optimization"
	"weightsep/wslib/overlapping"
	"weightsep/wslib/page"
)

// What optimization starts from, and what is stored where there is nothing to train with: pages
// rounded to 8 bits, with a scale for each page of each network. Joint trains them.
func ExampleUntrained() {
	plan, err := overlapping.New(2, 2)
	if err != nil {
		panic(err)
	}
	weights := []float32{0.5, -0.25, 0.031, 0.02}
	_, err = plan.Add(overlapping.Network{Name: "a", Weights: weights, Fisher: make([]float32, 4)})
	if err != nil {
		panic(err)
	}
	format := page.Format{Precision: page.Int8, ScaleFormat: page.ScaleFloat32}
	set, err := optimization.Untrained(plan, nil, format)
	if err != nil {
		panic(err)
	}
	for i, w := range set.Weights(0) {
		fmt.Printf("%g as %.4f\n", weights[i], w)
	}
	fmt.Println(set.Stored().Total, "bytes of", 4*len(weights))
	// Output:
	// 0.5 as 0.5000
	// -0.25 as -0.2520
	// 0.031 as 0.0310
	// 0.02 as 0.0200
	// 14 bytes of 16
}
