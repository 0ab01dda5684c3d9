// Package pipeline strings the stages of weight separation together on a run
// directory: baselines, Fisher information, overlapping, optimization,
// evaluation, benchmark. The command and the notebooks are thin callers of it.
package pipeline

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"weightsep/datasets"
	"weightsep/wslib/budget"
	"weightsep/wslib/network"
	"weightsep/wslib/page"
	"weightsep/wslib/separation"
)

// Config decides what a run computes. It is stored in the run's manifest.
type Config struct {
	Profile  string   `json:"profile"`
	Networks []string `json:"networks"` // in order of formation
	Seed     uint64   `json:"seed"`     // of everything random but the data
	Data     Data     `json:"data"`

	Formation     network.Order `json:"formation,omitempty"` // order of weights in which they are cut into pages
	PageSize      int           `json:"pageSize"`
	Shared        int           `json:"sharedPages"`
	TPR           float64       `json:"targetPerformanceRate"`
	Margin        float64       `json:"margin"`
	MaxExclusive  int           `json:"maxExclusive"` // exclusive pages of a network, unless Shared forces more; 0: no bound
	FisherSamples int           `json:"fisherSamples"`

	// MaxExclusives are the networks for which MaxExclusive is another.
	MaxExclusives map[string]int `json:"maxExclusives,omitempty"`

	// Doubling lets several pages of one network lie on one shared page, where it has more
	// than there are; else those are exclusive.
	Doubling bool `json:"doubling,omitempty"`

	// Placement of sharable pages: GreedyPlacement, the paper's, BalancedPlacement or
	// RandomPlacement. Networks that join held ones are always placed by BalancedPlacement.
	Placement string `json:"placement,omitempty"`
	// Loads are the networks whose pages ask for other than 1 on average in
	// BalancedPlacement: the larger, the fewer pages share a page with theirs.
	Loads map[string]float64 `json:"loads,omitempty"`
	// LoadSpread is how much more the pages of one network ask for on which more depends,
	// see overlapping.SpreadLoads; 0: all the same.
	LoadSpread float64 `json:"loadSpread,omitempty"`

	// From is the directory of an optimized run to go on from: its networks keep their
	// pages and values, networks that it has not join them, those that are not in
	// Networks leave.
	From string `json:"from,omitempty"`
	// Hold keeps the weights of From's networks as they are, bit for bit; only those that
	// join are trained, on shared pages after those that the others use. See [Join].
	Hold bool `json:"hold,omitempty"`

	BaselineSteps int `json:"baselineSteps"` // of a baseline that does not come with the project
	// BaselineSeed, if not 0, asks for baselines of this seed instead of those that come
	// with the project.
	BaselineSeed uint64 `json:"baselineSeed,omitempty"`

	Optimization Optimization `json:"optimization"`
	Bench        Bench        `json:"bench"`
}

// Data decides which samples a run sees.
type Data struct {
	Dir      string `json:"-"` // directory of the originals' files; not part of a run's identity
	Seed     uint64 `json:"seed"`
	MinTrain int    `json:"minTrain,omitempty"` // with fewer real training samples the stand-in is used; 0: any number will do
	MaxTrain int    `json:"maxTrain"`           // 0: all
	MaxTest  int    `json:"maxTest"`            // 0: all
}

// Optimization chooses method and schedule.
type Optimization struct {
	Method string `json:"method"` // Joint or Alternating
	Steps  int    `json:"steps"`  // of joint optimization
	Start  string `json:"start"`  // of joint optimization: NormalizedStart or KeyedStart
	Batch  int    `json:"batch"`
	// Batches are the networks whose batch is another: those whose samples cost most.
	Batches      map[string]int `json:"batches,omitempty"`
	LearningRate float64        `json:"learningRate"`
	Dropout      float64        `json:"dropout"`
	Validate     int            `json:"validateEvery"`
	ValidateOn   int            `json:"validateOn"`

	// Dropouts are the networks whose dropout is another when packed, negative for none.
	Dropouts map[string]float64 `json:"dropouts,omitempty"`

	// Mixups are the networks whose samples are mixed with others by up to so much, as in
	// optimization.Task, in all training but that of reference and teachers: those with few
	// samples, or related ones.
	Mixups map[string]float64 `json:"mixups,omitempty"`

	// Of joint optimization; zero values as in optimization.JointOptions.
	Precision page.Precision `json:"precision,omitempty"`
	// ExclusivePrecision is that of exclusive pages; 0: Precision.
	ExclusivePrecision page.Precision     `json:"exclusivePrecision,omitempty"`
	ScaleFormat        page.ScaleFormat   `json:"scaleFormat,omitempty"`
	PageRate           float64            `json:"pageRate,omitempty"` // of pages and scales, as a factor of LearningRate; 0: 1
	ScaleRate          float64            `json:"scaleRate,omitempty"`
	RoundBy            float64            `json:"roundBy,omitempty"`
	Distillation       float64            `json:"distillation,omitempty"`
	Temperature        float64            `json:"temperature,omitempty"`
	TeacherSteps       int                `json:"teacherSteps,omitempty"` // that separate networks are trained further before they are distilled from
	Teachers           int                `json:"teachers,omitempty"`     // so trained of each network, whose mean it is distilled from; 0: 1
	Sample             int                `json:"sample,omitempty"`       // networks in a step; 0: all
	LossWeights        map[string]float64 `json:"lossWeights,omitempty"`  // networks whose loss counts other than once

	// The alternating schedule.
	FirstSteps int     `json:"firstSteps"`
	Rounds     int     `json:"rounds"`
	Passes     int     `json:"passes"`
	TurnSteps  int     `json:"turnSteps"`
	Lambda     float64 `json:"lambda"`
}

// The methods of optimization.
const (
	Joint       = "joint"
	Alternating = "alternating"
)

// What joint optimization starts from: pages without keys, or with a key of two bits for each
// weight, as [overlapping.Plan.StartSet] has them.
const (
	NormalizedStart = "normalized"
	KeyedStart      = "keyed"
)

// The placements; "" is GreedyPlacement.
const (
	GreedyPlacement   = "greedy"
	BalancedPlacement = "balanced"
	RandomPlacement   = "random"
)

// Bench is the execution benchmark.
type Bench struct {
	Executions int `json:"executions"`
	Samples    int `json:"samples"` // test samples an execution; 0: all
}

// Validate reports the first value that cannot work.
func (c Config) Validate() error {
	if len(c.Networks) == 0 {
		return fmt.Errorf("config: no networks")
	}
	if _, err := network.Select(network.Ten(), c.Networks...); err != nil {
		return fmt.Errorf("config: %w", err)
	}
	if err := c.Formation.Validate(); err != nil {
		return fmt.Errorf("config: %w", err)
	}
	o := c.Optimization
	if !slices.Contains([]string{Joint, Alternating}, o.Method) {
		return fmt.Errorf("config: method %q, want %s or %s", o.Method, Joint, Alternating)
	}
	for _, v := range []struct {
		name string
		v    int
	}{{"page size", c.PageSize}, {"shared pages", c.Shared}, {"Fisher samples", c.FisherSamples}, {"steps", o.Steps},
		{"batch", o.Batch}, {"steps between validations", o.Validate}, {"executions", c.Bench.Executions}} {
		if v.v < 1 {
			return fmt.Errorf("config: %s %d, want 1 or more", v.name, v.v)
		}
	}
	for name, b := range o.Batches {
		if b < 1 {
			return fmt.Errorf("config: batch %d of %s, want 1 or more", b, name)
		}
	}
	if err := (separation.Options{TPR: c.TPR, Margin: c.Margin, Shared: c.Shared}).Validate(); err != nil {
		return fmt.Errorf("config: %w", err)
	}
	for name, k := range c.MaxExclusives {
		if k < 1 {
			return fmt.Errorf("config: at most %d exclusive pages of %s, want 1 or more", k, name)
		}
	}
	if placements := []string{"", GreedyPlacement, BalancedPlacement, RandomPlacement}; !slices.Contains(placements, c.Placement) {
		return fmt.Errorf("config: placement %q, want %s, %s or %s", c.Placement, GreedyPlacement, BalancedPlacement, RandomPlacement)
	}
	if c.Placement != "" && c.Placement != GreedyPlacement && o.Method == Alternating {
		return fmt.Errorf("config: %s optimization places networks by cost, not %s", Alternating, c.Placement)
	}
	if c.Doubling && o.Method == Alternating {
		return fmt.Errorf("config: %s optimization puts one page of a network on a shared page, and there are fewer shared pages (%d) than some network has: want a smaller ratio, or more of them", Alternating, c.Shared)
	}
	if !(c.LoadSpread >= 0 && c.LoadSpread <= 1) {
		return fmt.Errorf("config: spread of loads %v, want 0 to 1", c.LoadSpread)
	}
	for name, l := range c.Loads {
		if !(l > 0) || math.IsInf(l, 0) {
			return fmt.Errorf("config: load %v of %s, want a finite number above 0", l, name)
		}
	}
	if c.Hold && (c.From == "" || !c.Doubling) {
		return fmt.Errorf("config: networks are held only in a run that goes on from another, with doubling")
	}
	if c.From != "" && o.Method != Joint {
		return fmt.Errorf("config: only %s optimization can go on from another run", Joint)
	}
	if o.Start != NormalizedStart && o.Start != KeyedStart {
		return fmt.Errorf("config: start %q, want %s or %s", o.Start, NormalizedStart, KeyedStart)
	}
	if err := o.Precision.Validate(); err != nil {
		return fmt.Errorf("config: %w", err)
	}
	if err := o.ExclusivePrecision.Validate(); err != nil {
		return fmt.Errorf("config: %w", err)
	}
	if err := o.ScaleFormat.Validate(); err != nil {
		return fmt.Errorf("config: %w", err)
	}
	if o.Method == Alternating && (o.Precision.Quantized() || o.ExclusivePrecision.Quantized() || o.ScaleFormat.Bytes() != 4) {
		return fmt.Errorf("config: %s optimization has pages in float32 only and no scales, not %v and %s", o.Method, o.Precision, o.ScaleFormat)
	}
	if o.Method == Alternating && c.keys() != 0 {
		return fmt.Errorf("config: %s optimization has no keys: it cannot start from %s pages", o.Method, o.Start)
	}
	if !(o.PageRate >= 0) || o.ScaleRate < 0 || o.Distillation < 0 || o.Distillation > 1 || o.Temperature < 0 {
		return fmt.Errorf("config: page rate %v, scale rate %v, distillation %v, temperature %v: want no negative ones, and distillation at most 1",
			o.PageRate, o.ScaleRate, o.Distillation, o.Temperature)
	}
	if !(o.RoundBy >= 0 && o.RoundBy <= 1) {
		return fmt.Errorf("config: pages rounded by %v of the steps, want 0 to 1", o.RoundBy)
	}
	for name, w := range o.LossWeights {
		if w <= 0 {
			return fmt.Errorf("config: loss weight %v of %s, want more than 0", w, name)
		}
	}
	for name, d := range o.Dropouts {
		if d >= 1 {
			return fmt.Errorf("config: dropout %v of %s, want less than 1", d, name)
		}
	}
	for name, m := range o.Mixups {
		if !(m >= 0 && m <= 1) {
			return fmt.Errorf("config: mixup %v of %s, want 0 to 1", m, name)
		}
		if o.Method == Alternating {
			return fmt.Errorf("config: %s optimization has no mixup", Alternating)
		}
	}
	if o.Teachers < 0 || o.Teachers > 1 && !c.taught() {
		return fmt.Errorf("config: %d teachers of each network, %s optimization, distillation %v, %d steps of teachers: want no negative number, and more than one only where they are trained to be distilled from",
			o.Teachers, o.Method, o.Distillation, o.TeacherSteps)
	}
	if o.Sample < 0 || o.TeacherSteps < 0 || o.FirstSteps < 2 || o.Passes < 1 || o.TurnSteps < 2 || o.Rounds < 0 || o.ValidateOn < 0 || o.Lambda < 0 {
		return fmt.Errorf("config: schedule %d %d %d %d, validation samples %d, lambda %v: want no negative ones, turns of 2 steps or more, and passes",
			o.FirstSteps, o.Rounds, o.Passes, o.TurnSteps, o.ValidateOn, o.Lambda)
	}
	if o.LearningRate <= 0 || o.Dropout < 0 || o.Dropout >= 1 {
		return fmt.Errorf("config: learning rate %v and dropout %v, want more than 0, and 0 to less than 1", o.LearningRate, o.Dropout)
	}
	return nil
}

// ApplyBudget replaces numbers of pages, precision, format of scales and, where networks have
// keys, the start by what a budget gives for the configuration's networks and their Loads. Where
// a network has more pages than there are shared ones, several of its pages lie on one.
func (c *Config) ApplyBudget(b budget.Budget) (budget.Plan, error) {
	nets, err := network.Select(network.Ten(), c.Networks...)
	if err != nil {
		return budget.Plan{}, err
	}
	var weights []int
	b.Loads = nil
	for _, n := range nets {
		weights = append(weights, n.Weights())
		b.Loads = append(b.Loads, cmp.Or(c.Loads[n.Name], 1))
	}
	if c.Optimization.Method == Alternating {
		b.Keys = budget.NoKeys // nor scales
	}
	if keys := c.keys(); keys != 0 {
		b.Keys = keys
	}
	plan, err := budget.Choose(weights, c.PageSize, b)
	if err != nil {
		return plan, err
	}
	// On few pages only with doubling.
	c.Doubling = c.Placement == BalancedPlacement
	for _, n := range nets {
		c.Doubling = c.Doubling || page.Count(n.Weights(), c.PageSize) > plan.Shared
	}
	c.takePages(plan, nets)
	c.Formation = network.BiasesFirst
	o := &c.Optimization
	o.Precision, o.ExclusivePrecision, o.ScaleFormat = plan.Precision, plan.ExclusivePrecision, plan.ScaleFormat
	if plan.KeyPrecision != 0 {
		o.Start = KeyedStart
	}
	return plan, nil
}

// format is how optimized pages are stored.
func (c Config) format(shared int) page.Format {
	o := c.Optimization
	return page.Format{Size: c.PageSize, Shared: shared, Precision: o.Precision, ExclusivePrecision: o.ExclusivePrecision, ScaleFormat: o.ScaleFormat, KeyPrecision: c.keys()}
}

// keys is the precision of the networks' own keys; 0: they have none.
func (c Config) keys() page.Precision {
	if c.Optimization.Start == KeyedStart {
		return page.Int2
	}
	return 0
}

// takePages replaces numbers of pages by those of a plan for the given networks.
func (c *Config) takePages(plan budget.Plan, nets []*network.Network) {
	c.Shared, c.MaxExclusive, c.MaxExclusives = plan.Shared, slices.Min(plan.Exclusive), nil
	for i, n := range nets {
		if k := plan.Exclusive[i]; k != c.MaxExclusive {
			if c.MaxExclusives == nil {
				c.MaxExclusives = map[string]int{}
			}
			c.MaxExclusives[n.Name] = k
		}
	}
	if c.TPR = 1; c.MaxExclusive == 0 {
		c.TPR = 0 // none
	}
}

// DefaultMinTrain is the number of training samples below which a real dataset is too
// small a part of the original to train on: a few recordings put there to try a loader.
const DefaultMinTrain = 500

// Options of opening the data of a network.
func (d Data) Options() datasets.Options {
	return datasets.Options{Dir: d.Dir, Seed: d.Seed, MinTrain: d.MinTrain, MaxTrain: d.MaxTrain, MaxTest: d.MaxTest}
}
