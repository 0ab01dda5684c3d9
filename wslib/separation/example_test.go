package separation_test

import (
	"fmt"

	"weightsep/wslib/separation"
)

// Four pages of two weights. The densest pages stay exclusive until they carry more than 1 - 0.3 of the
// network's Fisher information.
func ExampleSeparate() {
	fisher := []float32{1, 0, 8, 1, 0, 1, 4, 5} // of each weight
	density := separation.Density(fisher, 2)
	exclusive, err := separation.Separate(density, separation.Options{TPR: 1, Margin: 0.3, Shared: 4})
	fmt.Println(density, separation.ByDensity(density))
	fmt.Println(exclusive, err)
	// Output:
	// [0.05 0.45 0.05 0.45] [1 3 0 2]
	// [1 3] <nil>
}
