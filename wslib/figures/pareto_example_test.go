package figures_test

import (
	"fmt"
	"log"

	"weightsep/wslib/figures"
)

// Two precisions of the pages, with intervals, and another method.
func ExamplePareto() {
	f, err := figures.Pareto("Packing and accuracy", 0, []figures.ParetoPoint{
		{Series: "joint pages", Label: "float32", Ratio: 6.9, Change: -0.35, Low: -0.8, High: 0.1},
		{Series: "joint pages", Label: "8 bits", Ratio: 27, Change: -0.5, Low: -1, High: -0.1},
		{Series: "pruned", Label: "half", Ratio: 2, Change: 0.2},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(f.Title)
	// Output: Packing and accuracy
}
