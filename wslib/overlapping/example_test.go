package overlapping_test

import (
	"fmt"

	"weightsep/wslib/overlapping"
)

// Two shared pages of one weight. The first network takes both; each page of the second then goes where
// it costs least: the Fisher information there, of all networks, times the squared difference.
func ExamplePlan_Add() {
	plan, err := overlapping.New(1, 2)
	if err != nil {
		panic(err)
	}
	for _, n := range []overlapping.Network{
		{Name: "a", Weights: []float32{5, 2}, Fisher: []float32{4, 1}},
		{Name: "b", Weights: []float32{1, 5}, Fisher: []float32{2, 3}},
	} {
		member, err := plan.Add(n)
		if err != nil {
			panic(err)
		}
		fmt.Println(n.Name, member.Table.Entries, member.Cost)
		plan.Average() // where pages meet, the mean by Fisher information
	}
	fmt.Printf("%.3g\n", plan.Values)
	// Output:
	// a [0 1] 0
	// b [1 0] 3
	// [5 1.33]
}
