// Package wslib is weight separation in Go: many small, different neural networks in one
// small memory, their architectures unchanged.
//
// [Pack] packs networks into a budget of bytes, [Open] reads what [Packed.Save] wrote,
// [Packed.Run] runs a network, [Packed.Add] packs one more. A [Network] is a GoMLX model
// function, a description or an ONNX file, with its [Samples]; [Options] has the budget.
// With the types that these name, that is all a caller needs. Below it is one package a stage, in this order:
//
//	network       networks of any kind; described ones have gradients written by hand
//	onnx          networks of ONNX files, ONNX files of packed networks
//	baseline      the trained separate networks that come with the project
//	page          formation: weights to pages; page tables; the set of pages that is stored
//	fisher        how much each weight matters
//	separation    which pages stay a network's own
//	overlapping   which shared page each other page goes on
//	optimization  training the pages for all networks, or each network apart
//	execution     running from pages: switching by gathering
//	pack          all of it as one .safetensors file
//	firmware      a pack as C for microcontrollers
//
// and around them pipeline (the stages strung together on a run directory), rundir (its files), score
// (networks over samples), budget (bytes to pages), grid and gridtable (methods, budgets and seeds compared),
// claims (each with its verdict), bootstrap (intervals), figures (charts), play (a page to play with),
// tfcheckpoint (the original's trained networks) and ws (the command).
package wslib

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"weightsep/wslib/budget"
	"weightsep/wslib/execution"
	"weightsep/wslib/network"
	"weightsep/wslib/pack"
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

	Train      Samples // if any network has none, the pages of all are rounded and not trained
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
	Steps    int     // of training the pages; 0: 1200
	PageSize int     // weights of a page; 0: 512, of Add the pack's
	Seed     uint64

	// directory to work in and to go on from after an interruption; "": a temporary one. [Packed.Add] makes
	// a temporary one in it, and does not go on.
	Dir      string
	Backend  string                                        // as of xla.Options.Name
	Log      io.Writer                                     // lines for a person; nil: none
	Progress func(stage string, done, of int, note string) // nil: none
}

// Packed is a set of networks on shared pages, ready to run. Run and Engine may be used by several
// goroutines at once; of the other methods only Close beside them, which waits for runs. Close it when done.
type Packed struct {
	// Report says what packing did to each network; nil of a pack that was opened.
	Report *pipeline.Summary

	file    *pack.File
	nets    []*network.Network // of the file, in its order of weights
	backend *pipeline.Opened
	engine  *execution.Engine
	unmap   func() error // the file; nil: it is not mapped
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
	return run(ctx, b, c, own, o, budget.Budget{Total: limit})
}

// Add packs one more network beside those that are there, which keep their weights bit for bit.
// Without a budget the packing ratio stays. The pack itself is not changed.
func (p *Packed) Add(ctx context.Context, n Network, o Options) (*Packed, error) {
	if p.file == nil {
		return nil, execution.ErrClosed
	}
	joins, err := prepare(ctx, p.backend, []Network{n}, o.Seed)
	if err != nil {
		return nil, err
	}
	own, err := pipeline.FromPack(p.backend.Backend, p.file, p.nets)
	if err != nil {
		return nil, err
	}
	own = append(own, joins...)
	total, err := o.bytes(own)
	if err != nil {
		return nil, err
	}
	if o.Dir != "" {
		if err := os.MkdirAll(o.Dir, 0o755); err != nil {
			return nil, err
		}
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
	return run(ctx, p.backend, c, own, o, budget.Budget{})
}

// Open checks a pack and maps it into memory: it must stay as it is, or be replaced whole as [Packed.Save]
// does, until Close. Networks of GoMLX functions need theirs: name, function and input.
func Open(ctx context.Context, path string, functions ...Network) (p *Packed, err error) {
	f, unmap, err := pack.Map(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			unmap()
		}
	}()
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
	if p, err = wrap(b, f, given); err == nil {
		p.unmap = unmap
	}
	return p, err
}

// Save writes the pack as one .safetensors file, which explains itself (see package pack).
func (p *Packed) Save(path string) error {
	if p.file == nil {
		return execution.ErrClosed
	}
	return p.file.Save(path)
}

// Names are those of the networks, in their order.
func (p *Packed) Names() []string { return network.Names(p.nets) }

// Engine runs the networks, one at a time, into outputs of the caller's. It can switch before a run, and says
// what memory it holds.
func (p *Packed) Engine() *execution.Engine { return p.engine }

// Bytes says what the pack takes, and what the networks would take apart.
func (p *Packed) Bytes() (stored, separate int) {
	if p.file == nil {
		return 0, 0
	}
	s := p.file.Set.Stored()
	return s.Total, s.Separate
}

// Run is the outputs of a network for samples, one after another: of a classification, logits.
func (p *Packed) Run(ctx context.Context, name string, inputs []float32) ([]float32, error) {
	i := slices.Index(p.Names(), name)
	if i < 0 {
		return nil, fmt.Errorf("no network %q in the pack, there are %v", name, p.Names())
	}
	n := p.nets[i]
	size := n.Samples()
	if len(inputs) == 0 || len(inputs)%size != 0 {
		return nil, fmt.Errorf("network %s: %d values, want samples of %d (%v)", name, len(inputs), size,
			n.Input())
	}
	outputs := make([]float32, len(inputs)/size*n.Outputs())
	return outputs, p.engine.Run(ctx, name, outputs, inputs)
}

// Close waits for runs and frees what the pack holds. Only Report and Names are of use after it.
func (p *Packed) Close() {
	p.engine.Close()
	if p.unmap != nil {
		p.unmap()
	}
	p.file, p.unmap = nil, nil
}
