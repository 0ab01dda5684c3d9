package pack

import (
	"fmt"
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

// width is the bytes of an element of a type; 0 of a type that packs do not use.
func width(dtype string) int {
	switch dtype {
	case "F32", "I32":
		return 4
	case "F16", "U16":
		return 2
	case "U8", "I8":
		return 1
	}
	return 0
}

// Names of tensors: those of a network follow its name, which has no slash.
const (
	sharedName    = "shared_pages"
	tableName     = "/table"
	exclusiveName = "/exclusive_pages"
	scalesName    = "/scales"
	keysName      = "/keys"
	stateName     = "/state"
	graphName     = "/graph"
)

// pagesType is the type and shape of pages.
func pagesType(p page.Precision, pages, size int) (string, []int) {
	switch p.Bits() {
	case 32:
		return "F32", []int{pages, size}
	case 8:
		return "I8", []int{pages, size}
	}
	return "U8", []int{pages, p.Bytes(size)}
}

// scalesType is the type of scales.
func scalesType(f page.ScaleFormat) string {
	return map[int]string{4: "F32", 2: "F16", 1: "U8"}[f.Bytes()]
}

// tensors are all arrays of the file in the order of their data: wide elements first, so that
// each begins at a multiple of its width. Empty ones are left out.
func (f *File) tensors() ([]tensor, error) {
	var all []tensor
	add := func(name, dtype string, data []byte, shape ...int) {
		if len(data) > 0 {
			all = append(all, tensor{DType: dtype, Shape: shape, name: name, data: data})
		}
	}
	s := f.Set
	shared, own := s.Precisions()
	dtype, shape := pagesType(shared, s.Shared, s.Size)
	add(sharedName, dtype, s.Pages, shape...)
	for i, m := range s.Networks {
		pages := len(m.Table.Entries)
		exclusive := len(m.Table.Exclusive())
		dtype = map[int]string{1: "U8", 2: "U16", 4: "I32"}[m.Table.Width()]
		add(m.Name+tableName, dtype, m.Table.Pack(), pages)
		dtype, shape = pagesType(own, exclusive, s.Size)
		add(m.Name+exclusiveName, dtype, m.Exclusive, shape...)
		scales, err := s.ScaleFormat.Pack(m.Scales)
		if err != nil {
			return nil, fmt.Errorf("network %s: %w", m.Name, err)
		}
		add(m.Name+scalesName, scalesType(s.ScaleFormat), scales, pages)
		dtype, shape = pagesType(s.KeyPrecision, pages-exclusive, s.Size)
		add(m.Name+keysName, dtype, m.Keys, shape...)
		add(m.Name+stateName, "F32", page.PackFloats(m.State), len(m.State))
		add(m.Name+graphName, "U8", f.Networks[i].Graph, len(f.Networks[i].Graph))
	}
	slices.SortStableFunc(all, func(a, b tensor) int { return width(b.DType) - width(a.DType) })
	at := 0
	for i := range all {
		all[i].Offsets = []int{at, at + len(all[i].data)}
		at += len(all[i].data)
	}
	return all, nil
}
