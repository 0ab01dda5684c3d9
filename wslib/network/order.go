package network

import (
	"fmt"
	"maps"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
)

// Order is the order of the layers in the flat weight vector, which decides what
// comes to lie on one page.
type Order string

const (
	// LayerOrder is the model's own order, of described networks kernel, bias, kernel, bias,
	// from the input on: the order of baselines, checkpoints and exported weights.
	LayerOrder Order = ""
	// BiasesFirst is all layers of one axis or none (biases, factors of normalizations), then
	// all kernels, each in the model's order. A network's first pages then hold all its biases
	// and its first convolution: few weights, on which all others depend.
	BiasesFirst Order = "biases first"
)

// Validate returns an error for an unknown order.
func (o Order) Validate() error {
	if o != LayerOrder && o != BiasesFirst {
		return fmt.Errorf("order of layers %q, want %q or %q", o, LayerOrder, BiasesFirst)
	}
	return nil
}

// arrange gives layers, which are in the model's order, their offsets.
func (o Order) arrange(layers []Layer) {
	at := 0
	for _, first := range []bool{true, false} {
		for i := range layers {
			if first == (o != BiasesFirst || len(layers[i].Shape) < 2) {
				layers[i].Offset = at
				at += layers[i].Size()
			}
		}
	}
}

// WithOrder is the same network with its weights in another order.
func (n *Network) WithOrder(o Order) *Network {
	c := *n
	c.Order = o
	return &c
}

// FromLayerOrder rearranges a vector of one value a weight from layer order to the
// network's.
func (n *Network) FromLayerOrder(v []float32) []float32 {
	return rearrange(v, n.WithOrder(LayerOrder).Layers(), n.Layers())
}

// ToLayerOrder is the inverse of [Network.FromLayerOrder].
func (n *Network) ToLayerOrder(v []float32) []float32 {
	return rearrange(v, n.Layers(), n.WithOrder(LayerOrder).Layers())
}

func rearrange(v []float32, from, to []Layer) []float32 {
	out := make([]float32, len(v))
	for i, l := range from {
		copy(out[to[i].Offset:], v[l.Offset:l.Offset+l.Size()])
	}
	return out
}

// inOrder sorts what belongs to layers by the layers' places.
func inOrder(layers []Layer, of []*graph.Node) []*graph.Node {
	offsets := map[*graph.Node]int{}
	for i, n := range of {
		offsets[n] = layers[i].Offset
	}
	return slices.SortedFunc(maps.Keys(offsets),
		func(a, b *graph.Node) int { return offsets[a] - offsets[b] })
}
