package pack

import (
	"slices"

	"weightsep/wslib/page"
)

// tensor is one array of the file.
type tensor struct {
	DType   string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets []int  `json:"data_offsets"` // begin and end in the data section

	name string
	data []byte
}

// Names of tensors; those of a network are its name, which has no slash, a slash, and the
// names of its parts or graphPart.
const (
	sharedName = "shared_pages"
	graphPart  = "graph"
)

// partNames of a network, in the order of the file.
var partNames = []string{page.TablePart, page.ExclusivePart, page.ScalesPart, page.KeysPart, page.StatePart, graphPart}

// tensors are all arrays of the file in the order of their data: wide elements first, so that
// each begins at a multiple of its width. Empty ones are left out.
func (f *File) tensors() []tensor {
	var all []tensor
	add := func(name string, a page.Array) {
		if len(a.Data) > 0 {
			all = append(all, tensor{DType: a.Type, Shape: a.Shape, name: name, data: a.Data})
		}
	}
	s := f.Set
	add(sharedName, s.Precision.Array(s.Pages, s.Size))
	for i, m := range s.Networks {
		arrays, graph := m.Arrays(s.Format), f.Networks[i].Graph
		arrays[graphPart] = page.Array{Type: "U8", Shape: []int{len(graph)}, Data: graph}
		for _, part := range partNames {
			add(m.Name+"/"+part, arrays[part])
		}
	}
	slices.SortStableFunc(all, func(a, b tensor) int { return page.TypeBytes(b.DType) - page.TypeBytes(a.DType) })
	at := 0
	for i := range all {
		all[i].Offsets = []int{at, at + len(all[i].data)}
		at += len(all[i].data)
	}
	return all
}
