package main

import (
	"maps"
	"reflect"
	"strings"
	"testing"

	"weightsep/wslib/internal/option"
	"weightsep/wslib/optimization"
	"weightsep/wslib/pipeline"
)

// A number is for all networks, and NAME=NUMBER for one; what was for single networks is forgotten,
// what was for all stays where there is no other. What is the same has one spelling.
func TestValuesForEveryNetwork(t *testing.T) {
	type each = optimization.Each
	packing, err := pipeline.Profile("packing")
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []struct {
		args []string
		want each
	}{
		{nil, packing.Optimization.Batch},
		{[]string{"-batch", "256"}, each{"": 256}},
		{[]string{"-batch", "256,obs=16,mnist=256"}, each{"": 256, "obs": 16}},
		{[]string{"-batch", "cifar10=256, fmnist=128"}, each{"": 128, "cifar10": 256}},
		{[]string{"-batch", ""}, each{"": 128}},
	} {
		c, err := pipeline.Profile("packing")
		if err != nil {
			t.Fatal(err)
		}
		f := (&app{}).flags("run", "")
		f.config = option.Define(f.set, pipeline.Config{})
		if err := f.set.Parse(w.args); err != nil {
			t.Fatal(err)
		}
		if err := f.apply(&c); err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(c.Optimization.Batch, w.want) {
			t.Errorf("%q: batch %v, want %v", w.args, c.Optimization.Batch, w.want)
		}
	}
}

// The flags of all kinds reach their fields, and only those that are given change anything.
func TestFlagsReachTheConfig(t *testing.T) {
	c, err := pipeline.Profile("packing")
	if err != nil {
		t.Fatal(err)
	}
	f := (&app{}).flags("run", "")
	f.config = option.Define(f.set, pipeline.Config{})
	f.budgetFlags()
	if err := f.set.Parse([]string{"-page", "256", "-seed", "3", "-rate", "0.01", "-steps", "7", "-scales",
		"float16",
		"-precision", "2", "-mixup", "gtsrb=0.5", "-bytes", "80KB", "-load", "20,obs=1"}); err != nil {
		t.Fatal(err)
	}
	want := c
	want.Seed, want.Pages.Size, want.Pages.ScaleFormat, want.Pages.Precision = 3, 256, "float16", 2
	want.Optimization.LearningRate, want.Optimization.Steps = 0.01, 7
	want.Optimization.Mixup = optimization.Each{"": 0, "gtsrb": 0.5}
	want.Pages.Load = optimization.Each{"": 20, "obs": 1}
	if err := f.apply(&c); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(c, want) || f.bytes != 80_000 {
		t.Errorf("got %+v and %d bytes, want %+v", c, f.bytes, want)
	}
}

// The ten networks are packed as their profile is made for, unless pages, a budget or networks are given.
func TestBudgetOfTheProfile(t *testing.T) {
	for _, c := range []struct {
		profile, args string
		want          float64
	}{
		{"quick", "", 32}, {"packing", "-steps 5", 32}, {"paper", "", 0}, {"quick", "-ratio 50", 50},
		{"quick", "-bytes 80KB", 0}, {"quick", "-shared 99", 0}, {"smoke", "-net mnist", 0},
		{"quick", "-nets own", 0}, {"quick", "-method alternating", 0},
	} {
		f := (&app{}).flags("run", "names")
		f.config = option.Define(f.set, pipeline.Config{})
		f.budgetFlags()
		if err := f.set.Parse(strings.Fields(c.args)); err != nil {
			t.Fatal(err)
		}
		f.ofProfile(c.profile)
		config, err := pipeline.Profile(c.profile)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.apply(&config); err != nil || f.ratio != c.want {
			t.Errorf("%s %s: ratio %v (%v), want %v", c.profile, c.args, f.ratio, err, c.want)
		}
	}
}
