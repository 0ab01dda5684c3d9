package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gomlx/compute"

	"weightsep/datasets"
	"weightsep/datasets/files"
	"weightsep/datasets/npy"
	"weightsep/wslib/network"
	"weightsep/wslib/onnx"
	"weightsep/wslib/optimization"
	"weightsep/wslib/page"
	"weightsep/wslib/score"
)

// Own is a network of the caller's with its samples.
type Own struct {
	Network *network.Network // its weights in the model's order
	Values  *network.Values  // trained ones; nil: the run trains it from initial values
	Data    *datasets.Own
}

// ReadOwn reads the networks of a directory: for each NAME.onnx or NAME.json (a described network,
// see [network.Described]) its samples as [datasets.OpenOwn] finds them, and NAME.npy, flat
// weights in the model's order that take the place of the file's. names choose some; none: all, by
// name. Hidden files are left out. The objective follows from the samples: float labels make a
// regression, outputs like inputs without training labels a reconstruction, all else is a
// classification.
func ReadOwn(ctx context.Context, backend compute.Backend, dir string, seed uint64,
	names ...string) ([]Own, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	var all []string
	for _, f := range entries {
		kind := filepath.Ext(f.Name())
		name := strings.TrimSuffix(f.Name(), kind)
		if kind != ".onnx" && kind != ".json" || f.IsDir() || strings.HasPrefix(name, ".") {
			continue
		}
		if other := found[name]; other != "" {
			return nil, fmt.Errorf("%s: network %s is in %s and in %s, want one file", dir, name,
				other, f.Name())
		}
		found[name] = f.Name()
		all = append(all, name)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no NAME.onnx or NAME.json in it", dir)
	}
	if len(names) == 0 {
		names = all
	}
	var own []Own
	for _, name := range names {
		if found[name] == "" {
			return nil, fmt.Errorf("%s: no network %s, want one of %s", dir, name, strings.Join(all, ", "))
		}
		o, err := readOwn(ctx, backend, dir, found[name], name, seed)
		if err != nil {
			return nil, err
		}
		own = append(own, o)
	}
	return own, nil
}

func readOwn(ctx context.Context, backend compute.Backend, dir, file, name string,
	seed uint64) (Own, error) {
	path := filepath.Join(dir, file)
	raw, err := files.ReadPath(path, files.MaxSize)
	if err != nil {
		return Own{}, err
	}
	n, err := model(backend, name, raw, strings.HasSuffix(file, ".onnx"))
	if err != nil {
		return Own{}, fmt.Errorf("%s: %w", path, err)
	}
	o := Own{Network: n}
	if o.Data, err = datasets.OpenOwn(ctx, dir, name, n.Input(), n.Outputs(), seed); err != nil {
		return Own{}, err
	}
	flat := filepath.Join(dir, name+".npy")
	weights, _, err := npy.ReadFloats(flat)
	if err == nil {
		if err := page.CheckWeights(flat, weights, n.Weights()); err != nil {
			return Own{}, err
		}
		o.Values = &network.Values{Weights: weights}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return Own{}, err
	}
	if err := o.Complete(ctx, backend, nil); err != nil {
		return Own{}, fmt.Errorf("%s: %w", path, err)
	}
	return o, nil
}

// Complete fills in what follows from a network and its samples: the objective, if none is given, the
// weights and state that an ONNX file has, and labels where there are none.
func (o *Own) Complete(ctx context.Context, backend compute.Backend, objective network.Objective) error {
	n, d := o.Network, o.Data
	switch n.Objective = objective; {
	case objective != nil:
	case d.Values:
		n.Objective = network.Regression{}
	case !d.Labelled && n.Samples() == n.Outputs():
		n.Objective = network.Reconstruction{}
	}
	if err := n.Validate(); err != nil {
		return err
	}
	if _, classifies := n.For().(network.Classification); !classifies && onnx.LeftOutSoftmax(n) {
		return fmt.Errorf("network %s ends in a Softmax, and its labels are values: want classes", n.Name)
	}
	fromFile := o.Values == nil && onnx.GraphOf(n) != nil
	if fromFile || o.Values != nil && o.Values.State == nil && n.StateSize() > 0 {
		weights, state, err := n.Initial(0)
		if err != nil {
			return err
		}
		if fromFile {
			o.Values = &network.Values{Weights: weights}
		}
		o.Values.State = state
	}
	if o.Values == nil && d.Train == nil {
		return fmt.Errorf("network %s has neither weights nor samples to train it on", n.Name)
	}
	if o.Values != nil {
		if err := page.CheckWeights("network "+n.Name, o.Values.Weights, n.Weights()); err != nil {
			return err
		}
		if len(o.Values.State) > 0 || n.StateSize() > 0 {
			if err := page.CheckWeights("network "+n.Name+": state", o.Values.State,
				n.StateSize()); err != nil {
				return err
			}
		}
	}
	return o.label(ctx, backend)
}

// label gives samples without labels those that the network itself finds: what it does now is what
// it is to go on doing. The score of test samples is then the agreement with that.
func (o *Own) label(ctx context.Context, backend compute.Backend) error {
	if _, classifies := o.Network.For().(network.Classification); !classifies {
		return nil
	}
	var bare []*datasets.Split
	if !o.Data.Labelled && o.Data.Train != nil {
		bare = append(bare, o.Data.Train, o.Data.Validation)
		o.Data.Provenance.Note = "training samples without labels: training follows the network's " +
			"own outputs"
	}
	if !o.Data.TestLabelled && o.Data.Test != nil {
		bare = append(bare, o.Data.Test)
		if o.Data.Provenance.Note != "" {
			o.Data.Provenance.Note += "; "
		}
		o.Data.Provenance.Note += "test samples without labels: the score is agreement with the network " +
			"as it was"
	}
	if len(bare) == 0 {
		return nil
	}
	if o.Values == nil {
		return fmt.Errorf("network %s has neither weights nor labels: nothing says what it is to learn",
			o.Network.Name)
	}
	s, err := score.New(backend, o.Network, 100)
	if err != nil {
		return err
	}
	defer s.Close()
	on := o.Values.On()
	defer network.Free(on...)
	for _, split := range bare {
		labels, err := s.Predict(ctx, on, split)
		if err != nil {
			return err
		}
		split.Labels = labels
	}
	return nil
}

// OwnHashes are the identities of own networks, for [Config.Own].
func OwnHashes(own []Own) map[string]string {
	if len(own) == 0 {
		return nil
	}
	hashes := map[string]string{}
	for _, o := range own {
		h := sha256.New()
		fmt.Fprintln(h, o.Network.Architecture())
		if o.Values != nil {
			binary.Write(h, binary.LittleEndian, o.Values.Weights) // a hash does not fail
			binary.Write(h, binary.LittleEndian, o.Values.State)
		}
		hashes[o.Network.Name] = hex.EncodeToString(h.Sum(nil))[:16]
	}
	return hashes
}

// ForOwn is the configuration for own networks: the recipe of the profile packing without a value
// for a single network; each network is its own teacher. If one has no samples to train on, pages
// are not trained, and its name is returned.
func (c *Config) ForOwn(own []Own) (untrained string, err error) {
	if len(own) == 0 {
		return "", nil
	}
	packing, err := Profile("packing")
	if err != nil {
		return "", err
	}
	steps, validate := c.Optimization.Steps, c.Optimization.ValidateEvery
	c.Optimization = packing.Optimization
	o := &c.Optimization
	o.Steps, o.ValidateEvery, o.TeacherSteps = steps, validate, 0
	o.Batch, o.Dropout = optimization.Each{"": 64}, optimization.Each{"": 0}
	c.Pilot = packing.Pilot
	c.Pages.Placement, c.Pages.Doubling = packing.Pages.Placement, packing.Pages.Doubling
	c.Pages.Load, c.Pages.LoadSpread = packing.Pages.Load, packing.Pages.LoadSpread
	for _, x := range own {
		if x.Data == nil || x.Data.Train == nil {
			o.Steps = 0
			return x.Network.Name, nil
		}
	}
	return "", nil
}

// known returns an error for the first name that is no network of the caller's or of the ten.
func (c Config) known(names ...string) error {
	ten := network.Names(network.Ten())
	for _, name := range names {
		if err := page.CheckName(name); err != nil {
			return err
		}
		if c.Own[name] != "" || slices.Contains(ten, name) {
			continue
		}
		for own := range c.Own {
			ten = append(ten, own)
		}
		slices.Sort(ten)
		return fmt.Errorf("unknown network %q: want one of %s", name, strings.Join(ten, ", "))
	}
	return nil
}

// Select are the networks of the configuration, own ones first by name, with their weights in its
// order.
func (c Config) Select(own []Own) ([]*network.Network, error) {
	ten := network.Ten()
	var nets []*network.Network
	for _, name := range c.Networks {
		i := slices.IndexFunc(own, func(o Own) bool { return o.Network.Name == name })
		k := slices.IndexFunc(ten, func(n *network.Network) bool { return n.Name == name })
		switch {
		case i >= 0:
			nets = append(nets, own[i].Network.WithOrder(c.Pages.Order))
		case c.Own[name] != "":
			return nil, errNotGiven(name)
		case k >= 0:
			nets = append(nets, ten[k].WithOrder(c.Pages.Order))
		default:
			return nil, c.known(name)
		}
	}
	return nets, nil
}

func errNotGiven(name string) error {
	return fmt.Errorf("network %s is its user's own: want its file and samples beside the "+
		"others (-nets)", name)
}

// own is the caller's network of that name, nil if it is one of the ten.
func (r *Run) own(name string) *Own {
	for i, o := range r.options.Own {
		if o.Network.Name == name {
			return &r.options.Own[i]
		}
	}
	return nil
}

// checkOwn returns an error for networks that are given and are not those that the run was made
// with.
func (r *Run) checkOwn() error {
	for name, hash := range OwnHashes(r.options.Own) {
		if want := r.config.Own[name]; want != "" && hash != want {
			return fmt.Errorf("run directory %s was made with another network %s, or other weights of it: "+
				"choose another directory", r.Dir.Path, name)
		}
	}
	return nil
}
