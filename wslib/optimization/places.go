package optimization

import "github.com/gomlx/gomlx/core/tensors"

// places are a view and, as arguments of a step's executables, what they need to know of it.
type places struct {
	view    view
	tables  []*tensors.Tensor // of each network
	sources []any             // in the order of frame.sources
	fixed   []any             // which pages are fixed; empty where no network is held
	all     []*tensors.Tensor // to be freed
}

// newPlaces are those of a step of the given networks.
func newPlaces(f frame, l layout, networks []int) *places {
	p := &places{}
	if f.all(l) {
		p.view = l.whole(networks)
	} else {
		p.view = l.part(f, networks)
	}
	for _, table := range p.view.tables {
		p.tables = append(p.tables, p.ints(table))
	}
	shared, exclusive, scales, keys := f.sources(p.view)
	rows := tensors.FromFlatDataAndDimensions(shared, f.shared, f.tenants)
	p.all = append(p.all, rows)
	p.sources = []any{rows, p.ints(exclusive), p.ints(scales), p.ints(keys)}
	if l.held() {
		fixed := tensors.FromFlatDataAndDimensions(p.view.fixed, f.pages)
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

func (p *places) free() { free(p.all...) }
