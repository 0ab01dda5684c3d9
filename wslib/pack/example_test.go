package pack_test

import (
	"bytes"
	"fmt"

	"weightsep/wslib/pack"
	"weightsep/wslib/page"
)

// A network on two pages becomes a pack, and the pack the network again. A damaged one is refused.
func ExampleFile_Write() {
	f := pack.File{
		Set: &page.Set{Format: page.Format{Size: 2, Shared: 2},
			Pages: page.PackFloats([]float32{1, 2, 3, 4}),
			Networks: []page.Member{{Name: "a", Weights: 3,
				Table: page.Table{Shared: 2, Entries: []int32{1, 0}}}}},
		Networks: []pack.Network{{Layers: []pack.Layer{{Name: "dense0/kernel", Shape: []int{1, 3}}}}},
	}
	var file bytes.Buffer
	if err := f.Write(&file); err != nil {
		panic(err)
	}
	again, err := pack.Read(file.Bytes())
	if err != nil {
		panic(err)
	}
	fmt.Println(again.Set.Networks[0].Name, again.Networks[0].Layers[0].Name, again.Set.Weights(0))
	file.Bytes()[file.Len()-1] ^= 1
	_, err = pack.Read(file.Bytes())
	fmt.Println("after one bit has flipped:", err != nil)
	// Output:
	// a dense0/kernel [3 4 1]
	// after one bit has flipped: true
}
