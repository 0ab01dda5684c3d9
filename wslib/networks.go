package wslib

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"slices"

	"weightsep/datasets"
	"weightsep/wslib/network"
	"weightsep/wslib/onnx"
	"weightsep/wslib/pipeline"
)

// Network is a network to pack. One of Function, Described and ONNX says what it computes.
type Network struct {
	Name string

	Function  network.ModelFunc  // any GoMLX model function, for samples of shape Input
	Input     []int              // of a sample; of a Function only
	Described *network.Described // convolutions and dense layers
	ONNX      string             // an ONNX file, with trained weights

	Weights []float32 // trained ones, flat, layer by layer; nil: the file's, or trained here
	State   []float32 // beside them, as of batch normalization

	// Objective is what outputs are for; nil: regression of samples with Values, reconstruction where
	// training samples have no labels and outputs are like inputs, else classification.
	Objective network.Objective

	Train      Samples // without them pages are rounded and not trained
	Validation Samples // without them a tenth of Train is held out
	Test       Samples // looked at once, for the report; may be missing
}

// Samples are inputs, one after another, each of the network's input shape, and a label or values
// for each.
type Samples struct {
	Inputs []float32
	Labels []int32   // classes
	Values []float32 // to output, as many a sample as the network outputs
	Groups []int32   // numbers that related samples share, so that hold-out keeps them together
}

// prepare turns networks into those of the pipeline.
func prepare(ctx context.Context, b *pipeline.Opened, networks []Network,
	seed uint64) ([]pipeline.Own, error) {
	var own []pipeline.Own
	for i, n := range networks {
		if slices.ContainsFunc(networks[:i], func(m Network) bool { return m.Name == n.Name }) {
			return nil, fmt.Errorf("network %s is there twice", n.Name)
		}
		o, err := n.own(ctx, b, seed)
		if err != nil {
			return nil, err
		}
		own = append(own, o)
	}
	return own, nil
}

// models are the networks without their samples.
func models(own []pipeline.Own) []*network.Network {
	var nets []*network.Network
	for _, o := range own {
		nets = append(nets, o.Network)
	}
	return nets
}

func (n Network) model(b *pipeline.Opened) (*network.Network, error) {
	switch {
	case n.Function != nil:
		return network.FromFunction(b.Backend, n.Name, n.Input, n.Function)
	case n.Described != nil:
		return network.Describe(n.Name, *n.Described), nil
	case n.ONNX != "":
		return onnx.Load(b.Backend, n.Name, n.ONNX)
	}
	return nil, fmt.Errorf("network %s: no Function, Described or ONNX says what it computes", n.Name)
}

func (n Network) own(ctx context.Context, b *pipeline.Opened, seed uint64) (pipeline.Own, error) {
	m, err := n.model(b)
	if err != nil {
		return pipeline.Own{}, err
	}
	o := pipeline.Own{Network: m, Data: &datasets.Own{}}
	d := o.Data
	d.Name, d.Shape, d.Classes = n.Name, m.Input(), m.Outputs()
	h := fnv.New64a()
	for _, part := range []struct {
		what    string
		samples Samples
		to      **datasets.Split
	}{{"training", n.Train, &d.Train}, {"validation", n.Validation, &d.Validation},
		{"test", n.Test, &d.Test}} {
		if *part.to, err = part.samples.split(m); err != nil {
			return o, fmt.Errorf("network %s: %s samples: %w", n.Name, part.what, err)
		}
		for _, v := range []any{part.samples.Inputs, part.samples.Labels, part.samples.Values,
			part.samples.Groups} {
			binary.Write(h, binary.LittleEndian, v) // a hash does not fail
		}
	}
	d.Labelled = n.Train.Labels != nil || n.Train.Values != nil
	d.TestLabelled = n.Test.Labels != nil || n.Test.Values != nil
	d.Values = n.Train.Values != nil || n.Test.Values != nil
	d.Provenance.Content = fmt.Sprintf("%016x", h.Sum64())
	if err := d.HoldOut(seed); err != nil {
		return o, fmt.Errorf("network %s: training samples: %w", n.Name, err)
	}
	if n.Weights != nil {
		o.Values = &network.Values{Weights: n.Weights, State: n.State}
	}
	return o, o.Complete(ctx, b.Backend, n.Objective)
}

// split are the samples as the stages take them; nil if there are none.
func (s Samples) split(n *network.Network) (*datasets.Split, error) {
	size, outputs := n.Samples(), n.Outputs()
	count := len(s.Inputs) / size
	switch {
	case len(s.Inputs) == 0 && s.Labels == nil && s.Values == nil:
		return nil, nil
	case len(s.Inputs)%size != 0:
		return nil, fmt.Errorf("%d input values, want samples of %d (%v)", len(s.Inputs), size, n.Input())
	case s.Labels != nil && len(s.Labels) != count:
		return nil, fmt.Errorf("%d labels for %d samples", len(s.Labels), count)
	case s.Values != nil && len(s.Values) != count*outputs:
		return nil, fmt.Errorf("%d values to output for %d samples of %d outputs", len(s.Values),
			count, outputs)
	case s.Groups != nil && len(s.Groups) != count:
		return nil, fmt.Errorf("%d groups for %d samples", len(s.Groups), count)
	}
	labels := make([]int32, count) // 0 without any
	copy(labels, s.Labels)
	for i, l := range labels {
		if int(l) >= max(2, outputs) {
			return nil, fmt.Errorf("label %d is %d, the network has %d outputs", i, l, outputs)
		}
	}
	split, err := datasets.NewSplit(size, s.Inputs, labels)
	if err == nil {
		split.Targets, split.Groups = s.Values, s.Groups
	}
	return split, err
}
