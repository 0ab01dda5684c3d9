package firmware

import (
	"errors"
	"fmt"

	"weightsep/wslib/network"
	"weightsep/wslib/onnx"
)

// netPlan is what C is told of a network.
type netPlan struct {
	*model
	net        *network.Network
	symbol     string // in C
	macro      string // what its sizes begin with
	layer      int    // weights in RAM at a time, where they are not all
	*quantized        // nil: float32 only
}

// planOf lays out a network.
func planOf(n *network.Network) (p netPlan, err error) {
	p.net = n
	if d, ok := n.Model.(*network.Described); ok {
		p.model = described(n, d)
	} else if raw := onnx.GraphOf(n); raw != nil {
		p.model, err = ofGraph(n, raw)
	} else {
		err = errors.New("its model is a GoMLX function, want a described network or an ONNX file")
	}
	if err != nil {
		return p, fmt.Errorf("network %s: %w", n.Name, err)
	}
	for _, l := range p.layers {
		if err := l.check(); err != nil {
			return p, fmt.Errorf("network %s: %w", n.Name, err)
		}
	}
	p.place()
	if p.memory > tooMany || n.Weights() > tooMany {
		return p, fmt.Errorf("network %s: %d activations at a time and %d weights, want %d at most for C", n.Name,
			p.memory, n.Weights(), tooMany)
	}
	return p, nil
}

// pagesAtATime is how much of a layer is put together at a time, unless RAM is bounded.
const pagesAtATime = 8

// rooms says how many weights RAM holds where it does not hold all: as many as ram bytes have room for, or,
// if that is 0, some pages of them; at least those of one channel and its bias, of 8 bits without it.
func (p *netPlan) rooms(ram, pageSize int) error {
	room := func(ram, bytes, bias int) (int, error) {
		least, most, name := 1, 1, ""
		for _, l := range p.layers {
			if l.kind == convolution {
				if n := l.each() + bias; n > least {
					least, name = n, l.name
				}
				most = max(most, (l.each()+bias)*l.to.channels)
			}
		}
		others := p.memory + p.net.Samples() + p.net.Outputs()
		if need := (least + others) * bytes; ram > 0 && need > ram {
			return 0, fmt.Errorf("network %s needs %d bytes of RAM for %d weights of a channel of %s, "+
				"activations, a sample and outputs, want %d at most", p.net.Name, need, least, name, ram)
		}
		if ram > 0 {
			return min(most, ram/bytes-others), nil
		}
		return min(most, max(least, pagesAtATime*pageSize)), nil
	}
	var err error
	if p.quantized != nil {
		if p.quantized.layer, err = room(ram, 1, 0); err != nil {
			return err
		}
		ram = 0 // which is for 8 bits then
	}
	p.layer, err = room(ram, 4, 1)
	return err
}

// sizes are the values of the macros of that name, in their order.
func (p netPlan) sizes() []int {
	return []int{p.net.Weights(), p.net.Samples(), p.net.Outputs(), p.memory, p.layer}
}

// sizes8 are the values of the macros of that name.
func (p netPlan) sizes8() []int { return []int{p.quantized.weights, p.quantized.layer} }
