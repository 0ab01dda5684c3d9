package firmware

import (
	"strings"

	"weightsep/wslib/network"
)

// netPlan is what C is told of a network.
type netPlan struct {
	net     *network.Network
	symbol  string // in C
	macro   string // what its sizes begin with
	layers  []layer
	scratch int    // floats of two activations
	layer   int    // weights in RAM at a time, where they are not all: those of
	largest string // this layer
}

// layer is weightsep_layer.
type layer struct {
	kernel, bias  int // offsets
	height, width int // of the kernel; 0 of a dense layer
	in, out       int
	stride        int // values of a row of the input
	rows, columns int // of the output, after pooling
	activation    string
}

func (l layer) outputs() int { return l.rows * l.columns * l.out }

// planOf lays out a described network as its forward pass computes it: rows and columns that a later
// pooling drops are left out.
//
// Where RAM does not hold all weights, it holds those of one convolution, or as many rows of a dense layer as
// there is room for: at least one, and about a page.
func planOf(n *network.Network, d *network.Described, pageSize int) netPlan {
	p := netPlan{net: n}
	h, w := d.Shape[0], d.Shape[1]
	for _, c := range d.Convs {
		l := layer{height: c.Height, width: c.Width, in: c.In, out: c.Out, activation: "WEIGHTSEP_LEAKY"}
		l.rows, l.columns = (h-c.Height+1)/2, (w-c.Width+1)/2
		h, w = l.rows, l.columns
		p.layers = append(p.layers, l)
	}
	for i := len(p.layers) - 2; i >= 0; i-- {
		l, next := &p.layers[i], p.layers[i+1]
		l.rows, l.columns = 2*next.rows+next.height-1, 2*next.columns+next.width-1
	}
	columns := d.Shape[1]
	for i := range p.layers {
		p.layers[i].stride = columns * p.layers[i].in
		columns = p.layers[i].columns
	}
	for i := range len(d.Dense) - 1 {
		l := layer{in: d.Dense[i], out: d.Dense[i+1], rows: 1, columns: 1,
			activation: "WEIGHTSEP_" + strings.ToUpper(string(d.Activation))}
		if i == len(d.Dense)-2 {
			l.activation = "WEIGHTSEP_LINEAR"
		}
		p.layers = append(p.layers, l)
	}
	p.scratch = 1
	arrays := n.Layers()
	before := 0 // activations that are a layer's input, in scratch
	for i := range p.layers {
		l, kernel, bias := &p.layers[i], arrays[2*i], arrays[2*i+1]
		l.kernel, l.bias = kernel.Offset, bias.Offset
		size := kernel.Size() + bias.Size()
		if l.height == 0 {
			size = min(kernel.Size(), max(l.out, pageSize))
		}
		if size > p.layer {
			p.layer, p.largest = size, strings.TrimSuffix(kernel.Name, "/kernel")
		}
		after := l.outputs()
		if i == len(p.layers)-1 {
			after = 0 // these are the outputs
		}
		p.scratch = max(p.scratch, before+after)
		before = after
	}
	return p
}

// sizes are the values of the macros of that name, in their order.
func (p netPlan) sizes() []int {
	return []int{p.net.Weights(), p.net.Samples(), p.net.Outputs(), p.scratch, p.layer}
}

// ram is what the network needs where RAM holds few weights, in bytes.
func (p netPlan) ram() int { return 4 * (p.layer + p.scratch + p.net.Samples() + p.net.Outputs()) }
