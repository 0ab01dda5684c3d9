package main

import (
	"flag"

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
	learningRate  *float64
	rounds        *int
	firstSteps    *int
	start         *string
	dropout       *float64
	precision     *int
	exclusiveBits *int
	scaleFormat   *string
	distillation  *float64
	validateOn    *int
	sample        *int
}

func optimizationFlags(f *runFlags) *optimizationOverrides {
	return &optimizationOverrides{
		set:           f.set,
		method:        f.set.String("method", "", "optimization `method`: joint or alternating; default from the profile"),
		steps:         f.set.Int("steps", 0, "`steps` of joint optimization, or of a baseline; default from the profile"),
		batch:         f.set.Int("batch", 0, "samples of each network in a step; default from the profile"),
		learningRate:  f.set.Float64("rate", 0, "learning rate at its highest; default from the profile"),
		rounds:        f.set.Int("rounds", 0, "rounds of alternating optimization; default from the profile"),
		start:         f.set.String("start", "", "`pages` that joint optimization starts from: average, random, normalized; default from the profile"),
		dropout:       f.set.Float64("dropout", 0, "dropout before dense layers in joint optimization; default from the profile"),
		precision:     f.set.Int("precision", 32, "`bits` of a stored page value in joint optimization: 32 (float32), 16, 8, 4, 2, 1"),
		exclusiveBits: f.set.Int("exclusive-precision", 0, "`bits` of a stored value of exclusive pages, 0: as -precision"),
		scaleFormat:   f.set.String("scales", string(page.ScaleFloat32), "`format` of stored scales: float32, float16, log8"),
		distillation:  f.set.Float64("distill", 0, "`share` of the loss that follows the separate networks' outputs"),
		sample:        f.set.Int("sample", 0, "`networks` in a step of joint optimization, drawn anew each time; 0: all"),
		validateOn:    f.set.Int("validate-on", 0, "at most so many validation `samples` a network while training, 0 all; default from the profile"),
		firstSteps:    f.set.Int("first", 0, "steps of the first turn of alternating optimization; default from the profile"),
	}
}

func (o *optimizationOverrides) apply(c *pipeline.Config) {
	x := &c.Optimization
	for name, set := range map[string]func(){
		"method":              func() { x.Method = *o.method },
		"steps":               func() { x.Steps = *o.steps },
		"batch":               func() { x.Batch, x.Batches = *o.batch, nil },
		"rate":                func() { x.LearningRate = *o.learningRate },
		"rounds":              func() { x.Rounds = *o.rounds },
		"start":               func() { x.Start = *o.start },
		"dropout":             func() { x.Dropout = *o.dropout },
		"first":               func() { x.FirstSteps = *o.firstSteps },
		"precision":           func() { x.Precision = page.Precision(*o.precision) },
		"exclusive-precision": func() { x.ExclusivePrecision = page.Precision(*o.exclusiveBits) },
		"scales":              func() { x.ScaleFormat = page.ScaleFormat(*o.scaleFormat) },
		"distill":             func() { x.Distillation = *o.distillation },
		"sample":              func() { x.Sample = *o.sample },
		"validate-on":         func() { x.ValidateOn = *o.validateOn },
	} {
		if isSet(o.set, name) {
			set()
		}
	}
}

func isSet(set *flag.FlagSet, name string) bool {
	found := false
	set.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}
