package firmware

import (
	"fmt"

	"weightsep/wslib/network"
	"weightsep/wslib/onnx"
)

// netPlan is what C is told of a network.
type netPlan struct {
	*model
	net     *network.Network
	symbol  string // in C
	macro   string // what its sizes begin with
	layer   int    // weights in RAM at a time, where they are not all: those of
	largest string // this layer
}

// planOf lays out a network.
func planOf(n *network.Network, pageSize int) (p netPlan, err error) {
	p.net = n
	if d, ok := n.Model.(*network.Described); ok {
		p.model = described(n, d)
	} else if raw := onnx.GraphOf(n); raw != nil {
		p.model, err = ofGraph(n, raw)
	} else {
		err = ErrFunction
	}
	if err != nil {
		return p, fmt.Errorf("network %s: %w", n.Name, err)
	}
	for _, l := range p.layers {
		if err := l.check(); err != nil {
			return p, fmt.Errorf("network %s: %w", n.Name, err)
		}
		if room := l.room(pageSize); room > p.layer {
			p.layer, p.largest = room, l.name
		}
	}
	p.place()
	return p, nil
}

// sizes are the values of the macros of that name, in their order.
func (p netPlan) sizes() []int {
	return []int{p.net.Weights(), p.net.Samples(), p.net.Outputs(), p.memory, p.layer}
}

// ram is what the network needs where RAM holds few weights, in bytes.
func (p netPlan) ram() int { return 4 * (p.layer + p.memory + p.net.Samples() + p.net.Outputs()) }
