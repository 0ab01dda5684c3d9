package main

import (
	"flag"
	"slices"

	"weightsep/wslib/internal/option"
	"weightsep/wslib/optimization"
	"weightsep/wslib/pipeline"
)

// configFlags are flags that replace values of a run's configuration where they are given: one for
// each field of pipeline.Config that names a flag.
type configFlags struct{ *option.Flags }

// newConfigFlags adds the flags, but for those named in without.
func newConfigFlags(f *runFlags, without ...string) configFlags {
	return configFlags{option.Define(f.set, pipeline.Config{}, without...)}
}

// apply sets what was given, and what follows from it. It reports flags that contradict each other.
func (o configFlags) apply(c *pipeline.Config) error {
	if err := o.Flags.Apply(c); err != nil {
		return usageError{err.Error()}
	}
	if other := o.Other("only", c.Optimization.Method); other != "" {
		return usagef("%s optimization has no -%s", c.Optimization.Method, other)
	}
	p := &c.Pages
	balanced := p.Placement == pipeline.BalancedPlacement
	if balanced && o.Given("placement") {
		p.Doubling = true
	}
	if !balanced && c.Optimization.Method == optimization.AlternatingMethod {
		p.Doubling = false // of a profile that places otherwise
	}
	if c.Hold || balanced {
		return nil
	}
	if o.Given("load") || o.Given("spread") {
		return usagef("-load and -spread need -placement %s", pipeline.BalancedPlacement)
	}
	p.Load, p.LoadSpread = optimization.Each{"": 1}, 0
	return nil
}

// join is apply for networks that join held ones: they are placed by load whatever the run there did.
func (o configFlags) join(c *pipeline.Config) error {
	c.Hold = true
	return o.apply(c)
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
