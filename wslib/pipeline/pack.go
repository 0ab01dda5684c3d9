package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/gomlx/compute"

	"weightsep/wslib/network"
	"weightsep/wslib/onnx"
	"weightsep/wslib/pack"
)

// Pack is the run's optimized networks as one file: pages, tables and state, each network's layers
// and model, and the configuration and versions that made it.
func (r *Run) Pack() (*pack.File, error) {
	set, err := r.Set()
	if err != nil {
		return nil, err
	}
	f := &pack.File{Set: set}
	for _, n := range r.Networks() {
		p, err := packed(n)
		if err != nil {
			return nil, err
		}
		f.Networks = append(f.Networks, p)
	}
	f.Made, err = json.Marshal(map[string]any{"config": r.config, "versions": r.Dir.Manifest.Versions,
		"data": r.Dir.Manifest.Data})
	return f, err
}

// placed are the optimized pages with each network's layers or, where there are none yet, those before
// optimization.
func (r *Run) placed() (f *pack.File, trained bool, err error) {
	set, err := r.Set()
	trained = err == nil
	if errors.Is(err, ErrNotDone) {
		set, err = r.OverlappedSet()
	}
	f = &pack.File{Set: set}
	for _, n := range r.Networks() {
		f.Networks = append(f.Networks, pack.Network{Layers: layers(n)})
	}
	return f, trained, err
}

// packed is what a pack says of a network.
func packed(n *network.Network) (p pack.Network, err error) {
	p.Layers = layers(n)
	p.Graph = onnx.GraphOf(n)
	p.Model, err = json.Marshal(recordOf(n))
	return p, err
}

func layers(n *network.Network) (all []pack.Layer) {
	for _, l := range n.Layers() {
		all = append(all, pack.Layer{Name: l.Name, Shape: l.Shape, Offset: l.Offset})
	}
	return all
}

// InPack are a pack's networks, in its order of weights. They keep none of its memory. Networks of GoMLX
// functions are taken from given, by name.
func InPack(backend compute.Backend, f *pack.File, given []*network.Network) ([]*network.Network, error) {
	var nets []*network.Network
	for i, p := range f.Networks {
		m := f.Set.Networks[i]
		var n *network.Network
		if k := slices.IndexFunc(given, func(g *network.Network) bool { return g.Name == m.Name }); k >= 0 {
			n = given[k]
		} else {
			var err error
			if n, err = NetworkOf(backend, m.Name, p.Model, slices.Clone(p.Graph),
				m.Weights+len(m.State)); err != nil {
				return nil, err
			}
		}
		var record modelRecord
		if err := json.Unmarshal(p.Model, &record); err != nil {
			return nil, fmt.Errorf("network %s: model: %w", m.Name, err)
		}
		n = n.WithOrder(record.Order)
		if n.Weights() != m.Weights || n.StateSize() != len(m.State) {
			return nil, fmt.Errorf("network %s has %d weights and %d of state in the pack, its model "+
				"%d and %d", m.Name, m.Weights, len(m.State), n.Weights(), n.StateSize())
		}
		nets = append(nets, n)
	}
	return nets, nil
}

// FromPack are a pack's networks with their values, to be held by a run that goes on from the pack.
func FromPack(backend compute.Backend, f *pack.File, given []*network.Network) ([]Own, error) {
	nets, err := InPack(backend, f, given)
	if err != nil {
		return nil, err
	}
	var own []Own
	for i, n := range nets {
		v := network.Values{Weights: n.ToLayerOrder(f.Set.Weights(i)), State: f.Set.Networks[i].State}
		own = append(own, Own{Network: n.WithOrder(network.LayerOrder), Values: &v})
	}
	return own, nil
}
