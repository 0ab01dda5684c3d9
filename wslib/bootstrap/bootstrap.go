// Package bootstrap says how sure a change of test accuracy is: percentile intervals from
// resampled test data and resampled packing runs (B. Efron, Bootstrap methods, 1979).
//
// A test sample counts by whether it was right before and after. Samples are not resampled
// one by one but in the groups that belong together (the words of one speaker, the windows
// of one person), as related samples are right or wrong together. With several seeds, which
// are pairs of a baseline and a packing each, seeds are resampled too, independently of the
// samples, which are the same for all of them (A. Owen, The pigeonhole bootstrap, 2007).
//
// With one seed an interval covers only what other test data could have given, not what
// another training could have. With few seeds it covers less of the latter than there is:
// the variance between S seeds comes out (S-1)/S times as large. Few groups are too few in
// the same way.
package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
)

// Network is what packing did to one network's test samples.
type Network struct {
	Name   string
	Pairs  []Pair  // one a seed, all of the same samples
	Groups []int32 // of each sample, -1 of one without relatives; nil if none has any, as in datasets.Split
}

// Options of [Changes].
type Options struct {
	Resamples int     // 0 = 10,000
	Level     float64 // share of the resamples inside an interval, below 1; 0 = 0.95
	Seed      uint64
}

// Interval is a change of accuracy, in points, and the percentile interval around it.
// Percentiles are not corrected for bias: where groups are few and of unequal size, the
// change may even be outside.
type Interval struct {
	Change, Low, High float64
}

// Result of [Changes].
type Result struct {
	Networks []Interval // in the order of the networks
	Mean     Interval   // of the mean change over the networks, each counting the same
}

// Changes returns the mean change of each network over its samples and seeds, and of all
// networks, with their intervals.
//
// The groups of each network are drawn independently of the others'. Seeds are drawn once
// for all networks, as one packing run serves all of them; so pair i of every network has
// to be of run i. A network's interval does not depend on which others there are, nor on the
// order of its samples.
//
// Networks need names of their own, the same number of pairs, and as many outcomes before
// as after as groups.
func Changes(ctx context.Context, networks []Network, o Options) (*Result, error) {
	if o.Resamples == 0 {
		o.Resamples = 10_000
	}
	if o.Level == 0 {
		o.Level = 0.95
	}
	if o.Resamples < 1 || !(o.Level > 0 && o.Level < 1) {
		return nil, fmt.Errorf("bootstrap: %d resamples, level %v: want 1 or more, and between 0 and 1", o.Resamples, o.Level)
	}
	if len(networks) == 0 {
		return nil, errors.New("bootstrap: no networks")
	}
	seeds := len(networks[0].Pairs)
	seen := map[string]bool{}
	for _, n := range networks {
		if seen[n.Name] {
			return nil, fmt.Errorf("bootstrap: network %q is there twice", n.Name)
		}
		seen[n.Name] = true
		if len(n.Pairs) != seeds {
			return nil, fmt.Errorf("bootstrap: network %q has %d seeds: want %d, as %q has", n.Name, len(n.Pairs), seeds, networks[0].Name)
		}
	}
	times := drawSeeds(seeds, o)
	r := &Result{}
	mean := make([]float64, o.Resamples)
	for _, n := range networks {
		u, err := newUnits(n)
		if err != nil {
			return nil, fmt.Errorf("bootstrap: network %q: %w", n.Name, err)
		}
		changes, err := u.resample(ctx, times, stream(o.Seed, "samples", n.Name))
		if err != nil {
			return nil, fmt.Errorf("bootstrap: network %q: %w", n.Name, err)
		}
		for i, c := range changes {
			mean[i] += c
		}
		whole := u.change()
		r.Mean.Change += whole
		r.Networks = append(r.Networks, interval(whole, changes, o.Level))
	}
	for i := range mean {
		mean[i] /= float64(len(networks))
	}
	r.Mean = interval(r.Mean.Change/float64(len(networks)), mean, o.Level)
	return r, nil
}

// drawSeeds returns how many times each resample takes each seed.
func drawSeeds(seeds int, o Options) [][]int64 {
	rng := rand.New(stream(o.Seed, "seeds"))
	times := make([][]int64, o.Resamples)
	for i := range times {
		times[i] = make([]int64, seeds)
		for range seeds {
			times[i][rng.IntN(seeds)]++
		}
	}
	return times
}

// interval sorts changes and leaves out as many of them at both ends.
func interval(change float64, changes []float64, level float64) Interval {
	slices.Sort(changes)
	// 1 - 0.9 is a little less than 0.1.
	out := int(math.Floor(float64(len(changes))*(1-level)/2 + 1e-9))
	return Interval{Change: change, Low: changes[out], High: changes[len(changes)-1-out]}
}

// stream gives random numbers for one purpose.
func stream(seed uint64, purpose ...string) *rand.PCG {
	h := fnv.New64a()
	for _, p := range purpose {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return rand.NewPCG(seed, h.Sum64())
}
