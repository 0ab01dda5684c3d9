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
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Pair tells of each test sample whether it was classified correctly by the separate
// network and, after packing, by the packed one.
type Pair struct {
	Before, After []bool
}

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
	Change float64 `json:"change"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
}

func (i Interval) String() string {
	return fmt.Sprintf("%+.2f (%+.2f to %+.2f)", i.Change, i.Low, i.High)
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
	o.Resamples, o.Level = cmp.Or(o.Resamples, 10_000), cmp.Or(o.Level, 0.95)
	if o.Resamples < 1 || !(o.Level > 0 && o.Level < 1) {
		return nil, fmt.Errorf("bootstrap: %d resamples, level %v: want 1 or more, and between 0 and 1",
			o.Resamples, o.Level)
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
			return nil, fmt.Errorf("bootstrap: network %q has %d seeds: want %d, as %q has",
				n.Name, len(n.Pairs), seeds, networks[0].Name)
		}
	}
	// How many times each resample takes each seed.
	rng := rand.New(stream(o.Seed, "seeds"))
	times := make([][]int64, o.Resamples)
	for i := range times {
		times[i] = make([]int64, seeds)
		for range seeds {
			times[i][rng.IntN(seeds)]++
		}
	}
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

// interval sorts changes and leaves out as many of them at both ends.
func interval(change float64, changes []float64, level float64) Interval {
	slices.Sort(changes)
	// 1 - 0.9 is a little less than 0.1.
	out := int(float64(len(changes))*(1-level)/2 + 1e-9)
	return Interval{Change: change, Low: changes[out], High: changes[len(changes)-1-out]}
}

func stream(seed uint64, purpose ...string) *rand.PCG {
	h := fnv.New64a()
	for _, p := range purpose {
		h.Write([]byte(p + "\x00"))
	}
	return rand.NewPCG(seed, h.Sum64())
}

// units are what is resampled of a network: groups of samples, and samples without relatives.
// Alike ones are one kind; without groups and with one seed, there are at most three: what got
// right, got wrong, or stayed.
type units struct {
	kinds []kind
	of    []int32 // the kind of each unit, rising
	seeds int
}

type kind struct {
	count   int     // units of this kind
	samples int64   // in a unit
	gain    []int64 // a seed: samples in a unit that got right less those that got wrong
}

// compare orders kinds, so that nothing depends on the order of samples.
func compare(a, b kind) int {
	return cmp.Or(cmp.Compare(a.samples, b.samples), slices.Compare(a.gain, b.gain))
}

// newUnits checks a network and adds up its groups.
func newUnits(n Network) (*units, error) {
	if len(n.Pairs) == 0 {
		return nil, errors.New("no pairs of before and after")
	}
	samples := len(n.Pairs[0].Before)
	for s, p := range n.Pairs {
		switch {
		case len(p.Before) != len(p.After):
			return nil, fmt.Errorf("seed %d: %d samples before and %d after", s, len(p.Before), len(p.After))
		case len(p.Before) == 0:
			return nil, fmt.Errorf("seed %d: no samples", s)
		case len(p.Before) != samples:
			return nil, fmt.Errorf("seed %d has %d samples: want %d, as seed 0 has",
				s, len(p.Before), samples)
		}
	}
	if n.Groups != nil && len(n.Groups) != samples {
		return nil, fmt.Errorf("groups of %d samples, %d samples", len(n.Groups), samples)
	}
	var all []kind
	at := map[int32]int{} // of a group
	for i := range samples {
		group := int32(-1)
		if n.Groups != nil {
			group = n.Groups[i]
		}
		k, known := at[group]
		if !known || group == -1 {
			k = len(all)
			at[group] = k
			all = append(all, kind{count: 1, gain: make([]int64, len(n.Pairs))})
		}
		all[k].samples++
		for s, p := range n.Pairs {
			if p.After[i] && !p.Before[i] {
				all[k].gain[s]++
			} else if p.Before[i] && !p.After[i] {
				all[k].gain[s]--
			}
		}
	}
	u := &units{seeds: len(n.Pairs)}
	slices.SortFunc(all, compare)
	for _, k := range all {
		if last := len(u.kinds) - 1; last >= 0 && compare(u.kinds[last], k) == 0 {
			u.kinds[last].count++
		} else {
			u.kinds = append(u.kinds, k)
		}
		u.of = append(u.of, int32(len(u.kinds)-1))
	}
	return u, nil
}

func (u *units) change() float64 {
	var gain, samples int64
	for _, k := range u.kinds {
		for _, g := range k.gain {
			gain += int64(k.count) * g
		}
		samples += int64(k.count) * k.samples
	}
	return u.points(gain, samples)
}

func (u *units) points(gain, samples int64) float64 {
	return 100 * float64(gain) / float64(samples*int64(u.seeds))
}

// resample draws as many units as there are, with replacement, once for each of times, in
// which each seed counts so many times, and returns the changes.
func (u *units) resample(ctx context.Context, times [][]int64, src *rand.PCG) ([]float64, error) {
	draw := u.byUnit
	// One binomial number takes about as long as so many units.
	if len(u.kinds)*40 < len(u.of) {
		draw = u.byKind
	}
	changes := make([]float64, len(times))
	gain := make([]int64, len(u.kinds)) // of a unit, over the seeds of a resample
	rng := rand.New(src)
	for i, seeds := range times {
		if i%64 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		for k, kind := range u.kinds {
			gain[k] = 0
			for s, n := range seeds {
				gain[k] += n * kind.gain[s]
			}
		}
		changes[i] = u.points(draw(rng, gain))
	}
	return changes, nil
}

func (u *units) byUnit(rng *rand.Rand, gain []int64) (sum, samples int64) {
	for range u.of {
		k := u.of[rng.IntN(len(u.of))]
		sum += gain[k]
		samples += u.kinds[k].samples
	}
	return sum, samples
}

// byKind draws how many units of each kind there are: multinomial numbers, one after
// another as binomial ones of what is left.
func (u *units) byKind(rng *rand.Rand, gain []int64) (sum, samples int64) {
	draws, left := len(u.of), len(u.of)
	for i, k := range u.kinds {
		n := draws
		if k.count < left && draws > 0 {
			n = int(distuv.Binomial{N: float64(draws), P: float64(k.count) / float64(left), Src: rng}.Rand())
		}
		draws -= n
		left -= k.count
		sum += int64(n) * gain[i]
		samples += int64(n) * k.samples
	}
	return sum, samples
}
