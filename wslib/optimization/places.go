package optimization

import (
	"github.com/gomlx/gomlx/core/tensors"

	"weightsep/wslib/network"
)

// places are, as arguments of a step's executables, where the networks that are trained find
// what they use in theta.
type places struct {
	tables  []*tensors.Tensor // of each network
	sources []any             // in the order of frame.sources
	fixed   []any             // which pages are fixed; empty where no network is held
	all     []*tensors.Tensor // to be freed
}

func newPlaces(f frame, l layout, networks []int) *places {
	p := &places{}
	for _, i := range networks {
		p.tables = append(p.tables, p.ints(l.table(i)))
	}
	shared, exclusive, scales, keys := f.sources(l, networks)
	rows := tensors.FromFlatDataAndDimensions(shared, f.shared, f.tenants)
	p.all = append(p.all, rows)
	p.sources = []any{rows, p.ints(exclusive), p.ints(scales), p.ints(keys)}
	if l.held() {
		fixed := tensors.FromFlatDataAndDimensions(l.fixed, f.pages)
		p.all = append(p.all, fixed)
		p.fixed = []any{fixed}
	}
	return p
}

func (p *places) ints(v []int32) *tensors.Tensor {
	t := tensors.FromFlatDataAndDimensions(v, len(v))
	p.all = append(p.all, t)
	return t
}

func (p *places) free() { network.Free(p.all...) }
