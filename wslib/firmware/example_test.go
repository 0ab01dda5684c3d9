package firmware_test

import (
	"encoding/json"
	"fmt"
	"os"

	"weightsep/wslib/firmware"
	"weightsep/wslib/network"
	"weightsep/wslib/pack"
	"weightsep/wslib/page"
)

// A network of six weights becomes C: an engine, and the pack's constants.
func ExampleWrite() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	n := network.Describe("line", network.Described{Shape: [3]int{1, 1, 2}, Dense: []int{2, 2},
		Activation: network.LeakyActivation})
	f := &pack.File{
		Set: &page.Set{Format: page.Format{Size: 2, Shared: 3},
			Pages: page.PackFloats([]float32{1, 0, 0, 1, 0.5, -0.5}),
			Networks: []page.Member{{Name: "line", Weights: 6,
				Table: page.Table{Shared: 3, Entries: []int32{0, 1, 2}}}}},
		Networks: []pack.Network{{Model: json.RawMessage("{}")}},
	}
	if err := firmware.Write(dir, f, []*network.Network{n}, firmware.Options{Prefix: "lines"}); err != nil {
		panic(err)
	}
	files, err := os.ReadDir(dir)
	for _, file := range files {
		fmt.Println(file.Name())
	}
	fmt.Println(err)
	// Output:
	// lines.c
	// lines.h
	// weightsep.h
	// <nil>
}
