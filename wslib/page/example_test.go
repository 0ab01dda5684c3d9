package page_test

import (
	"fmt"

	"weightsep/wslib/page"
)

// Formation: five weights on pages of two; the last page is filled up with a zero.
func ExampleForm() {
	weights := []float32{0.5, -1, 2, 0.25, 3}
	fmt.Println(page.Count(len(weights), 2), "pages:", page.Form(weights, 2))
	// Output:
	// 3 pages: [0.5 -1 2 0.25 3 0]
}

// Two networks on two shared pages. The first has a page of its own, the second a scale of 2 for one
// of its pages.
func ExampleSet_Weights() {
	set := page.Set{
		Format: page.Format{Size: 2, Shared: 2},
		Pages:  page.PackFloats([]float32{1, 2, 3, 4}),
		Networks: []page.Member{
			{Name: "a", Weights: 5, Table: page.Table{Shared: 2, Entries: []int32{1, 2, 0}},
				Exclusive: page.PackFloats([]float32{7, 8})},
			{Name: "b", Weights: 4, Table: page.Table{Shared: 2, Entries: []int32{0, 1}},
				Scales: []float32{1, 2}},
		},
	}
	if err := set.Validate(); err != nil {
		panic(err)
	}
	for i, n := range set.Networks {
		fmt.Println(n.Name, n.Table.Exclusive(), set.Weights(i))
	}
	// Output:
	// a [1] [3 4 7 8 1]
	// b [] [1 2 6 8]
}
