package main

import (
	"maps"
	"testing"

	"weightsep/wslib/pipeline"
)

// -batch is for all networks, but for those that -batches names; -batches alone replaces the
// profile's, and what it names with the batch of all has none of its own.
func TestBatches(t *testing.T) {
	c, err := pipeline.Profile("packing")
	if err != nil {
		t.Fatal(err)
	}
	if c.Optimization.Batch != 128 || len(c.Optimization.Batches) == 0 {
		t.Fatalf("the profile has batches of %d and %v", c.Optimization.Batch, c.Optimization.Batches)
	}
	profile := c.Optimization.Batches
	for _, w := range []struct {
		args    []string
		batch   int
		batches map[string]int
	}{
		{nil, 128, profile},
		{[]string{"-batch", "256"}, 256, nil},
		{[]string{"-batch", "256", "-batches", "obs=16,mnist=256"}, 256, map[string]int{"obs": 16}},
		{[]string{"-batches", "cifar10=256,fmnist=128"}, 128, map[string]int{"cifar10": 256}},
		{[]string{"-batches", ""}, 128, nil},
	} {
		c, err := pipeline.Profile("packing")
		if err != nil {
			t.Fatal(err)
		}
		f := newRunFlags("run")
		o := optimizationFlags(f)
		if err := f.set.Parse(w.args); err != nil {
			t.Fatal(err)
		}
		if err := o.apply(&c); err != nil {
			t.Fatal(err)
		}
		if got := c.Optimization; got.Batch != w.batch || !maps.Equal(got.Batches, w.batches) {
			t.Errorf("%q: batch %d, %v of their own, want %d, %v", w.args, got.Batch, got.Batches, w.batch, w.batches)
		}
	}
}
