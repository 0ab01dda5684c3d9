// Package pipeline strings the stages of weight separation together on a run
// directory: baselines, Fisher information, overlapping, optimization,
// evaluation, benchmark. The command and the notebooks are thin callers of it.
package pipeline

import (
	"encoding/json"
	"fmt"
	"slices"

	"weightsep/datasets"
	"weightsep/wslib/internal/option"
	"weightsep/wslib/network"
	"weightsep/wslib/optimization"
	"weightsep/wslib/page"
)

// Config decides what a run computes. It is stored in the run's manifest. Package option explains the
// tags; [Profile] gives one to change.
type Config struct {
	Profile  string   `json:"profile"`
	Networks []string `json:"networks"` // in order of formation: own ones, or of the ten
	// Own tells the caller's own networks apart: a hash of each one's model and trained weights.
	Own map[string]string `json:"own,omitempty"`
	// Seed is that of everything random but the data.
	Seed uint64 `json:"seed" help:"<seed> of everything random but the data"`

	Data         Data                `json:"data"`
	Baseline     Baseline            `json:"baseline"`
	Pages        Pages               `json:"pages"`
	Optimization optimization.Recipe `json:"optimization"`

	// From is the directory of an optimized run to go on from: its networks keep their pages and weights,
	// bit for bit. Networks that it has not join them, and only these are trained, on shared pages after
	// those that the others use; those that are not in Networks leave. See [Join].
	From string `json:"from,omitempty"`

	// Pilot is the share of the steps after which networks are compared and get room, dropout
	// and mixup of their own, see [Allot]; 0: they get none.
	Pilot float64 `json:"pilot,omitempty" min:"0" max:"1" help:"<share> of the steps for a pilot; 0: none"`

	Bench Bench `json:"bench"`
}

// Data decides which samples a run sees.
type Data struct {
	Dir  string `json:"-"` // directory of the originals' files; not part of a run's identity
	Seed uint64 `json:"seed"`
	// MinTrain is the number of training samples below which a real dataset is replaced by its stand-in.
	MinTrain int `json:"min" min:"0" help:"stand-in for a dataset with fewer real training <samples>"`
	MaxTrain int `json:"maxTrain" min:"0"` // 0: all
	MaxTest  int `json:"maxTest" min:"0"`  // 0: all
}

// Baseline is the training of networks whose trained weights do not come with the project.
type Baseline struct {
	Steps int `json:"baseline-steps" min:"1" help:"<steps> of baselines that have to be trained"`
	// Seed, if not 0, asks for baselines of this seed instead of those that come with the project.
	Seed uint64 `json:"seed,omitempty"`
}

// Pages decides how weights are cut, separated and overlapped.
type Pages struct {
	Order  network.Order `json:"order"` // of weights in which they are cut into pages
	Format               // that optimized pages are stored in
	// TPR is the target performance rate.
	TPR float64 `json:"tpr" min:"0" max:"2" help:"<share> of the density for exclusive pages; 0: none"`
	// Margin is the share of TPR that the exclusive pages may miss.
	Margin float64 `json:"margin" over:"0" max:"1" help:"<share> of the density that may be missing"`
	// Exclusive is the largest number of exclusive pages of a network, unless more do not fit on the
	// shared ones.
	Exclusive optimization.Each `json:"exclusive" min:"0" whole:"yes" help:"most exclusive <pages> of a network"`
	// Doubling lets several pages of one network lie on one shared page, where it has more
	// than there are; else those are exclusive.
	Doubling bool `json:"doubling"`
	// Placement of sharable pages: GreedyPlacement is the paper's. Networks that join held ones are
	// always placed by BalancedPlacement.
	Placement string `json:"placement" oneof:"greedy balanced random" help:"<placement>"`
	// Load is the room that pages ask for in BalancedPlacement, on average: the larger, the fewer pages
	// share a page with theirs.
	Load optimization.Each `json:"load" over:"0" help:"<room> that pages ask for in balanced placement"`
	// LoadSpread is how much more room those pages of a network ask for on which more depends, see
	// overlapping.SpreadLoads.
	LoadSpread float64 `json:"spread" min:"0" max:"1" help:"<share> that room follows what depends on a page"`
	// FisherSamples is the number of samples that Fisher information is computed from.
	FisherSamples int `json:"fisher" min:"1" help:"<samples> for Fisher information"`
}

// Format is page.Format with flags.
type Format struct {
	Size   int `json:"page" min:"1" max:"1048576" help:"<weights> of a page"`
	Shared int `json:"shared" min:"1" max:"268435456" help:"<number> of shared pages"`

	// Precision is that of shared pages, ExclusivePrecision that of exclusive ones; 0: the same.
	Precision page.Precision `json:"precision" oneof:"0 32 8 4 2" help:"<bits> of a value of shared pages"`

	ExclusivePrecision page.Precision `json:"exclusive-precision" oneof:"0 32 8 4 2" help:"<bits>; 0: shared ones'"`

	ScaleFormat page.ScaleFormat `json:"scales" oneof:"float32 float16 log8" help:"<format> of scales"`

	// KeyPrecision is that of the keys that networks have for their weights on shared pages.
	KeyPrecision page.Precision `json:"keys" oneof:"0 2" help:"<bits> of a network's key for each weight"`
}

// The placements.
const (
	GreedyPlacement   = "greedy"
	BalancedPlacement = "balanced"
	RandomPlacement   = "random"
)

// PageFormat is how optimized pages are stored.
func (p Pages) PageFormat() page.Format { return page.Format(p.Format) }

// Bench is the execution benchmark.
type Bench struct {
	Executions int  `json:"executions" min:"1"`
	Samples    int  `json:"samples" min:"0"`  // test samples an execution; 0: all
	Requests   int  `json:"requests" min:"0"` // of a stream; 0: none
	Runs       bool `json:"runs"`             // a switch and a run, too, at batch sizes of 1, 10 and 100
}

// Validate returns an error for the first value that cannot work.
func (c Config) Validate() error {
	if err := c.validate(); err != nil {
		return fmt.Errorf("config: %w", err)
	}
	return nil
}

func (c Config) validate() error {
	if len(c.Networks) == 0 {
		return fmt.Errorf("no networks")
	}
	if err := c.known(c.Networks...); err != nil {
		return err
	}
	for i, name := range c.Networks {
		if slices.Contains(c.Networks[:i], name) {
			return fmt.Errorf("network %q is named twice", name)
		}
	}
	if err := option.Check(c); err != nil {
		return err
	}
	for _, f := range option.Fields(c) {
		each, _ := f.Value.Interface().(optimization.Each)
		for name := range each {
			if name == "" {
				continue
			}
			if err := c.known(name); err != nil {
				return fmt.Errorf("%s: %w", f.Name, err)
			}
		}
	}
	if err := c.Optimization.Validate(); err != nil {
		return err
	}
	if c.From != "" && !c.Pages.Doubling {
		return fmt.Errorf("a run goes on from another only with doubling")
	}
	if c.Optimization.Method == optimization.JointMethod {
		return nil
	}
	p := c.Pages
	switch {
	case c.From != "":
		return fmt.Errorf("only joint optimization can go on from another run")
	case p.Placement != GreedyPlacement:
		return fmt.Errorf("alternating optimization places networks by cost, not %s", p.Placement)
	case p.Doubling:
		return fmt.Errorf("alternating optimization puts one page of a network on a shared page, and "+
			"there are fewer shared pages (%d) "+
			"than some network has: want a smaller ratio, or more of them", p.Shared)
	case p.Precision.Quantized(), p.ExclusivePrecision.Quantized(), p.ScaleFormat.Bytes() != 4,
		p.KeyPrecision != 0:
		return fmt.Errorf("alternating optimization has float32 pages only, no scales and no keys: not "+
			"%v, %s, %d",
			p.Precision, p.ScaleFormat, p.KeyPrecision)
	}
	return nil
}

// json is the configuration, which is valid, as it is stored.
func (c Config) json() []byte {
	raw, err := json.Marshal(c)
	if err != nil {
		panic(err) // its numbers are finite
	}
	return raw
}

// clone shares nothing with the configuration.
func (c Config) clone() Config {
	var d Config
	if err := json.Unmarshal(c.json(), &d); err != nil {
		panic(err)
	}
	d.Data.Dir = c.Data.Dir
	return d
}

// Options of opening the data of a network.
func (d Data) Options() datasets.Options {
	return datasets.Options{Dir: d.Dir, Seed: d.Seed, MinTrain: d.MinTrain, MaxTrain: d.MaxTrain,
		MaxTest: d.MaxTest}
}
