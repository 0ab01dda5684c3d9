package firmware

import (
	"strings"

	"weightsep/wslib/network"
)

// leaky is the slope below 0 of described networks.
const leaky = 0.2

// described is a described network as its forward pass computes it: rows and columns that a later pooling
// drops are left out.
func described(n *network.Network, d *network.Described) *model {
	m := &model{sample: &value{shape: shape{d.Shape[0], d.Shape[1], d.Shape[2]}, settled: true}}
	arrays := n.Layers()
	from := m.sample
	add := func(in, out shape) *layer {
		i := 2 * len(m.layers)
		l := newLayer(convolution, strings.TrimSuffix(arrays[i].Name, "/kernel"), from, in, out)
		l.kernel, l.bias = arrays[i].Offset, arrays[i+1].Offset
		m.layers = append(m.layers, l)
		from = l.to
		return l
	}
	for _, c := range d.Convs {
		out := shape{(from.rows - c.Height + 1) / 2, (from.columns - c.Width + 1) / 2, c.Out}
		l := add(from.shape, out)
		l.height, l.width, l.pool, l.slope = c.Height, c.Width, 2, leaky
	}
	for i := len(m.layers) - 2; i >= 0; i-- {
		next := m.layers[i+1]
		v := next.from
		v.rows, v.columns = 2*next.to.rows+next.height-1, 2*next.to.columns+next.width-1
		next.in = v.shape
	}
	for i := range len(d.Dense) - 1 {
		l := add(shape{1, 1, d.Dense[i]}, shape{1, 1, d.Dense[i+1]})
		switch {
		case i == len(d.Dense)-2:
		case d.Activation == network.SigmoidActivation:
			l.sigmoid = true
		default:
			l.slope = leaky
		}
	}
	m.output = from
	return m
}
