package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// units are what is resampled of a network: groups of samples, and samples without
// relatives. Alike ones are one kind, of which there are few where samples have no
// relatives: one that got right, one that got wrong, one that stayed, for one seed.
type units struct {
	kinds []kind
	of    []int32 // the kind of each unit, rising
	seeds int
}

// kind is a sort of unit.
type kind struct {
	count   int     // units of this kind
	samples int64   // in a unit
	gain    []int64 // a seed: samples in a unit that got right less those that got wrong
}

// newUnits checks a network and adds up its groups.
func newUnits(n Network) (*units, error) {
	if len(n.Pairs) == 0 {
		return nil, errors.New("no pairs of before and after")
	}
	samples := len(n.Pairs[0].Before)
	for s, p := range n.Pairs {
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("seed %d: %w", s, err)
		}
		if len(p.Before) != samples {
			return nil, fmt.Errorf("seed %d has %d samples: want %d, as seed 0 has", s, len(p.Before), samples)
		}
	}
	if n.Groups != nil && len(n.Groups) != samples {
		return nil, fmt.Errorf("groups of %d samples, %d samples", len(n.Groups), samples)
	}
	var all []kind
	at := map[int32]int{} // of a group
	for i := range samples {
		k := len(all)
		if n.Groups != nil && n.Groups[i] != -1 {
			if first, ok := at[n.Groups[i]]; ok {
				k = first
			} else {
				at[n.Groups[i]] = k
			}
		}
		if k == len(all) {
			all = append(all, kind{count: 1, gain: make([]int64, len(n.Pairs))})
		}
		all[k].samples++
		for s, p := range n.Pairs {
			switch {
			case p.After[i] && !p.Before[i]:
				all[k].gain[s]++
			case p.Before[i] && !p.After[i]:
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

// compare orders kinds, so that nothing depends on the order of samples.
func compare(a, b kind) int {
	if a.samples != b.samples {
		return int(a.samples - b.samples)
	}
	return slices.Compare(a.gain, b.gain)
}

// change is that of all units and seeds, in points.
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

// points is a gain over all seeds, in points.
func (u *units) points(gain, samples int64) float64 {
	return 100 * float64(gain) / float64(samples*int64(u.seeds))
}

// resample draws as many units as there are, with replacement, once for each of the
// resamples, in which the seeds count as many times as told, and returns the changes.
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
		if i%64 == 0 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
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

// byUnit draws unit by unit.
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
