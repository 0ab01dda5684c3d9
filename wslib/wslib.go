// Package wslib is weight separation in Go: many small, different neural networks in one
// small memory, their architectures unchanged.
//
// [Pack] packs networks into a budget of bytes, [Open] reads what [Packed.Save] wrote,
// [Packed.Run] runs a network, [Packed.Add] packs one more. A [Network] is a GoMLX model
// function, a description or an ONNX file, with its [Samples]; [Options] has the budget.
// That is the whole public face. Below it is one package a stage, in this order:
//
//	network       networks of any kind; described ones have gradients written by hand
//	onnx          networks of ONNX files
//	baseline      the trained separate networks that come with the project
//	page          formation: weights to pages; page tables; the set of pages that is stored
//	fisher        how much each weight matters
//	separation    which pages stay a network's own
//	overlapping   which shared page each other page goes on
//	optimization  training the pages for all networks, or each network apart
//	execution     running from pages: switching by gathering
//	pack          all of it as one .safetensors file
//
// and around them pipeline (the stages strung together on a run directory), rundir, npy and
// setfiles (its files), score (networks over samples), budget (bytes to pages), grid (methods,
// budgets and seeds compared), bootstrap (intervals), figures (charts), tfcheckpoint (the
// original's trained networks) and ws (the command).
package wslib

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"slices"

	"weightsep/datasets"
	"weightsep/wslib/budget"
	"weightsep/wslib/network"
	"weightsep/wslib/onnx"
	"weightsep/wslib/pack"
	"weightsep/wslib/pipeline"
	"weightsep/wslib/score"
	"weightsep/xla"
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

// Options of [Pack] and [Packed.Add]. Ratio or Bytes is the budget; the zero value of the others
// will do.
type Options struct {
	Ratio    float64 // float32 bytes of all networks over all bytes stored
	Bytes    int     // instead of Ratio
	Steps    int     // of training the pages; 0: 1500
	PageSize int     // weights of a page; 0: 512
	Margin   float64 // share of the Fisher information that exclusive pages may miss; 0: 0.1
	Seed     uint64

	// directory to work in and to go on from after an interruption; "": a temporary one
	Dir      string
	Backend  string                                        // as of xla.Options.Name
	Log      io.Writer                                     // lines for a person; nil: none
	Progress func(stage string, done, of int, note string) // nil: none
}

// Packed is a set of networks on shared pages, ready to run. Close it when done. It is not for use
// by several goroutines at once.
type Packed struct {
	// Report says what packing did to each network; nil of a pack that was opened.
	Report *pipeline.Summary

	file    *pack.File
	own     []pipeline.Own // of each network of the file, with its values
	backend *pipeline.Opened
	scorers map[string]*score.Scorer
}

// Pack separates the networks' weights, packs them into the budget and trains the pages for all of
// them. An interrupted call with the same arguments and a Dir goes on where it was.
func Pack(ctx context.Context, networks []Network, o Options) (*Packed, error) {
	b, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	own, err := prepare(ctx, b, networks, o.Seed)
	if err != nil {
		return nil, err
	}
	c, err := pipeline.Profile("quick")
	if err != nil {
		return nil, err
	}
	c.Networks, c.Own = network.Names(models(own)), pipeline.OwnHashes(own)
	if _, err := c.ForOwn(own); err != nil {
		return nil, err
	}
	o.apply(&c)
	limit, err := o.bytes(own)
	if err != nil {
		return nil, err
	}
	if limit == 0 {
		return nil, errors.New("pack: no budget: set Ratio or Bytes")
	}
	if _, err := c.ApplyBudget(own, budget.Budget{Total: limit}); err != nil {
		return nil, err
	}
	return run(ctx, b, c, own, o)
}

// Add packs one more network beside those that are there, which keep their weights bit for bit.
// Without a budget the packing ratio stays. The pack itself is not changed.
func (p *Packed) Add(ctx context.Context, n Network, o Options) (*Packed, error) {
	joins, err := prepare(ctx, p.backend, []Network{n}, o.Seed)
	if err != nil {
		return nil, err
	}
	own := append(slices.Clone(p.own), joins...)
	total, err := o.bytes(own)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(o.Dir, "add")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	from := filepath.Join(dir, "from.safetensors")
	if err := p.file.Save(from); err != nil {
		return nil, err
	}
	names := network.Names(models(own))
	c, _, err := pipeline.Join(from, "", own, names, total, func(c *pipeline.Config) error {
		_, err := c.ForOwn(joins)
		o.apply(c)
		return err
	})
	if err != nil {
		return nil, err
	}
	o.Dir = filepath.Join(dir, "run")
	return run(ctx, p.backend, c, own, o)
}

// Open reads a pack. Networks of GoMLX functions need theirs: name, function and input.
func Open(ctx context.Context, path string, functions ...Network) (*Packed, error) {
	f, err := pack.Open(path)
	if err != nil {
		return nil, err
	}
	b, err := open(ctx, Options{})
	if err != nil {
		return nil, err
	}
	var given []*network.Network
	for _, n := range functions {
		g, err := n.model(b)
		if err != nil {
			return nil, err
		}
		given = append(given, g)
	}
	return wrap(b, f, given)
}

// Save writes the pack as one .safetensors file, which explains itself (see package pack).
func (p *Packed) Save(path string) error { return p.file.Save(path) }

// Names are those of the networks, in their order.
func (p *Packed) Names() []string { return network.Names(models(p.own)) }

// Bytes says what the pack takes, and what the networks would take apart.
func (p *Packed) Bytes() (stored, separate int) {
	s := p.file.Set.Stored()
	return s.Total, s.Separate
}

// Run is the outputs of a network for samples, one after another: of a classification, logits.
func (p *Packed) Run(ctx context.Context, name string, inputs []float32) ([]float32, error) {
	i := slices.IndexFunc(p.own, func(o pipeline.Own) bool { return o.Network.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("no network %q in the pack, there are %v", name, p.Names())
	}
	n := p.own[i].Network
	size := n.Samples()
	if len(inputs) == 0 || len(inputs)%size != 0 {
		return nil, fmt.Errorf("network %s: %d values, want samples of %d (%v)", name, len(inputs), size,
			n.Input())
	}
	if p.scorers[name] == nil {
		s, err := score.New(p.backend.Backend, n, 1)
		if err != nil {
			return nil, err
		}
		p.scorers[name] = s
	}
	split, err := datasets.NewSplit(size, inputs, make([]int32, len(inputs)/size))
	if err != nil {
		return nil, err
	}
	on := p.own[i].Values.On()
	defer network.Free(on...)
	return p.scorers[name].Outputs(ctx, on, split)
}

// Close frees executables.
func (p *Packed) Close() {
	for _, s := range p.scorers {
		s.Close()
	}
	clear(p.scorers)
}

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
	c.Pages.Margin = cmp.Or(o.Margin, c.Pages.Margin)
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
	o Options) (*Packed, error) {
	dir := o.Dir
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "wslib"); err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
	}
	r, err := pipeline.Open(dir, c, pipeline.Options{Opened: b, Log: o.Log, Progress: o.Progress, Own: own})
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
	p.Report, err = r.Summary()
	return p, err
}

func wrap(b *pipeline.Opened, f *pack.File, given []*network.Network) (*Packed, error) {
	own, err := pipeline.FromPack(b.Backend, f, given)
	return &Packed{file: f, own: own, backend: b, scorers: map[string]*score.Scorer{}}, err
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
