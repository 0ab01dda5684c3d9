package wslib

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"slices"

	"weightsep/datasets"
	"weightsep/wslib/budget"
	"weightsep/wslib/execution"
	"weightsep/wslib/network"
	"weightsep/wslib/onnx"
	"weightsep/wslib/pack"
	"weightsep/wslib/pipeline"
	"weightsep/xla"
)

func open(ctx context.Context, o Options) (*pipeline.Opened, error) {
	b, info, err := xla.Open(ctx, xla.Options{Name: o.Backend, Log: o.Log})
	return &pipeline.Opened{Backend: b, Info: info}, err
}

func (o Options) apply(c *pipeline.Config) {
	if o.Steps > 0 && !c.Untrained() {
		c.Optimization.Steps = o.Steps
		c.Optimization.ValidateEvery = min(c.Optimization.ValidateEvery, o.Steps)
	}
	if o.PageSize > 0 {
		c.Pages.Size = o.PageSize
	}
	c.Seed = o.Seed
}

// bytes is the budget, 0 if none is given.
func (o Options) bytes(own []pipeline.Own) (int, error) {
	if o.Ratio != 0 && o.Bytes != 0 {
		return 0, errors.New("pack: Ratio and Bytes are two ways to say the same: set one")
	}
	if o.Ratio == 0 {
		return o.Bytes, nil
	}
	var weights []int
	for _, n := range models(own) {
		weights = append(weights, n.Weights())
	}
	return budget.Ratio(weights, o.Ratio)
}

// run runs the pipeline and wraps what comes out.
func run(ctx context.Context, b *pipeline.Opened, c pipeline.Config, own []pipeline.Own,
	o Options, limit budget.Budget) (*Packed, error) {
	dir := o.Dir
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "wslib"); err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
	}
	options := pipeline.Options{Opened: b, Log: o.Log, Progress: o.Progress, Own: own}
	if _, err := pipeline.Allot(ctx, dir, &c, limit, options); err != nil {
		return nil, err
	}
	r, err := pipeline.Open(dir, c, options)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if err := r.Evaluate(ctx); err != nil {
		return nil, err
	}
	f, err := r.Pack()
	if err != nil {
		return nil, err
	}
	p, err := wrap(b, f, models(own))
	if err != nil {
		return nil, err
	}
	if p.Report, err = r.Summary(); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func wrap(b *pipeline.Opened, f *pack.File, given []*network.Network) (*Packed, error) {
	nets, err := pipeline.InPack(b.Backend, f, given)
	if err != nil {
		return nil, err
	}
	e, err := execution.Open(b.Backend, f.Set, nets, execution.Options{})
	if err != nil {
		return nil, err
	}
	return &Packed{file: f, nets: nets, backend: b, engine: e}, nil
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
		if err := n.Described.Validate(); err != nil {
			return nil, fmt.Errorf("network %s: %w", n.Name, err)
		}
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
	known := func(s Samples) bool { return s.Labels != nil || s.Values != nil }
	if n.Validation.Inputs != nil && known(n.Train) != known(n.Validation) {
		return o, fmt.Errorf("network %s: training samples have labels or validation samples have, want both "+
			"or none", n.Name)
	}
	for _, s := range []Samples{n.Train, n.Validation, n.Test} {
		if n.Train.Values != nil && s.Inputs != nil && s.Values == nil {
			return o, fmt.Errorf("network %s: some of its samples have values to output, others none", n.Name)
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
	err = o.Complete(ctx, b.Backend, n.Objective)
	return o, err
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
