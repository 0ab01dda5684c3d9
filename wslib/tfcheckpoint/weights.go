package tfcheckpoint

import (
	"fmt"
	"slices"

	"weightsep/wslib/network"
)

// Weights reads the tensors weight_0, bias_0, weight_1, … as the flat weight
// vector of n: kernel and bias of each layer, in layer order. Kernels have to be
// stored as [network.Network] has them, convolutions as HWIO and dense layers as
// [in, out], so that nothing is transposed. Other tensors, such as the moments
// of an optimizer, are ignored.
//
// A tensor that is absent or does not have the shape of its layer, and a weight
// or bias of a layer beyond the last of n, are errors.
func Weights(c *Checkpoint, n *network.Network) ([]float32, error) {
	if err := n.Validate(); err != nil {
		return nil, err
	}
	layers := n.Layers()
	for _, kind := range []string{"weight", "bias"} {
		if name := fmt.Sprintf("%s_%d", kind, len(layers)/2); c.has(name) {
			return nil, fmt.Errorf("read %s.index: tensor %q, but network %s has %d layers", c.prefix, name, n.Name, len(layers)/2)
		}
	}
	// The shapes first: they cost nothing to compare.
	names := make([]string, len(layers))
	for i, l := range layers {
		names[i] = fmt.Sprintf("%s_%d", []string{"weight", "bias"}[i%2], i/2)
		e, ok := c.Entry(names[i])
		if !ok {
			return nil, fmt.Errorf("read %s.index: no tensor %q, which is %s of network %s", c.prefix, names[i], l.Name, n.Name)
		}
		if !slices.Equal(e.Shape, l.Shape) {
			return nil, fmt.Errorf("read %s.index: tensor %q: shape %v, network %s wants %v for %s",
				c.prefix, names[i], e.Shape, n.Name, l.Shape, l.Name)
		}
	}
	weights := make([]float32, 0, n.Weights())
	for _, name := range names {
		values, _, err := c.Float32(name)
		if err != nil {
			return nil, fmt.Errorf("weights of network %s: %w", n.Name, err)
		}
		weights = append(weights, values...)
	}
	return weights, nil
}

// has tells whether there is a tensor of that name.
func (c *Checkpoint) has(name string) bool {
	_, ok := c.Entry(name)
	return ok
}
