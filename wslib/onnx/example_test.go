package onnx_test

import (
	"fmt"
	"maps"
	"slices"

	"weightsep/wslib/network"
	"weightsep/wslib/onnx"
	"weightsep/wslib/page"
)

// Two networks of three weights on one shared page of 512 become a model each, beside one file of pages.
func ExampleExport() {
	set := &page.Set{Format: page.Format{Size: 512, Shared: 1}, Pages: page.PackFloats(make([]float32, 512))}
	var nets []*network.Network
	for _, name := range []string{"a", "b"} {
		set.Networks = append(set.Networks, page.Member{Name: name, Weights: 3,
			Table: page.Table{Shared: 1, Entries: []int32{0}}})
		nets = append(nets, network.Describe(name, network.Described{Shape: [3]int{1, 1, 2},
			Dense: []int{2, 1}, Activation: network.LeakyActivation}))
	}
	files, err := onnx.Export(set, nets)
	if err != nil {
		panic(err)
	}
	fmt.Println(slices.Sorted(maps.Keys(files)))
	fmt.Println("pages:", len(files[onnx.PagesFile]), "bytes")
	// Output:
	// [a.onnx b.onnx pages.bin]
	// pages: 2048 bytes
}
