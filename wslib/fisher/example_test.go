package fisher_test

import (
	"fmt"

	"weightsep/wslib/fisher"
)

// Fisher information is compared within a network only: its largest value becomes 1, its least 0.
func ExampleScale() {
	f := []float32{0.02, 0.01, 0.03, 0.01}
	fisher.Scale(f)
	fmt.Println(f)
	// Output:
	// [0.5 0 1 0]
}
