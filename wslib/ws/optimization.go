package main

import (
	"flag"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"weightsep/wslib/network"
	"weightsep/wslib/page"
	"weightsep/wslib/pipeline"
)

// optimizationOverrides are flags that replace values of a run's configuration,
// where they are given.
type optimizationOverrides struct {
	set           *flag.FlagSet
	method        *string
	steps         *int
	batch         *int
	batches       *string
	learningRate  *float64
	pageRate      *float64
	rounds        *int
	firstSteps    *int
	start         *string
	dropout       *float64
	dropouts      *string
	mixups        *string
	precision     *int
	exclusiveBits *int
	scaleFormat   *string
	distillation  *float64
	validateOn    *int
	sample        *int
	teacherSteps  *int
	teachers      *int
	placement     *string
	loads         *string
	spread        *float64
}

func optimizationFlags(f *runFlags) *optimizationOverrides {
	return &optimizationOverrides{
		set:           f.set,
		method:        f.set.String("method", "", "optimization `method`: joint or alternating; default from the profile"),
		steps:         f.set.Int("steps", 0, "`steps` of joint optimization, or of a baseline; default from the profile"),
		batch:         f.set.Int("batch", 0, "samples of each network in a step, also of those that have a batch of their own in the profile; default from there"),
		batches:       f.set.String("batches", "", "batches of networks that have another than -batch, as `NAME=SAMPLES,…`; \"\" no network; default from the profile without -batch, none with it"),
		learningRate:  f.set.Float64("rate", 0, "learning rate at its highest, of separate networks and, times -page-rate, of pages; default from the profile"),
		pageRate:      f.set.Float64("page-rate", 0, "learning rate of pages in joint optimization as a factor of that of the separate networks; default from the profile"),
		rounds:        f.set.Int("rounds", 0, "rounds of alternating optimization; default from the profile"),
		start:         f.set.String("start", "", "`pages` that joint optimization starts from: normalized or keyed (a key of 2 bits for each weight); default from the profile, with keys where a budget finds float32 pages crowded"),
		dropout:       f.set.Float64("dropout", 0, "dropout before dense layers in joint optimization; default from the profile"),
		dropouts:      f.set.String("dropouts", "", "dropout of networks that have another when packed, as `NAME=RATE,…`, negative for none; \"\" no network; default from the profile"),
		mixups:        f.set.String("mixups", "", "networks whose samples are mixed with others of their batch, in all training but that of reference and teachers, as `NAME=MIXUP,…`, the largest share of the other sample, 0 to 1; \"\" no network; default from the profile"),
		precision:     f.set.Int("precision", 32, "`bits` of a stored page value in joint optimization: 32 (float32), 8, 4, 2"),
		exclusiveBits: f.set.Int("exclusive-precision", 0, "`bits` of a stored value of exclusive pages, 0: as -precision"),
		scaleFormat:   f.set.String("scales", string(page.ScaleFloat32), "`format` of stored scales: float32, float16, log8"),
		distillation:  f.set.Float64("distill", 0, "`share` of the loss that follows the separate networks' outputs"),
		sample:        f.set.Int("sample", 0, "`networks` in a step of joint optimization, drawn anew each time; 0: all"),
		teacherSteps:  f.set.Int("teacher-steps", 0, "`steps` that separate networks are trained further before they are distilled from; default from the profile"),
		teachers:      f.set.Int("teachers", 0, "`networks` of each kind that are so trained, by samples and dropout of their own; their mean is distilled; default from the profile"),
		placement:     f.set.String("placement", "", "how `pages` are placed on shared ones: greedy (by cost), balanced (by load), random; default from the profile"),
		loads:         f.set.String("loads", "", "loads of pages in balanced placement, as `NAME=LOAD,…`; 1 where none is given, default from the profile"),
		spread:        f.set.Float64("spread", 0, "how much more room pages ask for on which more depends, 0 to 1, in balanced placement; default from the profile"),
		validateOn:    f.set.Int("validate-on", 0, "at most so many validation `samples` a network while training, 0 all; default from the profile"),
		firstSteps:    f.set.Int("first", 0, "steps of the first turn of alternating optimization; default from the profile"),
	}
}

// apply reports flags that contradict each other.
func (o *optimizationOverrides) apply(c *pipeline.Config) error {
	x := &c.Optimization
	loads, err := byName("load", *o.loads)
	if err != nil {
		return err
	}
	dropouts, err := byName("dropout", *o.dropouts)
	if err != nil {
		return err
	}
	mixups, err := byName("mixup", *o.mixups)
	if err != nil {
		return err
	}
	batches, err := batchesByName(*o.batches)
	if err != nil {
		return err
	}
	for name, set := range map[string]func(){
		"method": func() { x.Method = *o.method },
		"steps":  func() { x.Steps = *o.steps },
		"batch": func() {
			x.Batch = *o.batch
			if !isSet(o.set, "batches") {
				x.Batches = nil
			}
		},
		"batches":             func() { x.Batches = batches },
		"rate":                func() { x.LearningRate = *o.learningRate },
		"page-rate":           func() { x.PageRate = *o.pageRate },
		"rounds":              func() { x.Rounds = *o.rounds },
		"start":               func() { x.Start = *o.start },
		"dropout":             func() { x.Dropout = *o.dropout },
		"dropouts":            func() { x.Dropouts = dropouts },
		"mixups":              func() { x.Mixups = mixups },
		"first":               func() { x.FirstSteps = *o.firstSteps },
		"precision":           func() { x.Precision = page.Precision(*o.precision) },
		"exclusive-precision": func() { x.ExclusivePrecision = page.Precision(*o.exclusiveBits) },
		"scales":              func() { x.ScaleFormat = page.ScaleFormat(*o.scaleFormat) },
		"distill":             func() { x.Distillation = *o.distillation },
		"sample":              func() { x.Sample = *o.sample },
		"teacher-steps":       func() { x.TeacherSteps = *o.teacherSteps },
		"teachers":            func() { x.Teachers = *o.teachers },
		"placement": func() {
			c.Placement = *o.placement
			c.Doubling = c.Doubling || c.Placement == pipeline.BalancedPlacement
		},
		"loads": func() {
			if !c.Hold { // Join has taken them
				c.Loads = loads
			}
		},
		"spread":      func() { c.LoadSpread = *o.spread },
		"validate-on": func() { x.ValidateOn = *o.validateOn },
	} {
		if isSet(o.set, name) {
			set()
		}
	}
	others := map[string][]string{
		pipeline.Joint:       {"rounds", "first"},
		pipeline.Alternating: {"steps", "page-rate", "dropout", "dropouts", "distill", "sample", "teacher-steps", "teachers"},
	}
	for _, name := range others[x.Method] {
		if isSet(o.set, name) {
			return fmt.Errorf("%s optimization has no -%s", x.Method, name)
		}
	}
	if x.Method == pipeline.Alternating && c.Placement != pipeline.BalancedPlacement {
		c.Doubling = false // of a profile that places otherwise
	}
	// One spelling of what is the same: another would be another configuration.
	if x.Teachers == 1 {
		x.Teachers = 0
	}
	maps.DeleteFunc(x.Batches, func(_ string, b int) bool { return b == x.Batch })
	maps.DeleteFunc(x.Mixups, func(_ string, m float64) bool { return m == 0 })
	if len(x.Mixups) == 0 {
		x.Mixups = nil
	}
	if c.Hold {
		return nil
	}
	if c.Placement != pipeline.BalancedPlacement {
		if isSet(o.set, "loads") || isSet(o.set, "spread") {
			return fmt.Errorf("-loads and -spread need -placement %s", pipeline.BalancedPlacement)
		}
		c.Loads, c.LoadSpread = nil, 0
	}
	return nil
}

// byName reads NAME=NUMBER,…; nil if there is none.
func byName(what, s string) (map[string]float64, error) {
	var values map[string]float64
	for _, part := range splitNames(s) {
		name, text, _ := strings.Cut(part, "=")
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("%s %q, want NAME=%s", what, part, strings.ToUpper(what))
		}
		if _, err := network.Select(network.Ten(), name); err != nil {
			return nil, err
		}
		if values == nil {
			values = map[string]float64{}
		}
		values[name] = v
	}
	return values, nil
}

// batchesByName reads NAME=SAMPLES,…
func batchesByName(s string) (map[string]int, error) {
	values, err := byName("samples", s)
	if err != nil {
		return nil, err
	}
	var batches map[string]int
	for name, v := range values {
		if batches == nil {
			batches = map[string]int{}
		}
		if v != math.Trunc(v) || math.Abs(v) > math.MaxInt32 { // Config.Validate wants 1 or more
			return nil, fmt.Errorf("batch %v of %s, want a whole number of samples", v, name)
		}
		batches[name] = int(v)
	}
	return batches, nil
}

func isSet(set *flag.FlagSet, name string) bool {
	found := false
	set.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

// onlyThese reports a flag that is given and is none of names.
func onlyThese(set *flag.FlagSet, what string, names ...string) (err error) {
	set.Visit(func(f *flag.Flag) {
		if err == nil && !slices.Contains(names, f.Name) {
			err = usagef("%s does not know -%s", what, f.Name)
		}
	})
	return err
}
